"""A plain WebSocket after its handshake: closing, silence, bad input, back-pressure."""

from __future__ import annotations

import gc
import logging
import os
import struct
import time
import tracemalloc
from collections.abc import Callable
from socket import SHUT_WR, SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from tgext.socketio.engine.websocket import stream as framestream
from tgext.socketio.engine.websocket.group import Group
from tgext.socketio.engine.websocket.inbox import READ_AHEAD
from tgext.socketio.engine.websocket.wsgi import WebSocket, WebSocketError
from tgext.socketio.wire.websocket.deflate import Deflate, Deflater, Inflater
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    CLOSE,
    COMPRESSED,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameReader,
    encode_frame,
)

from .. import clients
from ..clients import DEADLINE, MASK, wait_for
from ..conftest import Live, Serve
from ..plain import Held, Noted, echo, send_until_refused, serving

#: Closing resets the connection.
NO_LINGER = struct.pack("ii", 1, 0)

ABNORMAL = 1006


def text(payload: str | bytes) -> bytes:
    """A text message of a client."""
    data = payload.encode() if isinstance(payload, str) else payload
    return encode_frame(TEXT, data, MASK)


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
    """Section 5.1, and 5.2: the shortest length that there is."""
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
    """Section 7.1.1: the TCP connection is the server's to close."""
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
    """Though the client takes its time, and the application has long returned."""
    message = "x" * 1_000_000

    def send(websocket: WebSocket) -> None:
        for _ in range(8):
            websocket.send(message)

    live = serve(application=serving(send), max_outbox=100_000_000)
    websocket = live.websocket("/", receive_buffer=4096)
    assert all(websocket.receive() == message for _ in range(8))
    assert websocket.receive_close() == 1000


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


# Bad input


def says(frames: bytes) -> Callable[[Live, Any], None]:
    def act(live: Live, websocket: clients.WebSocket) -> None:
        websocket.send_raw(text("in time") + frames + text("too late"))
        assert websocket.receive() == "in time"

    return act


def dies_in_mid_frame(live: Live, websocket: clients.WebSocket) -> None:
    websocket.send_raw(text("in time") + text("half a frame")[:9])
    assert websocket.receive() == "in time"
    websocket.sock.setsockopt(SOL_SOCKET, SO_LINGER, NO_LINGER)
    websocket.close()


def never_reads(live: Live, websocket: clients.WebSocket) -> None:
    websocket.send("x" * 50_000)
    try:
        while True:
            websocket.send("x" * 50_000)
    except OSError:
        pass


#: What the client does, the code that it is told, and the line in the log.
BAD: dict[str, tuple[Callable[[Live, Any], None], int, str]] = {
    "5.1 an unmasked frame": (
        says(encode_frame(TEXT, b"unmasked")),
        1002,
        "1002 'a client masks its frames, a server does not'",
    ),
    "5.2 a reserved bit": (
        says(b"\xc1\x80" + MASK),
        1002,
        "1002 'reserved bits are set'",
    ),
    "5.2 an unknown opcode": (
        says(b"\x83\x80" + MASK),
        1002,
        "1002 'unknown opcode 3'",
    ),
    "5.2 a length of 3 GB": (
        says(b"\x82\xff" + (3 << 30).to_bytes(8, "big") + MASK),
        1009,
        "1009 'a message of more than 100000 bytes'",
    ),
    "5.4 a continuation of nothing": (
        says(encode_frame(CONTINUATION, b"", MASK)),
        1002,
        "1002 'there is nothing to continue'",
    ),
    "5.5 a long ping": (
        says(encode_frame(PING, b"x" * 126, MASK)),
        1002,
        "1002 'a control frame has at most 125 bytes'",
    ),
    "5.5.1 a close with 1005": (
        says(encode_frame(CLOSE, b"\x03\xed", MASK)),
        1002,
        "1002 'close code 1005 may not be sent'",
    ),
    "5.5.1 a close with half a code": (
        says(encode_frame(CLOSE, b"\x03", MASK)),
        1002,
        "1002 'a close code has two bytes'",
    ),
    "5.5.1 data after close": (
        says(encode_frame(CLOSE, b"\x03\xe8bye", MASK) + text("data")),
        1000,
        "1000 'bye'",
    ),
    "8.1 text that is not UTF-8": (
        says(text(b"\xff")),
        1007,
        "1007 'a text message is not UTF-8'",
    ),
    "8.1 a reason that is not UTF-8": (
        says(encode_frame(CLOSE, b"\x03\xe8\xff", MASK)),
        1007,
        "1007 'a text message is not UTF-8'",
    ),
    "10.4 a message that is too long": (
        says(encode_frame(BINARY, bytes(100_001), MASK)),
        1009,
        "1009 'a message of more than 100000 bytes'",
    ),
    "7.1.5 a client that dies in mid-frame": (dies_in_mid_frame, ABNORMAL, "1006 ''"),
    "a client that never reads": (never_reads, ABNORMAL, "1006 'slow consumer'"),
    "RFC 7692, 8 a bomb": (
        says(encode_frame(COMPRESSED | BINARY, Deflater().deflate(bytes(10**7)), MASK)),
        1009,
        "1009 'a compressed message exceeds the size limit'",
    ),
    "RFC 7692, 8 what is not compressed": (
        says(encode_frame(COMPRESSED | TEXT, b"\x07", MASK)),
        1007,
        "1007 'not compressed: ",
    ),
}


