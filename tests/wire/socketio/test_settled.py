"""Packets that are sent later are those that would have been sent at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tgext.socketio.wire import json
from tgext.socketio.wire.socketio import v5
from tgext.socketio.wire.socketio.binary import take_out
from tgext.socketio.wire.socketio.packet import Packet, event_packet
from tgext.socketio.wire.socketio.settled import settled_packet

from ..strategies import MANY, json_args, mixed_values


def encoded(packet: Packet) -> Any:
    """The text of a packet, and its attachments."""
    attachments: list[bytes] = []
    args = take_out(packet["args"], attachments)
    return v5.encode({**packet, "args": args}), attachments


@MANY
@given(args=json_args)
def test_it_is_written_as_the_packet_is(args: list[Any]) -> None:
    settled = settled_packet("/chat", "said", args)
    assert encoded(settled) == encoded(event_packet("/chat", "said", args))


@MANY
@given(value=mixed_values)
def test_so_are_bytes(value: Any) -> None:
    settled = settled_packet("/chat", "said", (value,))
    assert encoded(settled) == encoded(event_packet("/chat", "said", (value,)))


def test_later_changes_are_not_in_it() -> None:
    content = bytearray(b"old")
    args: list[Any] = [{"a": [1]}, content]
    settled = settled_packet("", "said", args)
    args[0]["a"].append(2)
    content[:] = b"new"
    assert settled == event_packet("", "said", [{"a": [1]}, b"old"])


def test_deep_values_are_copied() -> None:
    value: Any = b"end"
    for _ in range(2000):
        value = [value]
    settled = settled_packet("", "said", [value])
    assert encoded(settled) == encoded(event_packet("", "said", [value]))


@pytest.mark.parametrize("name", [None, True, b"said", ["said"]])
def test_the_name_is_checked(name: object) -> None:
    with pytest.raises(TypeError, match="the name of an event is a str"):
        settled_packet("", name, [])


def test_a_number_is_a_name() -> None:
    assert settled_packet("", 5, [])["name"] == "5"


@pytest.mark.parametrize("value", [object(), {1, 2}, [b"x", object()]], ids=repr)
def test_what_is_no_json_is_told_at_once(value: object) -> None:
    with pytest.raises(TypeError, match=r"event 'said': argument 1.* is of the type "):
        settled_packet("", "said", [value])


class Forged:
    """The application's writer makes of it what clients take for an attachment."""


def test_what_looks_like_an_attachment_is_told_at_once() -> None:
    dumps = json.dumper(lambda value: {"_placeholder": True, "num": 7})
    with pytest.raises(TypeError, match="attachment 7 does not exist"):
        settled_packet("", "said", [b"x", Forged()], dumps)


def test_a_fault_of_the_application_s_writer_is_raised_as_it_is() -> None:
    fault = TypeError("a fault of the application")

    def dumps(value: Any) -> str:
        raise fault

    with pytest.raises(TypeError) as raised:
        settled_packet("", "said", [1], dumps)
    assert raised.value is fault
