"""The packet that all generations of Socket.IO share.

It is the dict of gevent-socketio, so that code which reads ``packet['args']`` or builds
a packet for ``send_packet`` still runs. The decoders of the generations return it, and
their encoders take it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, Literal, TypedDict

from ..errors import PacketError

PacketType = Literal[
    "disconnect",
    "connect",
    "heartbeat",
    "message",
    "json",
    "event",
    "ack",
    "error",
    "noop",
]

#: The types of the packets with which a client sends something to a handler.
EVENTS: Final = frozenset(("event", "message", "json"))


class Packet(TypedDict, total=False):
    """One Socket.IO packet. A received one always has ``type`` and ``endpoint``."""

    type: PacketType
    #: The namespace: ``'/chat'``, or ``''`` for the main one.
    endpoint: str
    #: Of an event.
    name: str
    #: The arguments of an event, or those of an ack's callback: a list or a tuple; any
    #: other value is the only argument.
    args: Any
    #: The id of the ack that the sender asks for.
    id: int
    #: ``'data'``: the ack carries the handler's result; ``True``: it confirms receipt.
    ack: Literal["data", True]
    #: The id that an ack answers.
    ackId: int
    #: The text of a message, the value of a json message, the auth payload of a connect
    #: (Socket.IO 5), or the data of a refused connect.
    data: Any
    #: Of an accepted connect: the public id of the client in the namespace.
    sid: str
    #: The query string of a connect.
    qs: str
    #: Of an error.
    reason: str
    #: Of an error: ``'reconnect'`` or nothing.
    advice: str
    #: How many binary attachments follow the packet.
    attachments: int
    #: Of an event that is sent: whether it is dropped for clients whose output waits.
    volatile: bool
    #: Of a received event: the rate limits that it has been counted for.
    counted: list[int]
    #: Of a refused event: the name and the information of the error.
    refusal: tuple[str, Any]
    #: Of an event in a namespace whose clients recover: where it is in the log.
    position: str
    #: Of such an event: the public ids of clients that it is not sent to.
    left_out: list[str]
    #: Of an event of another process: its trace (W3C Trace Context, ``traceparent``).
    trace: str
    #: Of a connect that the server sends: the secret id of a session that the client
    #: can recover.
    pid: str


class ReservedName(TypeError):
    """An event for a client that has one of its own with this name."""


def arguments(packet: Packet) -> Sequence[Any]:
    """The arguments of an event or an ack.

    An application may put a single one there instead of a list.
    """
    args = packet.get("args", ())
    return args if isinstance(args, (list, tuple)) else (args,)


def event_name(value: Any) -> str:
    """The name of an event from its JSON value.

    Clients may use numbers for names and compare them as text, so a number becomes the
    text that JavaScript writes for it.

    :raises PacketError: when it is neither text nor a number.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _as_javascript_writes(value)
    raise PacketError("the name of an event is neither a string nor a number")


def _as_javascript_writes(number: float) -> str:
    """A number as text (ECMA-262, Number::toString), where all numbers are doubles."""
    try:
        number = float(number)
    except OverflowError:
        number = math.inf if number > 0 else -math.inf
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    mantissa, _, exponent = repr(number).partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def text_of_name(name: object) -> str:
    """The name of an event that is broadcast, the same in all processes and clients.

    :raises TypeError: when it is neither text nor a number.
    """
    if isinstance(name, str):
        return str.__str__(name)
    if isinstance(name, int) and not isinstance(name, bool):
        return str(int(name))  # exact, also above 2**53
    try:
        return event_name(name)
    except PacketError:
        kind = type(name).__name__
        raise TypeError(f"the name of an event is a str, not {kind}") from None


def event_packet(
    endpoint: str, name: str, args: Sequence[Any], volatile: bool = False
) -> Packet:
    """An event for a namespace.

    :param volatile: whether it is dropped for clients whose output waits.
    """
    packet: Packet = {
        "type": "event",
        "name": name,
        "args": args,
        "endpoint": endpoint,
    }
    if volatile:
        packet["volatile"] = True
    return packet
