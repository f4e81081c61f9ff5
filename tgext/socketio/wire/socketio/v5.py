"""Socket.IO 3, 4 and 5: packets.

https://github.com/socketio/socket.io-protocol, revisions 3 to 5:
``type[attachments-][namespace,][ack id][JSON]``. The packets travel as the data of
Engine.IO messages, and their attachments as messages of their own: see
:mod:`~tgext.socketio.wire.socketio.binary`. The revisions differ in the packets that
connect and refuse; those of 3 and 4 are in :mod:`~tgext.socketio.wire.socketio.v3_4`.
Revision 3 has no BINARY_ACK, but its clients (1.0.0 to 1.0.2) get it too: nothing tells
them from those of revision 4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .. import json
from ..errors import PacketError
from ..json import Dumps, Loads
from ..limits import DEFAULT_LIMITS, MAX_CONNECT, MAX_DIGITS, Limits
from .packet import Packet, PacketType, ReservedName, arguments, event_name

CONNECT = "0"
DISCONNECT = "1"
EVENT = "2"
ACK = "3"
CONNECT_ERROR = "4"
BINARY_EVENT = "5"
BINARY_ACK = "6"

#: Type, attachments, namespace, id. The rest of a packet is JSON.
_HEADER = re.compile(r"([0-6])(?:([0-9]+)-)?(?:(/[^,]*)(?:,|\Z))?([0-9]+)?")

_DIGITS = "0123456789"


# Decoding


def decode(
    text: str,
    limits: Limits = DEFAULT_LIMITS,
    loads: Loads = json.loads,
    start: int = 0,
) -> Packet:
    """Read one packet, which begins at ``start`` in ``text``.

    :raises PacketError: when it is invalid.
    """
    # "Packet encoding": type, attachments, namespace, ack id, payload, all but the type
    # optional.
    header = _HEADER.match(text, start)
    if header is None:
        raise PacketError(f"unknown packet type {text[start : start + 1]!r}")
    kind, attachments, namespace, number = header.groups()
    packet: Packet = {"type": "event", "endpoint": namespace or ""}
    if namespace is not None:
        _split_query(packet, namespace)
    if number is not None:
        if len(number) > MAX_DIGITS:
            raise PacketError("the id has too many digits")
        packet["id"] = int(number)
    data = text[header.end() :]
    if kind == EVENT and attachments is None:
        _read_event(packet, data, loads)
    else:
        if attachments is not None or kind in (BINARY_EVENT, BINARY_ACK):
            packet["attachments"] = _attachments(kind, attachments, limits)
        _READERS[kind](packet, data, loads)
    return packet


def plain_event(text: str, loads: Loads, start: int) -> Packet | None:
    """Read an event without attachments and query, which nearly all packets are.

    :param start: the index after the packet's type.
    :returns: None for any other packet, which :func:`decode` reads.
    :raises PacketError: when it is invalid.
    """
    bracket = text.find("[", start)
    header = text[start:bracket]
    number = ""
    if header and header[-1] != ",":
        namespace = header.rstrip(_DIGITS)
        number = header[len(namespace) :]
        header = namespace
    if bracket < 0 or len(header) > _SHORT or len(number) > MAX_DIGITS:
        return None
    endpoint = _plain_endpoint(header)
    if endpoint is None:
        return None
    name, args = _event_data(text[bracket:], loads)
    packet: Packet = {"type": "event", "endpoint": endpoint, "name": name, "args": args}
    if number:
        packet["id"] = int(number)
        packet["ack"] = "data"
    return packet


#: Characters of a header. Longer ones are not cached, so that the cache stays small.
_SHORT = 100


@lru_cache(maxsize=256)
def _plain_endpoint(header: str) -> str | None:
    """The endpoint in the header of a packet; None for a header with other parts."""
    if not header:
        return ""
    namespace, comma, rest = header.partition(",")
    if not comma or rest or namespace[:1] != "/" or len(namespace) == 1:
        return None
    return None if "?" in namespace else namespace


def _split_query(packet: Packet, namespace: str) -> None:
    path, mark, query = namespace.partition("?")
    packet["endpoint"] = "" if path == "/" else path
    if mark:
        if len(query) > MAX_CONNECT:
            raise PacketError(f"a query of more than {MAX_CONNECT} characters")
        packet["qs"] = query


def _attachments(kind: str, digits: str | None, limits: Limits) -> int:
    if digits is None or kind not in (BINARY_EVENT, BINARY_ACK):
        raise PacketError(
            "a binary packet has no number of attachments, or another packet has one"
        )
    if len(digits) > MAX_DIGITS or int(digits) > limits.max_attachments:
        raise PacketError(f"too many attachments: {digits[:20]}")
    return int(digits)


def _read_event(packet: Packet, data: str, loads: Loads) -> None:
    packet["name"], packet["args"] = _event_data(data, loads)
    if "id" in packet:
        packet["ack"] = "data"


def _event_data(data: str, loads: Loads) -> tuple[str, list[Any]]:
    """The name of an event, and its arguments."""
    args = loads(data)
    # "Sending and receiving data": an event is a non-empty array, the first item its
    # name.
    if not isinstance(args, list) or not args:
        raise PacketError("an event is not a list with a name")
    name = args.pop(0)
    return name if type(name) is str else event_name(name), args


def _read_ack(packet: Packet, data: str, loads: Loads) -> None:
    args = loads(data) if data else []
    if not isinstance(args, list):
        raise PacketError("the arguments of an ack are not a list")
    if "id" not in packet:
        raise PacketError("an ack has no id")
    packet["type"] = "ack"
    packet["ackId"] = packet.pop("id")
    packet["args"] = args


def _read_connect(packet: Packet, data: str, loads: Loads) -> None:
    if len(data) > MAX_CONNECT:
        raise PacketError(f"an auth payload of more than {MAX_CONNECT} characters")
    auth = loads(data) if data else None
    if not (auth is None or isinstance(auth, dict)) or "id" in packet:
        raise PacketError(
            "a connect has an id, or an auth payload that is not an object"
        )
    packet["type"] = "connect"
    packet["data"] = auth


def _read_disconnect(packet: Packet, data: str, loads: Loads) -> None:
    # "Disconnection from a namespace": the packet has no payload and no id.
    if data or "id" in packet:
        raise PacketError("a disconnect has a payload or an id")
    packet["type"] = "disconnect"


def _read_connect_error(packet: Packet, data: str, loads: Loads) -> None:
    # "Connection to a namespace": only the server answers with it.
    raise PacketError("a client must not send a connect error")


_READERS: dict[str, Callable[[Packet, str, Loads], None]] = {
    CONNECT: _read_connect,
    DISCONNECT: _read_disconnect,
    EVENT: _read_event,
    ACK: _read_ack,
    CONNECT_ERROR: _read_connect_error,
    BINARY_EVENT: _read_event,
    BINARY_ACK: _read_ack,
}


# Encoding

#: Names of events that happen in clients themselves. socket.io-parser 4.2.3 and later
#: refuses a packet with such a name (``invalid payload``), and its client disconnects;
#: clients of earlier versions call the handlers of their own event. The reference
#: servers send none of these either.
CLIENTS_OWN = frozenset(
    (
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    )
)


def encode(packet: Packet, dumps: Dumps = json.dumps, start: str = "") -> str:
    """Write one packet.

    :param start: the text before it, which the result begins with.
    :raises ReservedName: when it is an event with a name of :data:`CLIENTS_OWN`.
    :raises TypeError: when its data cannot be written as JSON.
    :raises KeyError: when a field that its type needs is missing.
    """
    kind = packet["type"]
    if kind == "event":
        name = packet["name"]
        if name in CLIENTS_OWN:
            raise ReservedName(
                f"an event cannot be called {name!r}: clients have one of their own "
                "with this name"
            )
        if "id" not in packet and "attachments" not in packet:
            # Nearly all packets are. Writing these here saves 6 % of an event that
            # answers with one (6.6 instead of 7.0 µs, interleaved; the calls are
            # _WRITERS').
            args = packet.get("args", ())
            if type(args) is not tuple:
                args = arguments(packet)
            data = dumps([name, *args])
            endpoint = packet.get("endpoint")
            return f"{start}2{endpoint},{data}" if endpoint else f"{start}2{data}"
    return start + _WRITERS[kind](packet, dumps)


def _prefix(kind: str, endpoint: str) -> str:
    return f"{kind}{endpoint}," if endpoint else kind


def _kind(plain: str, binary: str, packet: Packet) -> str:
    count = packet.get("attachments")
    return plain if count is None else f"{binary}{count}-"


def _event(packet: Packet, args: list[Any], dumps: Dumps) -> str:
    number = packet.get("id")
    head = _prefix(_kind(EVENT, BINARY_EVENT, packet), packet.get("endpoint", ""))
    return head + dumps(args) if number is None else f"{head}{number}{dumps(args)}"


def _write_event(packet: Packet, dumps: Dumps) -> str:
    return _event(packet, [packet["name"], *arguments(packet)], dumps)


def _write_message(packet: Packet, dumps: Dumps) -> str:
    # Since Socket.IO 1, `send` emits an event named `message`.
    return _event(packet, ["message", packet["data"]], dumps)


def _write_ack(packet: Packet, dumps: Dumps) -> str:
    args = dumps(list(arguments(packet)))
    head = _prefix(_kind(ACK, BINARY_ACK, packet), packet.get("endpoint", ""))
    return f"{head}{packet['ackId']}{args}"


def _write_connect(packet: Packet, dumps: Dumps) -> str:
    data = packet.get("data")
    head = _prefix(CONNECT, packet.get("endpoint", ""))
    return head if data is None else head + dumps(data)


def _write_disconnect(packet: Packet, dumps: Dumps) -> str:
    return _prefix(DISCONNECT, packet.get("endpoint", ""))


def _write_error(packet: Packet, dumps: Dumps) -> str:
    error: dict[str, Any] = {"message": packet.get("reason", "")}
    if packet.get("data") is not None:
        error["data"] = packet["data"]
    return _prefix(CONNECT_ERROR, packet.get("endpoint", "")) + dumps(error)


_WRITERS: dict[PacketType, Callable[[Packet, Dumps], str]] = {
    "event": _write_event,
    "message": _write_message,
    "json": _write_message,
    "ack": _write_ack,
    "connect": _write_connect,
    "disconnect": _write_disconnect,
    "error": _write_error,
}