def misbehave(live: Live, fault: str) -> None:
    """Do it, and be told; then the server has as many connections as before."""
    act, code, _ = BAD[fault]
    before = len(live.server.websockets)
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    websocket = clients.WebSocket(
        live.port,
        "/",
        headers=headers if "7692" in fault else None,
        receive_buffer=4096,
    )
    if "7692" in fault:
        websocket.reader = FrameReader(masked=False, inflater=Inflater())
    act(live, websocket)
    if code != ABNORMAL:
        assert websocket.receive_close() == code
    websocket.close()
    wait_for(lambda: len(live.server.websockets) == before, "the connection ends")


@pytest.fixture
def bad(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Live:
    """A server that echoes, and gives up soon."""
    monkeypatch.setattr(framestream, "CLOSE_TIMEOUT", 0.2)
    application = serving(echo, compression=Deflate())
    return serve(
        application=application,
        max_message_size=100_000,
        max_outbox=100_000,
        heartbeat_timeout=0.2,
        slow_timeout=0.2,
    )


@pytest.mark.parametrize("fault", BAD)
def test_bad_input_ends_its_own_connection_with_one_line_in_the_log(
    bad: Live, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    other = bad.websocket("/")
    other.send("here")
    assert other.receive() == "here"
    misbehave(bad, fault)
    wait_for(lambda: caplog.records, "the request is logged")
    [record] = caplog.records
    assert BAD[fault][2] in record.getMessage()
    other.send("not my fault")
    assert other.receive() == "not my fault"


def memory_of_the_server() -> int:
    """Bytes that its code has allocated and not freed."""
    own = tracemalloc.Filter(True, "*/tgext/socketio/*")
    snapshot = tracemalloc.take_snapshot().filter_traces([own])
    return sum(each.size for each in snapshot.statistics("filename"))


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("fault", BAD)
def test_bad_input_leaves_nothing_behind(
    bad: Live,
    fault: str,
    greenlets: Callable[[], list[gevent.Greenlet[..., Any]]],
) -> None:
    """No greenlet, no descriptor, no timer, no memory."""

    def repeat(times: int) -> tuple[int, int, int]:
        for _ in range(times):
            misbehave(bad, fault)
        wait_for(lambda: not greenlets(), "all greenlets end")
        gc.collect()
        files = len(os.listdir("/proc/self/fd"))
        return files, len(bad.server.hub.timers), memory_of_the_server()

    tracemalloc.start()
    try:
        files, timers, memory = repeat(3)
        after = repeat(8)
    finally:
        tracemalloc.stop()
    assert after[:2] == (files, timers)
    assert bad.server.hub.registry.places.per_address == {}
    # One connection has several times as much; what measures coverage has some too.
    assert after[2] - memory < 8 * 4000


def test_the_reason_is_told_to_the_client(bad: Live) -> None:
    websocket = bad.websocket("/")
    websocket.send_raw(encode_frame(TEXT, b"unmasked"))
    opcode, payload = websocket.receive_frame()
    assert (opcode, payload) == (
        CLOSE,
        b"\x03\xeaa client masks its frames, a server does not",
    )


def test_the_close_frame_arrives_though_the_client_goes_on_sending(
    serve: Serve,
) -> None:
    """Closing with unread input would reset the connection."""
    live = serve(application=serving(echo), max_message_size=1000)
    websocket = live.websocket("/")
    websocket.send_raw(b"\x81\xff" + (10**6).to_bytes(8, "big") + MASK)
    for _ in range(100):
        websocket.send_raw(b"x" * 10_000)
    assert websocket.receive_close() == 1009


# Back-pressure


def test_a_client_that_sends_more_than_is_received_has_to_wait(serve: Serve) -> None:
    """And then all of it is received, in order."""
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
    """What would break it is not read either."""
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
    assert "1006 'slow consumer': it took none of" in record.getMessage()
    assert "slow_timeout" in record.getMessage()


def test_several_greenlets_may_send_much_at_once(serve: Serve) -> None:
    """Each waits; together they used to be more than may wait."""
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
    """A turn of the event loop for each read."""
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
    """Notes how long the event loop was kept from its timers."""

    def __enter__(self) -> Pauses:
        self.longest = 0.0
        self._greenlet = gevent.spawn(self._watch)
        return self

    def __exit__(self, *error: object) -> None:
        self._greenlet.kill()

    def _watch(self) -> None:
        while True:
            begun = time.perf_counter()
            gevent.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - begun)


@pytest.mark.parametrize("compressed", [False, True])
def test_others_have_turns_between_messages_that_take_long(
    serve: Serve, compressed: bool
) -> None:
    """However many of them have come; over TLS they are read by other means."""

    def work(websocket: WebSocket) -> None:
        for message in websocket:
            received.append(len(message))
            until = time.perf_counter() + 0.005
            while time.perf_counter() < until:
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
