"""The errors of malformed input: their texts and close codes."""

from __future__ import annotations

import pytest

from tgext.socketio.wire import errors
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
