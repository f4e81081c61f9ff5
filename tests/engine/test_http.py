"""How answers leave; what connections are given time for is in test_handler.py."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tgext.socketio.engine.handler import SocketIOHandler
from tgext.socketio.engine.http import SENT_AT_ONCE
from tgext.socketio.wire.handshake import accept_key

from .clients import RESOURCE, wait_for
from .conftest import Serve
from .namespaces import Echo
from .test_handshake import KEY


def answering(
    *chunks: bytes, whole: bool = False
) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """An application with one answer, of which pywsgi knows the size or not."""

    def application(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return list(chunks) if whole else iter(chunks)

    return application


def test_head_and_body_of_an_answer_leave_in_one_piece(serve: Serve) -> None:
    raw = serve(application=answering(b"a page", whole=True)).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert raw.sock.recv(65536).endswith(b"\r\n\r\na page")


@pytest.mark.parametrize(
    "sizes",
    [(SENT_AT_ONCE,), (SENT_AT_ONCE + 1,), (10, 5_000_000, 0, 10)],
    ids=str,
)
@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_of_any_size_arrives_whole(
    serve: Serve, sizes: tuple[int, ...], whole: bool
) -> None:
    chunks = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    live = serve(application=answering(*chunks, whole=whole))
    assert live.http().get("/").text.encode() == b"".join(chunks)


def test_the_open_packet_leaves_with_the_answer_to_the_handshake(serve: Serve) -> None:
    raw = serve({"/chat": Echo}).raw()
    raw.send_raw(
        f"GET {RESOURCE}/?EIO=4&transport=websocket HTTP/1.1\r\n"
        "Host: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
    )
    head, _, frame = raw.sock.recv(65536).partition(b"\r\n\r\n")
    assert f"Sec-WebSocket-Accept: {accept_key(KEY)}".encode() in head
    assert frame[2:].startswith(b'0{"sid":')


def test_a_connection_that_has_ended_is_forgotten_without_the_collector(
    serve: Serve,
) -> None:
    """What its buffers hold is as large as all else of a connection."""
    handlers: weakref.WeakSet[SocketIOHandler] = weakref.WeakSet()

    class Counted(SocketIOHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            handlers.add(self)

    live = serve({"/chat": Echo})
    live.server.handler_class = Counted
    gc.disable()
    try:
        client, http = live.polling_5(), live.http()
        client.join("/chat")
        assert client.call("/chat", "echo", 1) == [1]
        assert http.get("/").text == "a page"
        assert len(handlers) == 3
        client.close()
        http.close()
        wait_for(lambda: not handlers, "all handlers are gone")
    finally:
        gc.enable()
