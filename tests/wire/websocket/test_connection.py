"""Connections: codes, reasons and messages."""

from __future__ import annotations

import pytest

from tgext.socketio.wire.errors import InvalidFramePayload, ProtocolError
from tgext.socketio.wire.websocket.close import encode_close, parse_close
from tgext.socketio.wire.websocket.connection import (
    ABNORMAL,
    NO_CODE,
    Connection,
)
from tgext.socketio.wire.websocket.deflate import Deflater, Inflater
from tgext.socketio.wire.websocket.frames import (
    CLOSE,
    COMPRESSED,
    PING,
    TEXT,
    FrameReader,
    encode_frame,
)
from tgext.socketio.wire.websocket.states import (
    State,
)

from .opened import NOW, OURS, opened

# Codes and reasons


@pytest.mark.parametrize(
    ("payload", "code", "reason", "answer"),
    [
        (b"", NO_CODE, "", 1000),
        (b"\x03\xe8", 1000, "", 1000),
        (b"\x03\xe9leaving", 1001, "leaving", 1001),
        (b"\x0f\xa0" + "ö".encode(), 4000, "ö", 4000),
    ],
)
def test_the_peers_code_is_noted_and_sent_back(
    payload: bytes, code: int, reason: str, answer: int
) -> None:
    """Sections 5.5.1 and 7.1.5."""
    connection = opened()
    assert connection.control(CLOSE, payload, NOW) == b""
    assert connection.caught_up(NOW) == encode_frame(CLOSE, answer.to_bytes(2, "big"))
    assert (connection.close_code, connection.close_reason) == (code, reason)


def test_our_code_is_noted_where_we_close_first() -> None:
    connection = opened()
    assert connection.close(4001, "enough", NOW) == OURS
    connection.control(CLOSE, b"\x03\xe8", NOW)
    assert (connection.close_code, connection.close_reason) == (4001, "enough")


@pytest.mark.parametrize("what", ["the end", "a drop"])
def test_an_end_without_a_close_frame_is_abnormal(what: str) -> None:
    """Section 7.1.5."""
    connection = opened()
    if what == "the end":
        connection.end(NOW)
        assert connection.close_reason == ""
    else:
        connection.drop(NOW, "slow consumer")
        assert connection.close_reason == "slow consumer"
    assert connection.close_code == ABNORMAL


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        (b"\x03\xed", 1002),
        (b"\x03\xe8\xff", 1007),
    ],
)
def test_an_invalid_close_frame_fails_the_connection(payload: bytes, code: int) -> None:
    """Sections 5.5.1, 7.4.1 and 8.1."""
    connection = opened()
    with pytest.raises(ProtocolError) as raised:
        connection.control(CLOSE, payload, NOW)
    assert connection.state is State.OPEN
    connection.fail(raised.value, NOW)
    said = connection.caught_up(NOW)
    assert parse_close(said[2:]) == (code, raised.value.reason)
    assert connection.close_code == code
    assert connection.state is State.DISCARDING


def test_the_reason_of_a_failure_need_not_be_told() -> None:
    connection = opened()
    connection.fail(InvalidFramePayload("a secret"), NOW, explain=False)
    assert connection.caught_up(NOW) == encode_close(1007)
    assert connection.close_reason == "a secret"


# Messages


def test_messages_are_compressed_where_that_was_negotiated() -> None:
    connection = Connection(FrameReader(masked=False), Deflater())
    connection.establish()
    frame = connection.send(TEXT, b"hello" * 100)
    assert frame[0] & COMPRESSED
    reader = FrameReader(masked=False, inflater=Inflater())
    assert list(reader.feed(frame)) == [(TEXT, "hello" * 100)]
    # RFC 7692, section 6: only data messages are compressed.
    assert connection.send(PING, b"?") == encode_frame(PING, b"?")


def test_what_comes_after_a_close_frame_in_one_read_is_not_decoded() -> None:
    """Section 1.4: it is discarded, however invalid."""
    connection = opened()
    messages = connection.receive(
        encode_frame(TEXT, b"a") + encode_frame(CLOSE, b"\x03\xe8") + b"\xff\xff"
    )
    seen = []
    for opcode, payload in messages:
        seen.append(opcode)
        if opcode == CLOSE:
            assert isinstance(payload, bytes)
            connection.control(opcode, payload, NOW)
            break
    assert seen == [TEXT, CLOSE]
    assert not connection.reading
    assert list(connection.receive(b"\xff\xff")) == []
