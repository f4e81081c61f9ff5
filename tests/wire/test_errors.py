"""What a peer and a log are told of malformed input."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tgext.socketio.wire import engineio, errors, socketio_1, socketio_5
from tgext.socketio.wire.errors import (
    FrameError,
    InvalidFramePayload,
    InvalidJSON,
    MessageTooBig,
    PacketError,
    PayloadError,
    PayloadTooLarge,
    ProtocolError,
)
from tgext.socketio.wire.limits import DEFAULT_LIMITS
from tgext.socketio.wire.websocket import FrameReader, parse_close

from .vectors import (
    CLOSES_MALFORMED,
    ENGINEIO_MALFORMED,
    ENGINEIO_PAYLOADS_MALFORMED,
    FRAMES_MALFORMED,
    SOCKETIO_1_MALFORMED,
    SOCKETIO_1_PAYLOADS_MALFORMED,
    SOCKETIO_5_MALFORMED,
    Malformed,
    MalformedBytes,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProtocolError, 1002),
        (PacketError, 1002),
        (InvalidJSON, 1002),
        (PayloadError, 1002),
        (PayloadTooLarge, 1009),
        (FrameError, 1002),
        (InvalidFramePayload, 1007),
        (MessageTooBig, 1009),
    ],
)
def test_the_close_code_that_answers_an_error(
    error: type[ProtocolError], code: int
) -> None:
    """RFC 6455, section 7.4.1: 1002 protocol, 1007 not UTF-8, 1009 too big."""
    assert error("why").close_code == code


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (PacketError, InvalidJSON),
        (PayloadError, PayloadTooLarge),
        (FrameError, InvalidFramePayload),
        (FrameError, MessageTooBig),
    ],
)
def test_a_handler_of_the_wider_error_catches_the_narrower(
    handler: type[ProtocolError], error: type[ProtocolError]
) -> None:
    with pytest.raises(handler):
        raise error("why")


def test_every_error_is_a_protocol_error_and_drawn_in_the_tree() -> None:
    classes = [item for item in vars(errors).values() if isinstance(item, type)]
    assert all(issubclass(item, ProtocolError) for item in classes)
    assert errors.__doc__ is not None
    assert [
        item.__name__ for item in classes if item.__name__ not in errors.__doc__
    ] == []


def test_an_error_says_its_reason() -> None:
    error = PacketError("the name of an event is a string")
    assert error.reason == "the name of an event is a string"
    assert str(error) == error.reason


class Decoder(NamedTuple):
    name: str
    read: Callable[..., object]
    vectors: list[Malformed] | list[MalformedBytes]


DECODERS = [
    Decoder("socketio_1", socketio_1.decode, SOCKETIO_1_MALFORMED),
    Decoder(
        "socketio_1 payload",
        lambda body: socketio_1.decode_payload(body, DEFAULT_LIMITS),
        SOCKETIO_1_PAYLOADS_MALFORMED,
    ),
    Decoder("engineio", engineio.check_packet, ENGINEIO_MALFORMED),
    Decoder(
        "engineio payload",
        lambda body: engineio.decode_payload(body, DEFAULT_LIMITS),
        ENGINEIO_PAYLOADS_MALFORMED,
    ),
    Decoder("socketio_5", socketio_5.decode, SOCKETIO_5_MALFORMED),
    Decoder("frames", lambda data: list(FrameReader().feed(data)), FRAMES_MALFORMED),
    Decoder("close", parse_close, CLOSES_MALFORMED),
]


@pytest.mark.parametrize(
    ("read", "data"),
    [
        pytest.param(decoder.read, vector[1], id=f"{decoder.name}: {vector.name}")
        for decoder in DECODERS
        for vector in decoder.vectors
    ],
)
def test_a_reason_fits_a_line_of_the_log(
    read: Callable[..., object], data: str | bytes
) -> None:
    """Whatever a peer sends, it neither floods the log nor forges a line of it."""
    with pytest.raises(ProtocolError) as caught:
        read(data)
    reason = caught.value.reason
    assert 0 < len(reason) < 160
    assert reason.isprintable()
