"""Socket.IO 0.9: packets and payloads.

https://github.com/LearnBoost/socket.io-spec, version 1. A packet is
``type:id[+]:endpoint[:data]``. In a payload of several packets each begins with its
length between two U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from .. import json
from ..engineio.utf16 import count_units, take_units
from ..errors import PacketError, PayloadError, PayloadTooLarge
from ..json import Dumps, Loads
from ..limits import MAX_CONNECT, MAX_DIGITS, Limits
from .packet import Packet, PacketType, arguments, event_name

TYPES: tuple[PacketType, ...] = (
    "disconnect",
    "connect",
    "heartbeat",
    "message",
    "json",
    "event",
    "ack",
    "error",
    "noop",
)
REASONS = ("transport not supported", "client not handshaken", "unauthorized")
ADVICES = ("reconnect",)

#: The first packet of a transport.
CONNECT = "1::"
HEARTBEAT = "2::"
NOOP = "8::"
DISCONNECT = "0::"
#: The short form ("(0) Disconnect").
DISCONNECT_ALL = "0"
#: "client not handshaken", with the advice to reconnect. It answers an unknown session
#: id, and ends a connection whose client should connect again; after `DISCONNECT` it
#: would not.
RECONNECT = "7:::1+0"

FRAME = "\ufffd"
#: Characters that are escaped in JSON. The regular expressions of JavaScript clients
#: stop at a line or paragraph separator. Python's socketIO-client splits a payload at
#: each FRAME, and counts characters, not their UTF-16 units.
_ESCAPED = re.compile(f"[\u2028\u2029{FRAME}\U00010000-\U0010ffff]")
_LENGTH = re.compile(rf"([0-9]{{1,{MAX_DIGITS}}}){FRAME}")


def _number(text: str, what: str) -> int:
    if len(text) > MAX_DIGITS or not (text.isascii() and text.isdigit()):
        raise PacketError(f"{what} is not a number: {text[:20]!r}")
    return int(text)


# Decoding


def decode(text: str, loads: Loads = json.loads) -> Packet:
    """Read one packet.

    :raises PacketError: when it is invalid.
    """
    kind, sep, rest = text.partition(":")
    number, sep, rest = rest.partition(":")
    if not sep and text != DISCONNECT_ALL:
        raise PacketError("a packet has less than two colons")
    endpoint, _, data = rest.partition(":")
    if len(kind) != 1 or kind not in "012345678":
        raise PacketError(f"unknown packet type {kind[:20]!r}")
    packet: Packet = {"type": TYPES[int(kind)], "endpoint": endpoint}
    if number:
        with_data = number.endswith("+")
        packet["id"] = _number(number[:-1] if with_data else number, "the id")
        packet["ack"] = "data" if with_data else True
    read = _READERS.get(kind)
    if read is not None:
        read(packet, data, loads)
    return packet


def _read_connect(packet: Packet, data: str, loads: Loads) -> None:
    path, mark, query = packet["endpoint"].partition("?")
    packet["endpoint"] = path
    packet["qs"] = data or mark + query
    if len(packet["qs"]) > MAX_CONNECT:
        raise PacketError(f"a query of more than {MAX_CONNECT} characters")


def _read_message(packet: Packet, data: str, loads: Loads) -> None:
    packet["data"] = data


def _read_json(packet: Packet, data: str, loads: Loads) -> None:
    packet["data"] = loads(data)


def _read_event(packet: Packet, data: str, loads: Loads) -> None:
    event = loads(data)
    if not isinstance(event, dict):
        raise PacketError("an event is not an object")
    name, args = event_name(event.get("name")), event.get("args", [])
    if not isinstance(args, list):
        raise PacketError("the arguments of an event are not a list")
    packet["name"] = name
    packet["args"] = args


def _read_ack(packet: Packet, data: str, loads: Loads) -> None:
    number, with_args, rest = data.partition("+")
    packet["ackId"] = _number(number, "the id of an ack")
    args = loads(rest) if with_args else []
    if not isinstance(args, list):
        raise PacketError("the arguments of an ack are not a list")
    packet["args"] = args


def _read_error(packet: Packet, data: str, loads: Loads) -> None:
    reason, _, advice = data.partition("+")
    packet["reason"] = _listed(REASONS, reason)
    packet["advice"] = _listed(ADVICES, advice)


def _listed(names: Sequence[str], index: str) -> str:
    if not index:
        return ""
    number = _number(index, "the reason or advice of an error")
    if number >= len(names):
        raise PacketError(f"unknown reason or advice {number} of an error")
    return names[number]


_READERS: dict[str, Callable[[Packet, str, Loads], None]] = {
    "1": _read_connect,
    "3": _read_message,
    "4": _read_json,
    "5": _read_event,
    "6": _read_ack,
    "7": _read_error,
}


# Encoding


def encode(packet: Packet, dumps: Dumps = json.dumps) -> str:
    """Write one packet.

    :raises TypeError: when its data cannot be written as JSON.
    :raises KeyError: when a field that its type needs is missing.
    """
    kind = packet["type"]
    if kind == "event":
        return _head("5", packet) + ":" + _json(_event(packet), dumps)
    return _WRITERS[kind](packet, dumps)


def _json(value: Any, dumps: Dumps) -> str:
    text = dumps(value)
    return json.in_ascii(text) if _ESCAPED.search(text) else text


def _event(packet: Packet) -> dict[str, Any]:
    args = arguments(packet)
    if args:
        return {"name": packet["name"], "args": args}
    return {"name": packet["name"]}


def _head(kind: str, packet: Packet) -> str:
    number = packet.get("id")
    endpoint = packet.get("endpoint", "")
    if number is None:
        return f"{kind}::{endpoint}"
    plus = "+" if packet.get("ack") == "data" else ""
    return f"{kind}:{number}{plus}:{endpoint}"


def _write_connect(packet: Packet, dumps: Dumps) -> str:
    query = packet.get("qs")
    return _head("1", packet) + (f":{query}" if query else "")


def _write_message(packet: Packet, dumps: Dumps) -> str:
    return f"{_head('3', packet)}:{packet['data']}"


def _write_json(packet: Packet, dumps: Dumps) -> str:
    return f"{_head('4', packet)}:{_json(packet['data'], dumps)}"


def _write_ack(packet: Packet, dumps: Dumps) -> str:
    args = arguments(packet)
    tail = "+" + _json(args, dumps) if args else ""
    return f"6::{packet.get('endpoint', '')}:{packet['ackId']}{tail}"


def _write_error(packet: Packet, dumps: Dumps) -> str:
    tail = _index(REASONS, packet.get("reason"))
    advice = _index(ADVICES, packet.get("advice"))
    if advice:
        tail += "+" + advice
    return f"7::{packet.get('endpoint', '')}" + (f":{tail}" if tail else "")


def _index(names: Sequence[str], name: str | None) -> str:
    return str(names.index(name)) if name in names else ""


def _bare(kind: Literal["0", "2", "8"]) -> Callable[[Packet, Dumps], str]:
    return lambda packet, dumps: f"{kind}::{packet.get('endpoint', '')}"


_WRITERS: dict[PacketType, Callable[[Packet, Dumps], str]] = {
    "disconnect": _bare("0"),
    "connect": _write_connect,
    "heartbeat": _bare("2"),
    "message": _write_message,
    "json": _write_json,
    "ack": _write_ack,
    "error": _write_error,
    "noop": _bare("8"),
}


# Payloads


def encode_payload(packets: Sequence[str]) -> bytes:
    """The body that carries ``packets``, as UTF-8.

    A single packet is the body itself. Several are framed, each with its length as
    JavaScript counts it (UTF-16 code units).
    """
    if len(packets) == 1:
        text = packets[0]
    else:
        text = "".join(f"{FRAME}{count_units(text)}{FRAME}{text}" for text in packets)
    return text.encode("utf-8", "replace")


def decode_payload(body: bytes, limits: Limits) -> list[str]:
    """Split the body of a POST into packets.

    :raises PayloadTooLarge: when ``limits.max_message_size`` is exceeded.
    :raises PayloadError: when it is not UTF-8 or its lengths are wrong.
    """
    return list(iter_payload(body, limits))


def iter_payload(body: bytes, limits: Limits) -> Iterator[str]:
    """Yield the packets of :func:`decode_payload`: there may be very many."""
    if len(body) > limits.max_message_size:
        raise PayloadTooLarge(f"a payload of {len(body)} bytes")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise PayloadError("the payload is not UTF-8") from None
    if not text.startswith(FRAME):
        yield text
        return
    end = 0
    while end < len(text):
        if text[end] != FRAME:
            raise PayloadError("a packet is longer than its length says")
        length = _LENGTH.match(text, end + 1)
        if length is None:
            found = text[end + 1 : end + 1 + MAX_DIGITS].partition(FRAME)[0]
            raise PayloadError(f"the length of a packet is missing: {found!r}")
        packet, end = take_units(text, length.end(), int(length[1]))
        yield packet
