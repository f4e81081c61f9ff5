"""Plain WebSockets: control frames, the closing handshake, pings."""

from __future__ import annotations

from socket import SHUT_WR
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.websocket import stream as framestream
from tgext.socketio.engine.websocket.wsgi import WebSocket, WebSocketError
from tgext.socketio.wire.websocket.frames import (
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    encode_frame,
)

from ..clients import DEADLINE, MASK, wait_for
from ..conftest import Serve
from ..plain import Held, Noted, echo, serving
from .frames import text

# Control frames


@pytest.mark.parametrize("payload", [b"", b"hello", b"\xff" * 125])
@pytest.mark.parametrize("receiving", [True, False])
def test_a_ping_is_answered_whether_anybody_receives_or_not(
    serve: Serve, payload: bytes, receiving: bool
) -> None:
    """Section 5.5.2."""
    held = Held()
    live = serve(application=serving(echo if receiving else held))
    websocket = live.websocket("/")
    websocket.send_frame(PING, payload)
    assert websocket.receive_frame() == (PONG, payload)
    held.go_on.set()


def test_a_pong_needs_no_answer(serve: Serve) -> None:
    """Section 5.5.3."""
    websocket = serve(application=serving(echo)).websocket("/")
    websocket.send_frame(PONG, b"unasked")
    websocket.send("alive")
    assert websocket.receive() == "alive"


def test_a_ping_inside_a_fragmented_message_is_answered_at_once(serve: Serve) -> None:
    """Section 5.4."""
    websocket = serve(application=serving(echo)).websocket("/")
    websocket.send_raw(bytes([TEXT]) + text("Hel")[1:])
    websocket.send_frame(PING, b"?")
    assert websocket.receive_frame() == (PONG, b"?")
    websocket.send_frame(CONTINUATION, b"lo")
    assert websocket.receive() == "Hello"


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_of_the_server_are_not_masked(serve: Serve, size: int) -> None:
    """Section 5.1. Section 5.2: a length has the least bytes that can hold it."""
    websocket = serve(application=serving(echo)).websocket("/")
    websocket.send("x" * size)
    frame = encode_frame(TEXT, b"x" * size)
    received = b""
    while len(received) < len(frame):
        received += websocket.sock.recv(65_536)
    assert received == frame
    assert not received[1] & 0x80


# The closing handshake


def test_what_came_before_a_close_frame_is_answered_first(serve: Serve) -> None:
    """Section 5.5.1: the server may finish what it is sending."""
    websocket = serve(application=serving(echo)).websocket("/")
    websocket.send_raw(
        text("a") + text("b") + encode_frame(CLOSE, b"\x03\xe8", MASK) + text("late")
    )
    assert [websocket.receive(), websocket.receive()] == ["a", "b"]
    assert websocket.receive_close() == 1000
    websocket.expect_end()


