"""The WebSocket transport: frames."""

from __future__ import annotations

import struct
import time
from socket import SHUT_WR, SO_LINGER, SO_SNDBUF, SOL_SOCKET
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.monkey import get_original

from tgext.socketio.engine.hub import lingering
from tgext.socketio.engine.namespaces.base import BaseNamespace
from tgext.socketio.engine.transports import websocket as websocket_module
from tgext.socketio.wire.websocket.frames import (
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    encode_frame,
)

from ..clients import (
    DEADLINE,
    MASK,
    RESOURCE,
    WebSocket,
    WebSocketClient,
    handshake_1,
    wait_for,
)
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, Holding, Witness, fresh

WEBSOCKETS = ["0.9-websocket", "2-websocket", "4-websocket"]
native_sleep = get_original("time", "sleep")

#: Closing resets the connection.
NO_LINGER = struct.pack("ii", 1, 0)

websockets = pytest.mark.parametrize("kind", WEBSOCKETS)


def joined(live: Live, kind: str) -> WebSocketClient:
    """A client in the namespace ``/chat``."""
    client = live.client(kind)
    client.join("/chat")
    assert isinstance(client, WebSocketClient)
    return client


def receive_close(websocket: WebSocket) -> int:
    """The code of the close frame, which may follow other messages."""
    while True:
        opcode, payload = websocket.receive_frame()
        if opcode == CLOSE:
            assert isinstance(payload, bytes)
            return int.from_bytes(payload[:2], "big")


@websockets
@pytest.mark.parametrize("payload", [b"", b"hello", b"\xff" * 125])
def test_a_ping_is_answered(serve: Serve, kind: str, payload: bytes) -> None:
    client = joined(serve({"/chat": Echo}), kind)
    client.websocket.send_frame(PING, payload)
    assert client.websocket.receive_frame() == (PONG, payload)


@websockets
def test_a_pong_needs_no_answer(serve: Serve, kind: str) -> None:
    client = joined(serve({"/chat": Echo}), kind)
    client.websocket.send_frame(PONG, b"unasked")
    assert client.call("/chat", "echo", 1) == [1]


@websockets
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03\xe8", 1000),
        (b"\x03\xe9going away", 1001),
        (b"\x0f\xa0", 4000),
        (b"", 1000),
    ],
)
def test_a_close_frame_is_answered_with_its_code(
    serve: Serve, kind: str, payload: bytes, code: int
) -> None:
    namespace = fresh(Witness)
    client = joined(serve({"/chat": namespace}), kind)
    client.websocket.send_frame(CLOSE, payload)
    assert client.websocket.receive_frame() == (CLOSE, code.to_bytes(2, "big"))
    client.websocket.expect_end()
    assert namespace.left == ["transport close"]


@websockets
def test_the_close_frame_arrives_though_the_client_goes_on_sending(
    serve: Serve, kind: str
) -> None:
    """Closing with unread input would reset the connection."""
    live = serve({"/chat": Echo}, max_message_size=1000)
    client = joined(live, kind)
    client.websocket.send_raw(b"\x81\xff" + (10**6).to_bytes(8, "big") + MASK)
    for _ in range(100):
        client.websocket.send_raw(b"x" * 10_000)
    assert receive_close(client.websocket) == 1009
    client.close()


@websockets
def test_a_client_may_vanish_after_a_broken_frame(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo})
    client = joined(live, kind)
    client.websocket.send_raw(encode_frame(TEXT, b"unmasked"))
    assert receive_close(client.websocket) == 1002
    client.websocket.sock.setsockopt(SOL_SOCKET, SO_LINGER, NO_LINGER)
    client.close()


@websockets
def test_a_message_of_the_largest_size_is_taken(serve: Serve, kind: str) -> None:
    client = joined(serve({"/chat": Echo}, max_message_size=1000), kind)
    empty = client.dialect.event("/chat", "echo", ("",), 1)
    text = "x" * (1000 - len(empty))
    assert client.call("/chat", "echo", text) == [text]


@websockets
def test_a_message_may_come_in_fragments_and_pieces(serve: Serve, kind: str) -> None:
    client = joined(serve({"/chat": Echo}), kind)
    text = client.dialect.event("/chat", "echo", ("hällo",), 1).encode()
    first, middle, last = text[:5], text[5:-6], text[-6:]
    frames = [
        bytes([TEXT]) + encode_frame(TEXT, first, MASK)[1:],
        encode_frame(PING, b"between", MASK),
        bytes([CONTINUATION]) + encode_frame(TEXT, middle, MASK)[1:],
        encode_frame(CONTINUATION, last, MASK),
    ]
    for byte in b"".join(frames):
        client.websocket.send_raw(bytes([byte]))
        gevent.sleep(0)
    assert client.websocket.receive_frame() == (PONG, b"between")
    assert client.read()["args"] == ["hällo"]


def test_frames_may_be_sent_together_with_the_handshake(serve: Serve) -> None:
    live = serve({"/chat": Echo})

    def frames(*texts: str) -> bytes:
        return b"".join(encode_frame(TEXT, each.encode(), MASK) for each in texts)

    early = frames("40/chat,", '42/chat,1["echo","early"]')
    client = live.websocket_5(early=early)
    assert client.read()["type"] == "connect"
    assert client.receive() == '43/chat,1["early"]'
    sid, _ = handshake_1(live.http())
    early = frames("1::/chat", '5:1+:/chat:{"name":"echo","args":["early"]}')
    websocket = live.websocket(f"{RESOURCE}/1/websocket/{sid}", early=early)
    assert [websocket.receive() for _ in range(3)] == [
        "1::",
        "1::/chat",
        '6::/chat:1+["early"]',
    ]


