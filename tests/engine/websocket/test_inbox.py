"""Plain WebSockets: messages that were read, but not received by the application."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from socket import SHUT_WR, SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from tgext.socketio.engine.websocket.group import Group
from tgext.socketio.engine.websocket.inbox import READ_AHEAD
from tgext.socketio.engine.websocket.wsgi import WebSocket
from tgext.socketio.wire.websocket.deflate import Deflate, Deflater
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    COMPRESSED,
    PING,
    TEXT,
    encode_frame,
)

from .. import clients
from ..clients import DEADLINE, MASK, wait_for
from ..conftest import Serve
from ..plain import Held, Noted, echo, send_until_refused, serving
from .frames import ABNORMAL, NO_LINGER, text

# Back-pressure


def test_a_client_that_sends_more_than_is_received_has_to_wait(serve: Serve) -> None:
    """Then all messages are received in order."""
    held, noted = Held(), Noted()

    def late(websocket: WebSocket) -> None:
        held(websocket)
        noted(websocket)

    live = serve(application=serving(late))
    websocket = live.websocket("/")
    messages = [f"{number} " + "x" * 1000 for number in range(20_000)]
    sender = gevent.spawn(lambda: [websocket.send(each) for each in messages])
    mine: Any = held.first()
    stream = mine.stream
    wait_for(lambda: stream.inbox.full, "the inbox is full")
    gevent.sleep(0.05)
    assert not sender.dead
    assert stream.inbox.size < 2 * READ_AHEAD
    held.go_on.set()
    sender.join(DEADLINE)
    websocket.leave()
    noted.wait()
    assert noted.messages == messages


def test_silence_proves_nothing_while_the_inbox_is_full(serve: Serve) -> None:
    """Pongs are not read either."""
    held, noted = Held(), Noted()

    def late(websocket: WebSocket) -> None:
        held(websocket)
        noted(websocket)

    live = serve(application=serving(late, ping_interval=0.05), heartbeat_timeout=0.05)
    websocket = live.websocket("/")
    for _ in range(3):
        websocket.send("x" * READ_AHEAD)
    mine: Any = held.first()
    wait_for(lambda: mine.stream.inbox.full, "the inbox is full")
    for _ in range(8):
        assert websocket.receive_frame() == (PING, b"")
    held.go_on.set()
    wait_for(lambda: len(noted.messages) == 3, "all is received")
    websocket.send_close()
    noted.wait()
    assert noted.ended == (1000, "")


@pytest.mark.parametrize("size", [10, 70_000])
def test_a_bomb_of_many_messages_is_inflated_as_it_is_received(
    serve: Serve, size: int
) -> None:
    """A read of a few KiB may hold hundreds of megabytes."""
    held, noted = Held(), Noted()

    def late(websocket: WebSocket) -> None:
        held(websocket)
        noted(websocket)

    live = serve(application=serving(late, compression=Deflate()))
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    websocket = live.websocket("/", headers=headers)
    deflater = Deflater()
    payloads = [deflater.deflate(b"x" * size) for _ in range(1000)]
    frames = [encode_frame(COMPRESSED | BINARY, each, MASK) for each in payloads]
    sender = gevent.spawn(websocket.send_raw, b"".join(frames))
    mine: Any = held.first()
    if size > 10:
        wait_for(lambda: mine.stream.inbox.full, "the inbox is full")
        assert mine.stream.inbox.size < READ_AHEAD + 2 * size
    held.go_on.set()
    sender.join(DEADLINE)
    websocket.send_close()
    noted.wait()
    assert [len(each) for each in noted.messages] == [size] * 1000


def test_sending_waits_for_a_client_that_is_slow(serve: Serve) -> None:
    """As gevent-websocket does; the outbox stays bounded."""
    most = 0
    message = "x" * 100_000

    def send(websocket: WebSocket) -> None:
        nonlocal most
        stream: Any = websocket.stream
        for _ in range(200):
            websocket.send(message)
            most = max(most, stream.outbox.size)

    live = serve(application=serving(send), max_outbox=400_000)
    websocket = live.websocket("/", receive_buffer=4096)
    assert all(websocket.receive() == message for _ in range(200))
    assert 0 < most <= 400_000
    assert websocket.receive_close() == 1000


def test_a_client_that_takes_nothing_is_given_up(serve: Serve) -> None:
    noted = Noted()

    def send(websocket: WebSocket) -> None:
        send_until_refused(websocket, "x" * 50_000)
        noted(websocket)

    live = serve(application=serving(send), max_outbox=100_000, slow_timeout=0.2)
    live.websocket("/", receive_buffer=4096)
    assert noted.wait() == (ABNORMAL, "slow consumer")


def test_the_log_says_what_a_client_did_not_read(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")

    def send(websocket: WebSocket) -> None:
        send_until_refused(websocket, "x" * 50_000)

    live = serve(application=serving(send), max_outbox=100_000, slow_timeout=0.2)
    live.websocket("/", receive_buffer=4096)
    wait_for(lambda: caplog.records, "the request is logged")
    [record] = caplog.records
    assert "1006 'slow consumer': it read none of" in record.getMessage()
    assert "slow_timeout" in record.getMessage()


def test_several_greenlets_may_send_much_at_once(serve: Serve) -> None:
    """Each of them waits; otherwise they could exceed the limit together."""
    message = "x" * 80_000

    def send(websocket: WebSocket) -> None:
        gevent.joinall([gevent.spawn(websocket.send, message) for _ in range(100)])

    live = serve(application=serving(send), max_outbox=100_000)
    websocket = live.websocket("/", receive_buffer=4096)
    assert all(websocket.receive() == message for _ in range(100))
    assert websocket.receive_close() == 1000


def test_pings_of_a_client_that_never_reads_fill_no_memory(serve: Serve) -> None:
    noted = Noted()
    live = serve(application=serving(noted), max_outbox=10_000, slow_timeout=0.2)
    websocket = live.websocket("/", receive_buffer=4096)
    pings = encode_frame(PING, b"x" * 125, MASK) * 1000

    def flood() -> None:
        try:
            while True:
                websocket.send_raw(pings)
        except OSError:
            pass

    flooder = gevent.spawn(flood)
    assert noted.wait() == (ABNORMAL, "slow consumer")
    flooder.join(DEADLINE)


def test_a_busy_client_does_not_keep_the_others_waiting(serve: Serve) -> None:
    """There is a turn of the event loop after each read."""
    live = serve(application=serving(echo))
    busy, other = live.websocket("/"), live.websocket("/")
    stop = Event()

    def flood() -> None:
        while not stop.is_set():
            busy.send_raw(text("x" * 60) * 100)

    def drain() -> None:
        while not stop.is_set():
            busy.sock.recv(65536)

    greenlets = [gevent.spawn(flood), gevent.spawn(drain)]
    for number in range(20):
        other.send(str(number))
        assert other.receive() == str(number)
    stop.set()
    gevent.joinall(greenlets, timeout=DEADLINE)
    busy.close()


# Others' turns


class Pauses:
    """Records how long work delayed the timers of the event loop, in seconds."""

    def __enter__(self) -> Pauses:
        self.longest = 0.0
        self._greenlet = gevent.spawn(self._watch)
        return self

    def __exit__(self, *error: object) -> None:
        self._greenlet.kill()

    def _watch(self) -> None:
        while True:
            begun = time.thread_time()
            gevent.sleep(0.001)
            self.longest = max(self.longest, time.thread_time() - begun)


@pytest.mark.parametrize("compressed", [False, True])
def test_others_have_turns_between_messages_that_take_long(
    serve: Serve, compressed: bool
) -> None:
    """However many of them have come; over TLS they are read by other means."""

    def work(websocket: WebSocket) -> None:
        for message in websocket:
            received.append(len(message))
            until = time.thread_time() + 0.005
            while time.thread_time() < until:
                pass

    received: list[int] = []
    live = serve(application=serving(work, compression=Deflate()))
    opcode, content = TEXT, b"x" * 8000
    headers: dict[str, str | None] = {}
    if compressed:
        offer = "permessage-deflate; client_no_context_takeover"
        headers["Sec-WebSocket-Extensions"] = offer
        opcode, content = TEXT | COMPRESSED, Deflater().deflate(b"x" * 66_000)
    client = live.websocket("/", headers=headers)
    frame = encode_frame(opcode, content, MASK)
    with Pauses() as pauses:
        client.send_raw(frame * 200)
        wait_for(lambda: len(received) == 200, "all are received")
    assert pauses.longest < 0.4  # of a second and more


def test_others_have_turns_between_messages_that_are_tiny(serve: Serve) -> None:
    """More than a thousand of them come with one read."""

    def work(websocket: WebSocket) -> None:
        for message in websocket:
            received.append(message)
            until = time.thread_time() + 0.001
            while time.thread_time() < until:
                pass

    received: list[str | bytes] = []
    client = serve(application=serving(work)).websocket("/")
    with Pauses() as pauses:
        client.send_raw(text("a") * 1000)
        wait_for(lambda: len(received) == 1000, "all are received")
    assert pauses.longest < 0.6  # of a second; it was 1.6 without turns


def test_a_connection_that_is_closed_while_others_have_their_turn(serve: Serve) -> None:
    """What was not received by then is dropped, as at any other time."""

    def work(websocket: WebSocket) -> None:
        gevent.spawn_later(0.02, websocket.close)
        for message in websocket:
            received.append(message)
            until = time.thread_time() + 0.001
            while time.thread_time() < until:
                pass
        done.set()

    received: list[str | bytes] = []
    done = Event()
    client = serve(application=serving(work)).websocket("/")
    client.send_raw(text("a") * 1000)
    assert client.receive_close() == 1000
    client.send_close()
    assert done.wait(DEADLINE)
    assert len(received) < 1000


# Who leaves while something is unread


def vanish(client: clients.WebSocket) -> None:
    client.close()


def reset(client: clients.WebSocket) -> None:
    client.sock.setsockopt(SOL_SOCKET, SO_LINGER, NO_LINGER)
    client.close()


def say_goodbye(client: clients.WebSocket) -> None:
    client.send_close()
    client.close()


def break_the_protocol(client: clients.WebSocket) -> None:
    client.send_raw(b"\xff\xff")
    client.close()


def close_one_half(client: clients.WebSocket) -> None:
    socket.socket.shutdown(client.sock, SHUT_WR)


@pytest.mark.parametrize(
    "leave", [vanish, reset, say_goodbye, break_the_protocol, close_one_half]
)
@pytest.mark.parametrize("unread", [1, 3], ids=["a message", "more than is read ahead"])
def test_who_leaves_something_unread_is_noticed(
    serve: Serve, leave: Callable[[clients.WebSocket], None], unread: int
) -> None:
    def wait(websocket: WebSocket) -> None:
        group.add(websocket)
        try:
            Event().wait()
        finally:
            ended.append(len(group))

    group = Group()
    ended: list[int] = []
    live = serve(
        application=serving(wait),
        heartbeat_interval=0.2,
        heartbeat_timeout=0.2,
        shutdown_timeout=0.1,
    )
    client = live.websocket("/")
    for _ in range(unread):
        client.send("x" * 40_000)
    wait_for(lambda: len(group), "the application runs")
    gevent.sleep(0.02)
    leave(client)
    wait_for(lambda: ended, "the application ends")
    assert ended == [0]
    wait_for(
        lambda: not live.server.hub.requests.number, "the connection is given back"
    )
