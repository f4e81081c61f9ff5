"""The messages between the processes of a cluster.

A message is a JSON object:

``from``    the id of the process that sent it
``to``      the controller whose clients get it; empty for those of all controllers
``room``    the room; null for the whole namespace
``packet``  the packet, with placeholders for bytes as Socket.IO has them on the wire
``binary``  a list of these bytes, in base64

With a secret, a signature and a space come before the JSON. The signature is the
HMAC-SHA256 of the channel's name, a null byte and the JSON, in hexadecimal. Anybody who
can publish on the broker can send a message, so each field is checked.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import Any, Final, NamedTuple

from ..engine.hub.rooms import check_room
from ..request.jsonify import dumps
from ..wire import json
from ..wire.errors import ProtocolError
from ..wire.socketio.binary import put_back, take_out
from ..wire.socketio.packet import Packet, event_packet

Room = str | int | None

#: The largest number of bytes of a message.
MOST: Final = 16 * 1024 * 1024

#: The largest number of characters of ``from``.
_LONGEST_SENDER: Final = 64

#: JSON readers agree on integers below 2**53 (RFC 8259, section 6).
_SAFE: Final = 2**53

_SIGNED: Final = re.compile(r"[0-9a-f]{64} ")
_HEX: Final = re.compile(r"-?0x[0-9a-f]{1,4096}")


class BusMessageError(ValueError):
    """A message is invalid.

    :param kind: what is wrong, in words that do not depend on the message.
    :param detail: the part of the message that is wrong.
    """

    def __init__(self, kind: str, detail: object = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


class BusMessage(NamedTuple):
    """A broadcast of another process."""

    sender: str
    room: Room
    packet: Packet
    controller: str


class BusCodec:
    """Writes and reads the messages of one channel.

    :param channel: the name of the channel; a signature covers it.
    :param secret: the key that signs messages; empty to send and read them unsigned.
        With a key, messages that it did not sign are invalid.
    """

    def __init__(self, channel: str, secret: str = "") -> None:
        self._channel = channel.encode()
        self._secret = secret.encode()

    def write(
        self, packet: Packet, room: Room, sender: str = "", controller: str = ""
    ) -> str:
        """The message that carries a packet.

        :param room: the room that the packet is for; None for the whole namespace.
        :param sender: the id of this process, by which it ignores its own messages.
        :param controller: the name of the controller whose clients get it; empty for
            those of all controllers.
        :raises TypeError: when an argument cannot be written as JSON.
        :raises ValueError: when the message is larger than 16 MiB.
        """
        binary: list[bytes] = []
        args = take_out(packet["args"], binary)
        text = dumps(
            {
                "from": sender,
                "to": controller,
                "room": _write_room(room),
                "packet": {**packet, "args": args if binary else packet["args"]},
                "binary": [base64.b64encode(each).decode() for each in binary],
            }
        )
        data = text.encode()
        if len(data) > MOST:
            raise ValueError(f"a broadcast has {len(data)} bytes, more than {MOST}")
        return f"{self._sign(data)} {text}" if self._secret else text

    def read(self, data: Any) -> BusMessage:
        """Read a message, and check it.

        :raises BusMessageError: when it is invalid.
        """
        text = self._verified(_text(data))
        try:
            message = json.loads(text)
        except ProtocolError as error:
            raise BusMessageError("it is not JSON", error.reason) from None
        sender = _field(message, "from", str)
        if len(sender) > _LONGEST_SENDER:
            raise BusMessageError("its field from is too long")
        packet = _field(message, "packet", dict)
        if packet.get("type") != "event":
            raise BusMessageError("its packet is not an event")
        args = _field(packet, "args", list)
        binary = [_bytes(each) for each in _field(message, "binary", list)]
        if binary:
            args = _put_back(args, binary)
        endpoint, name = _field(packet, "endpoint", str), _field(packet, "name", str)
        packet = event_packet(endpoint, name, args)
        controller = _field({"to": "", **message}, "to", str)
        return BusMessage(sender, _room(message), packet, controller)

    def _sign(self, data: bytes) -> str:
        return hmac.digest(self._secret, self._channel + b"\0" + data, "sha256").hex()

    def _verified(self, text: str) -> str:
        signature = _SIGNED.match(text)
        if not self._secret:
            if signature:
                raise BusMessageError(
                    "it is signed, and this process has no socketio.cluster_secret"
                )
            return text
        if not signature:
            raise BusMessageError("it is not signed with socketio.cluster_secret")
        payload = text[signature.end() :]
        expected = self._sign(payload.encode("utf-8", "surrogatepass"))
        if not hmac.compare_digest(signature[0][:-1], expected):
            raise BusMessageError("it is signed with another socketio.cluster_secret")
        return payload


def _text(data: Any) -> str:
    if isinstance(data, (bytes, bytearray, memoryview)):
        if len(data) > MOST + 65:
            raise BusMessageError(f"it is larger than {MOST} bytes")
        try:
            return bytes(data).decode()
        except UnicodeDecodeError:
            raise BusMessageError("it is not UTF-8") from None
    if not isinstance(data, str):
        raise BusMessageError("it is neither text nor bytes", type(data).__name__)
    if len(data) > MOST + 65:
        raise BusMessageError(f"it is larger than {MOST} bytes")
    return data


def _field(of: Any, name: str, kind: type) -> Any:
    """A field of an object.

    :raises BusMessageError: when it is missing, or of another type.
    """
    value = of.get(name) if isinstance(of, dict) else None
    if type(value) is not kind:
        raise BusMessageError(f"its field {name} is not a {kind.__name__}")
    return value


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        raise BusMessageError("its field binary is not base64") from None


def _put_back(args: list[Any], binary: list[bytes]) -> Any:
    attachments: list[bytes | None] = list(binary)
    try:
        args = put_back(args, attachments)
    except (ProtocolError, RecursionError):
        raise BusMessageError("its placeholders and its bytes do not match") from None
    if any(each is not None for each in attachments):
        raise BusMessageError("its placeholders and its bytes do not match")
    return args


def _write_room(room: Room) -> Any:
    if type(room) is int and not -_SAFE < room < _SAFE:
        return {"int": hex(room)}
    return room


def _room(message: dict[str, Any]) -> Room:
    room = message.get("room", False)
    if room is None:
        return None
    if isinstance(room, dict):
        digits = room.get("int")
        if isinstance(digits, str) and _HEX.fullmatch(digits):
            return int(digits, 16)
    try:
        return check_room(room)
    except (TypeError, ValueError):
        raise BusMessageError("its field room is invalid") from None