def test_a_close_frame_is_answered_though_nobody_receives(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 5.5.1: as soon as practical."""
    monkeypatch.setattr(framestream, "CLOSE_TIMEOUT", 0.1)
    held = Held()
    live = serve(application=serving(held))
    websocket = live.websocket("/")
    websocket.send("never received")
    websocket.send_close(1001)
    assert websocket.receive_close() == 1001
    websocket.expect_end()
    mine = held.first()
    wait_for(lambda: mine.closed, "the connection is closed")
    with pytest.raises(WebSocketError):
        mine.send("x")
    assert mine.receive() == "never received"
    assert mine.receive() is None
    held.go_on.set()


def test_the_server_closes_first_when_both_have_said_so(serve: Serve) -> None:
    """Section 5.5.1: the server closes the TCP connection immediately."""
    websocket = serve(application=serving(echo)).websocket("/")
    websocket.send_close()
    assert websocket.receive_close() == 1000
    websocket.expect_end()


def test_nothing_is_sent_after_a_close_frame(serve: Serve) -> None:
    """Section 5.5.1; a ping is not answered any more."""
    held = Held()
    live = serve(application=serving(held))
    websocket = live.websocket("/")
    held.first().close(1000)
    assert websocket.receive_close() == 1000
    websocket.send_frame(PING, b"?")
    websocket.send("anybody?")
    websocket.send_close()
    websocket.expect_end()
    held.go_on.set()


def test_a_client_that_does_not_answer_a_close_frame_is_left(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 7.1.1."""
    monkeypatch.setattr(framestream, "CLOSE_TIMEOUT", 0.1)
    live = serve(application=serving(lambda websocket: websocket.close(4000)))
    websocket = live.websocket("/")
    assert websocket.receive_close() == 4000
    websocket.expect_end()
    live.expect_nothing_left()


def test_a_greenlet_that_receives_is_told_that_another_closed(serve: Serve) -> None:
    noted = Noted()

    def both(websocket: WebSocket) -> None:
        gevent.spawn_later(0, websocket.close, 4001, "enough")
        noted(websocket)

    websocket = serve(application=serving(both)).websocket("/")
    assert websocket.receive_close() == 4001
    websocket.send_close(4001)
    assert noted.wait() == (4001, "enough")


def test_all_that_was_sent_arrives_before_the_connection_ends(serve: Serve) -> None:
    """The client reads slowly, and the application has returned long before."""
    message = "x" * 1_000_000

    def send(websocket: WebSocket) -> None:
        for _ in range(8):
            websocket.send(message)

    live = serve(application=serving(send), max_outbox=100_000_000)
    websocket = live.websocket("/", receive_buffer=4096)
    assert all(websocket.receive() == message for _ in range(8))
    assert websocket.receive_close() == 1000


@pytest.mark.parametrize("returns", ["before", "after"])
def test_who_says_goodbye_to_nobody_and_reads_nothing_is_left(
    serve: Serve, returns: str
) -> None:
    """The client ends its own side of the TCP connection, before or after the
    application returns. What it could still read is kept for some time.
    """

    def fill(websocket: WebSocket) -> None:
        stream: Any = websocket.stream
        while not stream.outbox.size:
            websocket.send("x" * 50_000)
        full.set()
        if returns == "after":
            websocket.receive()

    full = Event()
    live = serve(application=serving(fill), heartbeat_timeout=0.1)
    client = live.websocket("/", receive_buffer=4096)
    assert full.wait(DEADLINE)
    client.sock.shutdown(SHUT_WR)
    wait_for(lambda: not live.server.websockets, "it is left")


def test_a_server_that_stops_says_so(serve: Serve) -> None:
    """Section 7.4.1: 1001."""
    noted = Noted()
    live = serve(application=serving(noted))
    websocket = live.websocket("/")
    websocket.send("hello")
    wait_for(lambda: noted.messages, "the connection is there")
    stopping = gevent.spawn(live.server.stop)
    assert websocket.receive_frame() == (CLOSE, b"\x03\xe9server shutting down")
    websocket.send_close(1001)
    stopping.join(DEADLINE)
    assert noted.ended == (1001, "server shutting down")


# Silence


def test_a_client_that_answers_pings_stays(serve: Serve) -> None:
    live = serve(application=serving(echo, ping_interval=0.05), heartbeat_timeout=0.2)
    websocket = live.websocket("/")
    for _ in range(10):
        assert websocket.receive_frame() == (PING, b"")
        websocket.send_frame(PONG, b"")
    websocket.send("still here")
    assert "still here" in [websocket.receive_frame()[1] for _ in range(2)]


@pytest.mark.parametrize("receiving", [True, False])
def test_a_client_that_is_silent_is_closed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, receiving: bool
) -> None:
    """Section 7.4.1: 1011, as other servers say it."""
    monkeypatch.setattr(framestream, "CLOSE_TIMEOUT", 0.1)
    noted, held = Noted(), Held()
    live = serve(
        application=serving(noted if receiving else held, ping_interval=0.1),
        heartbeat_timeout=0.1,
    )
    websocket = live.websocket("/")
    frames = [websocket.receive_frame()]
    while frames[-1][0] == PING:
        frames.append(websocket.receive_frame())
    assert len(frames) > 1
    assert frames[-1] == (CLOSE, b"\x03\xf3ping timeout")
    websocket.expect_end()
    if receiving:
        assert noted.wait() == (1011, "ping timeout")
    else:
        wait_for(lambda: held.first().closed, "the connection is closed")
        assert held.first().close_code == 1011
    held.go_on.set()


def test_the_interval_is_the_servers_unless_it_is_said(serve: Serve) -> None:
    live = serve(application=serving(echo), heartbeat_interval=0.05)
    assert live.websocket("/").receive_frame() == (PING, b"")