def test_half_a_frame_may_be_sent_together_with_the_handshake(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    frame = encode_frame(TEXT, b"40/chat,", MASK)
    client = live.websocket_5(early=frame[:5])
    client.websocket.send_raw(frame[5:])
    assert client.read()["type"] == "connect"


@websockets
@pytest.mark.parametrize("how", ["closes", "resets", "says so and vanishes"])
def test_a_client_that_vanishes_is_noticed(serve: Serve, kind: str, how: str) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client = joined(live, kind)
    if how == "resets":
        client.websocket.sock.setsockopt(SOL_SOCKET, SO_LINGER, NO_LINGER)
    elif how == "says so and vanishes":
        client.websocket.send_close()
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    (reason,) = namespace.left
    assert reason == ("transport error" if how == "resets" else "transport close")


class Slow(Witness):
    handled = 0

    def on_talk(self, number: int) -> None:
        type(self).handled += 1
        native_sleep(0.001)  # computes
        self.emit("words", "x" * 1000)


@websockets
def test_handlers_do_not_go_on_for_long_after_the_client_has_vanished(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Slow)
    live = serve({"/chat": namespace}, shutdown_timeout=0.1)
    client = joined(live, kind)
    sent = 5000
    event = client.dialect.event("/chat", "talk", (1,), None).encode()
    client.websocket.send_raw(encode_frame(TEXT, event, MASK) * sent)
    wait_for(lambda: namespace.handled, "the first is handled")
    client.websocket.sock.setsockopt(SOL_SOCKET, SO_LINGER, NO_LINGER)
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert len(namespace.left) == 1
    assert 0 < namespace.handled < sent


@websockets
def test_a_client_that_does_not_answer_a_close_frame_is_left(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(websocket_module, "CLOSE_TIMEOUT", 0.1)
    live = serve({"/chat": Echo})
    client = joined(live, kind)
    live.socket(client).kill()
    assert receive_close(client.websocket) == 1000
    # The server closes although the client does not answer.
    client.websocket.expect_end()
    live.expect_nothing_left()


@websockets
def test_a_client_that_answers_a_close_frame_is_left_at_once(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Echo})
    client = joined(live, kind)
    live.socket(client).kill()
    assert receive_close(client.websocket) == 1000
    client.websocket.send_close()
    client.websocket.expect_end()


@pytest.fixture
def narrow() -> socket.socket:
    """A listener whose connections have the smallest buffers of the kernel."""
    listener = socket.socket()
    listener.setsockopt(SOL_SOCKET, SO_SNDBUF, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def parting(live: Live) -> WebSocket:
    """A client that was disconnected while much was unsent."""
    target = f"{RESOURCE}?EIO=4&transport=websocket"
    client = live.websocket(target, receive_buffer=4096)
    client.send("40")
    client.send('42["leave"]')
    wait_for(lambda: not live.server.sockets, "the session ends")
    return client


class Parting(BaseNamespace):
    def on_leave(self) -> None:
        self.emit("last", "x" * 200_000)
        self.socket.kill()


def test_who_is_disconnected_has_time_to_read_what_was_sent_before(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, narrow: socket.socket
) -> None:
    """Over a slow line."""
    monkeypatch.setattr(websocket_module, "CLOSE_TIMEOUT", 0.1)
    client = parting(serve({"": Parting}, listener=narrow))
    gevent.sleep(0.3)
    assert f'42["last","{"x" * 200_000}"]' in client.drain()


@pytest.mark.parametrize(
    ("seconds", "most"),
    [(0.1, 1_000_000), (DEADLINE, 100_000)],
    ids=["for too long", "of too much"],
)
def test_who_is_disconnected_and_reads_nothing_is_left(
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    narrow: socket.socket,
    seconds: float,
    most: int,
) -> None:
    """Ended connections do not count, so one client may have many."""
    monkeypatch.setattr(websocket_module, "CLOSE_TIMEOUT", 0.1)
    monkeypatch.setattr(lingering, "MOST", most)
    live = serve({"": Parting}, listener=narrow, slow_timeout=seconds)
    parting(live)
    begun = time.monotonic()
    wait_for(lambda: not live.server.hub.requests.number, "it is left")
    assert time.monotonic() - begun < DEADLINE / 2


@websockets
def test_unread_output_goes_with_a_client_whose_end_is_interrupted(
    serve: Serve, kind: str
) -> None:
    """Its file descriptor would still be watched when another client gets it."""

    class Stuck(BaseNamespace):
        def recv_disconnect(self) -> None:
            gevent.sleep(DEADLINE)

    live = serve({"/chat": Stuck}, shutdown_timeout=0.1)
    client = live.client(kind)
    assert isinstance(client, WebSocketClient)
    client.join("/chat")
    transport: Any = live.socket(client).transport
    outbox = transport.outbox
    outbox.write_own(bytes(32 * 1024 * 1024))  # more than the kernel takes
    assert outbox.size > 0
    client.websocket.sock.shutdown(SHUT_WR)
    wait_for(lambda: outbox.closed, "the outbox is closed")
    assert outbox.size == 0


@websockets
def test_a_transport_can_be_ended_without_a_word_twice(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo})
    client = joined(live, kind)
    transport: Any = live.socket(client).transport
    transport.abort()
    transport.sock.close()
    transport.abort()
    client.websocket.expect_end()


@websockets
def test_a_busy_client_does_not_keep_its_answers_waiting(
    serve: Serve, kind: str
) -> None:
    """Answers leave between batches, however much there is to read."""
    namespace = fresh(Holding)
    client = joined(serve({"/chat": namespace}), kind)
    event = client.dialect.event
    texts = [event("/chat", "echo", (number,), number) for number in range(100)]
    client.send(*texts, event("/chat", "hold", (), None))
    for number in range(100):
        assert client.read()["args"] == [number]
    namespace.go_on.set()
