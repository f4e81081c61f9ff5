"""Several requests on one connection, with bodies of all kinds."""

from __future__ import annotations

import gc
import logging
import time
import weakref
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.handler import SocketIOHandler
from tgext.socketio.engine.http.body import DRAINED
from tgext.socketio.wire.websocket.handshake import accept_key

from ..clients import DEADLINE, RESOURCE, Raw, Reply, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo
from .exchanges import NEXT, Seen
from .test_upgrade import KEY


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
    """Its buffers are as large as all other objects of a connection together."""
    left: weakref.WeakSet[object] = weakref.WeakSet()

    class Counted(SocketIOHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            left.add(self)

    live = serve({"/chat": Echo})
    live.server.handler_class = Counted
    gc.disable()
    try:
        client, http = live.polling_5(), live.http()
        client.join("/chat")
        assert client.call("/chat", "echo", 1) == [1]
        assert http.get("/").text == "a page"
        left.update(live.server.connections.direct.values())
        assert len(left) == 3
        client.close()
        http.close()
        wait_for(lambda: not left, "all are gone")
    finally:
        gc.enable()


# One request after the other


def ask(raw: Raw, *requests: bytes) -> list[Reply]:
    """Send requests in one piece, and take an answer to each."""
    raw.send_raw(b"".join(requests))
    return [raw.receive_reply() for _ in requests]


def post(fields: bytes = b"", method: bytes = b"POST", chunks: bool = False) -> bytes:
    """A request whose body could be taken for another one."""
    body = b"GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n"
    if chunks:
        framing = b"Transfer-Encoding: chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        framing = b"Content-Length: %d" % len(body)
    return b"%b /form HTTP/1.1\r\nHost: here\r\n%b%b\r\n\r\n%b" % (
        method,
        fields,
        framing,
        body,
    )


FORM = "/form GET /hidden HTTP/1.1\r\nHost: here"


UPGRADES = [
    b"",
    b"Connection: upgrade\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Upgrade: websocket\r\n",
    b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
]


@pytest.mark.parametrize("reads", [True, False], ids=["read", "unread"])
@pytest.mark.parametrize("chunks", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("fields", UPGRADES, ids=repr)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
def test_a_body_ends_where_it_says_whatever_the_connection_is_to_become(
    serve: Serve, method: str, fields: bytes, chunks: bool, reads: bool
) -> None:
    seen = Seen(reads)
    raw = serve(application=seen).raw()
    request = post(fields, method.encode(), chunks)
    raw.send_raw(request + NEXT)
    status, headers = raw.receive_head()
    assert status == 200
    if method != "HEAD":
        raw.received = raw.received[int(headers["Content-Length"]) :]
    served = [f"{method} {FORM if reads else '/form'}"]
    if b"Upgrade: websocket" in fields:
        # A proxy may pass on what follows unchecked, whatever the answer is.
        assert headers["Connection"] == "close"
        raw.expect_end()
    else:
        assert raw.receive_reply().text == "GET /next"
        served.append("GET /next")
    assert seen.requests == served


@pytest.mark.parametrize("chunks", [False, True], ids=["sized", "chunked"])
def test_requests_that_come_byte_by_byte(serve: Serve, chunks: bool) -> None:
    seen = Seen()
    raw = serve(application=seen).raw()
    for byte in post(chunks=chunks) + b"\r\n" + NEXT:
        raw.send_raw(bytes([byte]))
        gevent.sleep(0)
    raw.receive_reply()
    assert raw.receive_reply().text == "GET /next"
    assert seen.requests == [f"POST {FORM}", "GET /next"]


def test_who_sends_many_requests_at_once_does_not_keep_others_waiting(
    serve: Serve,
) -> None:
    served: list[str] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end:
            pass
        served.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b"a page"]

    live = serve(application=application)
    many, other = live.raw(), live.raw()
    ask(other, NEXT)
    many.send_raw(b"GET / HTTP/1.1\r\nHost:a\r\n\r\n" * 300)
    wait_for(lambda: len(served) > 1, "the first of them is served")
    ask(other, NEXT)
    assert served[1:].index("/next") < 150
    for _ in range(300):
        many.receive_reply()


@pytest.mark.parametrize("size", [100, 8000, 30_000])
def test_heads_of_all_sizes_are_followed_by_others(serve: Serve, size: int) -> None:
    raw = serve(application=Seen()).raw()
    head = b"GET /a HTTP/1.1\r\nHost: here\r\nX: %b\r\n\r\n" % (b"x" * size)
    replies = ask(raw, head, NEXT, head, head, NEXT)
    texts = ["GET /a", "GET /next", "GET /a", "GET /a", "GET /next"]
    assert [reply.text for reply in replies] == texts


def test_what_of_a_body_is_too_much_to_be_skipped_ends_the_connection(
    serve: Serve,
) -> None:
    seen = Seen(reads=False)
    raw = serve(application=seen).raw()
    head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n"
    raw.send_raw(head % (DRAINED + 1) + NEXT * 10)
    reply = raw.receive_reply()
    assert (reply.text, reply.headers["Connection"]) == ("POST /", "close")
    raw.expect_end()
    assert seen.requests == ["POST /"]


def test_a_large_body_that_nobody_reads_does_not_hide_the_answer(serve: Serve) -> None:
    """Closing with unread input would reset the connection."""
    http = serve(application=Seen(reads=False)).http()
    reply = http.post("/", b"x" * 8 * DRAINED)
    assert reply.text == "POST /"
    assert reply.headers["Connection"] == "close"


def test_an_application_that_stops_reading_is_followed_by_no_other_request(
    serve: Serve,
) -> None:
    asked: list[str] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        with gevent.Timeout(0.05, False):  # type: ignore[arg-type]
            environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", "0")])
        return []

    raw = serve(application=application).raw()
    raw.send_raw(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n12345")
    assert raw.receive_reply().headers["Connection"] == "close"
    raw.send_raw(b"67890" + NEXT)
    raw.expect_end()
    assert asked == ["/"]


@pytest.mark.parametrize(
    "chunk", [b"x\r\n", b"+5\r\nhello\r\n", b"5\r\nhello\n", b"5\nhello\r\n"], ids=repr
)
@pytest.mark.parametrize("reads", [True, False], ids=["read", "unread"])
def test_a_body_that_cannot_be_read_ends_the_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture, chunk: bytes, reads: bool
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.refusals")
    raw = serve(application=Seen(reads)).raw()
    head = b"POST /a?b HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw.send_raw(head + chunk + b"0\r\n\r\n" + NEXT)
    assert raw.receive_reply().status == (400 if reads else 200)
    raw.expect_end()
    [record] = caplog.records
    assert "chunk" in record.getMessage()
    assert record.getMessage().endswith("POST /a")


@pytest.mark.parametrize("fields", UPGRADES[1:5], ids=repr)
@pytest.mark.parametrize("kind", ["0.9-xhr-polling", "2-polling", "4-polling"])
def test_clients_that_poll_through_a_proxy_that_offers_upgrades(
    serve: Serve, kind: str, fields: bytes
) -> None:
    """As ``proxy_set_header Connection "upgrade"`` does on every request."""
    live = serve({"/chat": Echo})
    client: Any = live.client(kind)
    client.join("/chat")
    body = client.dialect.event("/chat", "echo", (1,), 1).encode()
    if kind.startswith("2"):
        body = b"%d:%b" % (len(body), body)
    head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\n".encode()
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    raw = live.raw()
    raw.send_raw(head + fields + length + body)
    assert raw.receive_reply().status == 200
    assert client.read()["type"] == "ack"


def test_what_is_refused_is_logged_without_what_opens_a_session(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live = serve()
    targets = [
        f"{RESOURCE}/?EIO=4&sid=secret",
        f"{RESOURCE}/1/xhr-polling/secret",
        f"http://here{RESOURCE}/1/xhr-polling/secret",
    ]
    for target in targets:
        raw = live.raw()
        raw.send_raw(f"GET {target} HTTP/1.1\r\nX\x1b: \r\n\r\n".encode())
        assert raw.receive_reply().status == 400
        raw.send_raw(f"GET {target} \x1b[2J\n\r\n\r\n".encode())
        raw.expect_end()
    assert len(caplog.records) == len(targets)
    assert "secret" not in caplog.text
    assert "\x1b" not in caplog.text


def test_a_request_for_no_page_in_particular(serve: Serve) -> None:
    raw = serve(application=Seen()).raw()
    [options, after] = ask(raw, b"OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n", NEXT)
    assert (options.status, after.text) == (204, "GET /next")
    assert "GET" in options.headers["Allow"]


def test_a_target_with_a_host_is_served_as_its_path(serve: Serve) -> None:
    raw = serve(application=Seen()).raw()
    request = b"GET http://there/page HTTP/1.1\r\nHost: here\r\n\r\n"
    assert [reply.text for reply in ask(raw, request, NEXT)] == [
        "GET /page",
        "GET /next",
    ]


def test_a_client_connects_with_a_target_with_a_host(serve: Serve) -> None:
    live = serve({"/chat": Echo}, handshake_timeout=0.3)
    target = f"http://127.0.0.1:{live.port}{RESOURCE}/?EIO=4&transport=websocket"
    assert live.websocket(target).status == 101
    assert live.http().get(target.replace("websocket", "polling")).status == 200


def test_an_idle_connection_keeps_nothing_of_its_last_request(serve: Serve) -> None:
    handlers: list[SocketIOHandler] = []

    class Kept(SocketIOHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            handlers.append(self)

    live = serve(application=Seen())
    live.server.handler_class = Kept
    raw = live.raw()
    assert ask(raw, NEXT)[0].text == "GET /next"
    wait_for(lambda: not handlers[0].environ, "the request ends")
    assert not hasattr(handlers[0], "head")
    assert ask(raw, NEXT)[0].text == "GET /next"


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_an_empty_line_before_a_request_is_ignored(serve: Serve, pieces: int) -> None:
    """Old clients end a body with it (RFC 9112, section 2.2)."""
    raw = serve({}).raw()
    get = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
    post = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\nab"
    data = b"\r\n" + get + b"\r\n" + post + b"\r\n" + get
    size = -(-len(data) // pieces)
    for start in range(0, len(data), size):
        raw.send_raw(data[start : start + size])
    assert [raw.receive_reply().status for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("lines", [1, 2, 1000])
def test_empty_lines_do_not_keep_a_connection(serve: Serve, lines: int) -> None:
    raw = serve({}, header_timeout=0.2, keepalive_timeout=DEADLINE).raw()
    raw.send_raw(b"\r\n" * lines)
    if lines > 1:
        assert raw.receive_reply().status == 400
    raw.expect_end()
