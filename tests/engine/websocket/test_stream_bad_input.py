"""Plain WebSockets: bad input ends only its own connection, without leaks."""

from __future__ import annotations

import gc
import logging
import os
import tracemalloc
from collections.abc import Callable
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.concurrency.pool import MOST_IDLE
from tgext.socketio.engine.websocket import stream as framestream
from tgext.socketio.wire.websocket.deflate import Deflate, Deflater, Inflater
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    CLOSE,
    COMPRESSED,
    CONTINUATION,
    PING,
    TEXT,
    FrameReader,
    encode_frame,
)

from .. import clients
from ..clients import MASK, wait_for
from ..conftest import Live, Serve
from ..plain import echo, serving
from .frames import ABNORMAL, NO_LINGER, text


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


#: What the client does, the close code that it gets, and the line in the log.
BAD: dict[str, tuple[Callable[[Live, Any], None], int, str]] = {
    "5.1 an unmasked frame": (
        says(encode_frame(TEXT, b"unmasked")),
        1002,
        "1002 'masking: a client must mask its frames, a server must not'",
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
    "10.4 a length of 3 GB": (
        says(b"\x82\xff" + (3 << 30).to_bytes(8, "big") + MASK),
        1009,
        "1009 'a message of more than 100000 bytes'",
    ),
    "5.4 a continuation of nothing": (
        says(encode_frame(CONTINUATION, b"", MASK)),
        1002,
        "1002 'a continuation frame has no message to continue'",
    ),
    "5.5 a long ping": (
        says(encode_frame(PING, b"x" * 126, MASK)),
        1002,
        "1002 'a control frame has more than 125 bytes'",
    ),
    "7.4.1 a close with 1005": (
        says(encode_frame(CLOSE, b"\x03\xed", MASK)),
        1002,
        "1002 'close code 1005 is invalid'",
    ),
    "5.5.1 a close with half a code": (
        says(encode_frame(CLOSE, b"\x03", MASK)),
        1002,
        "1002 'a close code has only one byte'",
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
    "RFC 7692 a bomb": (
        says(encode_frame(COMPRESSED | BINARY, Deflater().deflate(bytes(10**7)), MASK)),
        1009,
        "1009 'a compressed message exceeds the size limit'",
    ),
    "RFC 7692 what is not compressed": (
        says(encode_frame(COMPRESSED | TEXT, b"\x07", MASK)),
        1007,
        "1007 'not compressed: ",
    ),
}


def misbehave(live: Live, fault: str) -> None:
    """Send bad input, and expect the answer and no connection left."""
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
    """A server that echoes, with short time limits."""
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
        wait_for(lambda: len(greenlets()) <= MOST_IDLE, "all greenlets end")
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
    # One leaked connection would be several times as much. Coverage takes some, too.
    assert after[2] - memory < 8 * 4000


def test_the_reason_is_told_to_the_client(bad: Live) -> None:
    websocket = bad.websocket("/")
    websocket.send_raw(encode_frame(TEXT, b"unmasked"))
    opcode, payload = websocket.receive_frame()
    assert (opcode, payload) == (
        CLOSE,
        b"\x03\xeamasking: a client must mask its frames, a server must not",
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
