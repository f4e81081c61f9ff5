"""The packet that all generations of Socket.IO share.

It is gevent-socketio's dict, so that code which reads ``packet['args']`` or builds a
packet for ``send_packet`` stays as it is. The decoders of the generations make it,
their encoders take it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, TypedDict

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


class Packet(TypedDict, total=False):
    """One Socket.IO packet; a received one always has ``type`` and ``endpoint``."""

    type: PacketType
    #: The namespace: ``'/chat'``, or ``''`` for the main one.
    endpoint: str
    #: Of an event.
    name: str
    #: Of an event (its arguments) or an ack (what the callback is called with).
    args: Any
    #: The id under which the sender wants an ack.
    id: int
    #: ``'data'``: the handler's answer is wanted; ``True``: receipt is enough.
    ack: Literal["data", True]
    #: The id that an ack answers.
    ackId: int
    #: Of a message (text), a json message (a value), a connect (the auth payload of
    #: Socket.IO 5) or an error (what accompanies a refused connect).
    data: Any
    #: The query string of a connect.
    qs: str
    #: Of an error.
    reason: str
    #: Of an error: ``'reconnect'`` or nothing.
    advice: str
    #: How many binary attachments follow the packet.
    attachments: int
    #: Of an event that was refused: the name and the information of the error.
    refusal: tuple[str, Any]


def event_name(value: Any) -> str:
    """The name of an event, as JSON had it; a number is what JavaScript writes for it.

    Clients may use numbers for names, which they compare as text.

    :raises PacketError: when it is neither text nor a number.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _as_javascript_writes(value)
    raise PacketError("the name of an event is a string")


def _as_javascript_writes(number: float) -> str:
    """A number as text (ECMA-262, Number::toString); JSON's own are doubles there."""
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
    """The name of an event that is sent to many, as all processes and clients have it.

    :raises TypeError: when it is neither text nor a number.
    """
    if isinstance(name, str):
        return str.__str__(name)
    if isinstance(name, int) and not isinstance(name, bool):
        return str(int(name))  # whole, whatever a double can hold
    try:
        return event_name(name)
    except PacketError:
        kind = type(name).__name__
        raise TypeError(f"the name of an event is a str, not {kind}") from None


def event_packet(endpoint: str, name: str, args: Sequence[Any]) -> Packet:
    """An event for a namespace."""
    return {"type": "event", "name": name, "args": args, "endpoint": endpoint}
