"""The messages between the processes of a cluster.

A message is a JSON object:

``from``    the id of the process that sent it
``to``      the controller whose clients get it; empty for those of all controllers
``room``    the room; null for the whole namespace, ``{"user": …}`` for the sockets of a
            user, ``{"socket": …}`` for the one with an id
``rooms``   instead of ``room``, a list of several
``except``  a list of rooms whose members do not get it; may be missing
``packet``  the packet, with placeholders for bytes as Socket.IO has them on the wire;
            in a namespace whose clients recover with its position in the process that
            sent it, and the ids of the sockets that it left out
``binary``  a list of these bytes, in base64

Anybody who can publish on the broker can send a message, so each field is checked.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ..engine.hub.roomkeys import (
    MOST,
    ChannelRoom,
    OwnRoom,
    Room,
    SocketRoom,
    UserRoom,
    channel_room,
    check_room,
    socket_room,
    user_room,
)
from ..engine.hub.selection import Receivers, Selection
from ..request.jsonify import dumps
from ..request.tracing import is_traceparent
from ..wire.errors import ProtocolError
from ..wire.limits import Limits
from ..wire.socketio.binary import put_back, take_out
from ..wire.socketio.packet import Packet, arguments, event_packet
from ..wire.socketio.unwritable import explain
from .sealed import BusMessageError, Seal, field_of, sender_of

#: JSON readers agree on integers below 2**53 (RFC 8259, section 6).
_SAFE: Final = 2**53

_HEX: Final = re.compile(f"-?0x[0-9a-f]{{1,{MOST}}}")


def _read_int(digits: str) -> Room:
    if not _HEX.fullmatch(digits):
        raise ValueError(digits)
    return check_room(int(digits, 16))


#: What a room that JSON has no value for is written as, and how that is read.
_NAMES: Final[dict[type, str]] = {
    UserRoom: "user",
    SocketRoom: "socket",
    ChannelRoom: "channel",
}
_KINDS: Final[dict[str, Callable[[str], str | int]]] = {
    "int": _read_int,
    "user": user_room,
    "socket": socket_room,
    "channel": channel_room,
}


class BusMessage(NamedTuple):
    """A broadcast of another process."""

    sender: str
    receivers: Receivers
    packet: Packet
    controller: str


class BusCodec:
    """Writes and reads the messages of one channel.

    :param channel: the name of the channel; a signature covers it.
    :param secret: the key that signs messages; empty to send and read them unsigned.
        With a key, messages that it did not sign are invalid.
    :param limits: what clients may be sent; None when that is checked elsewhere.

    :ivar channel: as given.
    """

    def __init__(
        self, channel: str, secret: str = "", limits: Limits | None = None
    ) -> None:
        self.channel = channel
        self._limits = limits
        self._seal = Seal(channel, secret)

    def write(
        self,
        packet: Packet,
        receivers: Receivers,
        sender: str = "",
        controller: str = "",
    ) -> str:
        """The message that carries a packet.

        :param receivers: who gets it; of a selection the rooms, not the sockets that
            it skips.
        :param sender: the id of this process, by which it ignores its own messages.
        :param controller: the name of the controller whose clients get it; empty for
            those of all controllers.
        :raises TypeError: when an argument cannot be written as JSON, or has more bytes
            values than the limits allow.
        :raises ValueError: when the message is larger than 16 MiB.
        """
        args, binary = pack(packet["args"])
        if binary and self._limits is not None:
            self._limits.check_sent(len(binary))
        message = {
            "from": sender,
            "to": controller,
            **_write_receivers(receivers),
            "packet": {**packet, "args": args},
            "binary": binary,
        }
        try:
            return self._seal.write(message)
        except TypeError as error:
            what = f"event {packet.get('name')!r}"
            explained = explain(error, what, arguments(packet), dumps)
            if explained is None:
                raise
            raise explained from None

    def begins(self, data: Any, beginning: str) -> bool:
        """Whether a message begins with a text; see :func:`beginning_of`."""
        return self._seal.begins(data, beginning)

    def read(self, data: Any) -> BusMessage:
        """Read a message, and check it.

        :raises BusMessageError: when it is invalid.
        """
        message = self._seal.read(data)
        sender = sender_of(message)
        packet = field_of(message, "packet", dict)
        if packet.get("type") != "event":
            raise BusMessageError("its packet is not an event")
        packed = [field_of(packet, "args", list), field_of(message, "binary", list)]
        args = unpack(packed)
        endpoint, name = (
            field_of(packet, "endpoint", str),
            field_of(packet, "name", str),
        )
        volatile = field_of({"volatile": False, **packet}, "volatile", bool)
        event = event_packet(endpoint, name, args, volatile)
        _copy_position(packet, event)
        controller = field_of({"to": "", **message}, "to", str)
        return BusMessage(sender, _receivers(message), event, controller)


def beginning_of(sender: str) -> str:
    """What the messages of a sender begin with, after their signature."""
    return dumps({"from": sender}).removesuffix("}")


def _copy_position(packet: dict[str, Any], event: Packet) -> None:
    """Copy what concerns spans and recovery from a packet as it was received."""
    if is_traceparent(packet.get("trace")):
        event["trace"] = packet["trace"]
    if "position" in packet:
        event["position"] = field_of(packet, "position", str)
    if "left_out" in packet:
        left_out = field_of(packet, "left_out", list)
        event["left_out"] = [field_of({"id": each}, "id", str) for each in left_out]


def pack(value: Any) -> list[Any]:
    """A value for JSON: with placeholders for bytes, and a list of these in base64."""
    binary: list[bytes] = []
    bare = take_out(value, binary)
    encoded = [base64.b64encode(each).decode() for each in binary]
    return [bare if binary else value, encoded]


def unpack(packed: Any) -> Any:
    """The value that :func:`pack` was given.

    :raises BusMessageError: when it is invalid.
    """
    if not (isinstance(packed, list) and len(packed) == 2):
        raise BusMessageError("a packed value is invalid")
    value, encoded = packed
    if not isinstance(encoded, list):
        raise BusMessageError("a packed value is invalid")
    binary = [_bytes(each) for each in encoded]
    return _put_back(value, binary) if binary else value


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        raise BusMessageError("its field binary is not base64") from None


def _put_back(args: list[Any], binary: list[bytes]) -> Any:
    attachments: list[bytes | None] = list(binary)
    try:
        args = put_back(args, attachments)
    except ProtocolError:
        raise BusMessageError("its placeholders and its bytes do not match") from None
    if any(each is not None for each in attachments):
        raise BusMessageError("its placeholders and its bytes do not match")
    return args


def _write_receivers(receivers: Receivers) -> dict[str, Any]:
    if not isinstance(receivers, Selection):
        return {"room": write_room(receivers)}
    written: dict[str, Any] = {"rooms": [write_room(each) for each in receivers.rooms]}
    if receivers.without:
        written["except"] = [write_room(each) for each in receivers.without]
    return written


def write_room(room: Room | None) -> Any:
    """A room, a user, an id, or None for the whole namespace, for JSON."""
    if isinstance(room, OwnRoom):
        return {_NAMES[type(room)]: str.__str__(room)}
    if type(room) is int and not -_SAFE < room < _SAFE:
        return {"int": hex(room)}
    return room


def _receivers(message: dict[str, Any]) -> Receivers:
    if "rooms" not in message:
        return read_room("room", message.get("room", False))
    rooms = [read_room("rooms", each) for each in field_of(message, "rooms", list)]
    left_out = field_of({"except": [], **message}, "except", list)
    without = [read_room("except", each) for each in left_out]
    return Selection(tuple(rooms), tuple(without))


def read_room(field: str, room: Any) -> Room | None:
    """Read what :func:`write_room` returned.

    :param field: where it was, for the message of the error.
    :raises BusMessageError: when it is invalid.
    """
    if room is None:
        return None
    try:
        if isinstance(room, dict) and len(room) == 1:
            [(kind, text)] = room.items()
            if kind in _KINDS and isinstance(text, str):
                return _KINDS[kind](text)
        return check_room(room)
    except (TypeError, ValueError):
        raise BusMessageError(f"its field {field} is invalid") from None
