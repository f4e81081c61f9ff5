"""gevent-socketio's ``packet``: Socket.IO 0.9 packets as dicts.

The texts are those of gevent-socketio, with the same order of keys. Packets for clients
are encoded by :mod:`~tgext.socketio.wire.socketio.v1`, which puts the endpoint of an
error where clients expect it.
"""

from __future__ import annotations

import json as stdlib_json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ..wire import json
from ..wire.errors import InvalidJSON, PacketError
from ..wire.socketio.packet import Packet
from ..wire.socketio.v1 import ADVICES, REASONS, TYPES
from ..wire.socketio.v1 import decode as decode_strictly

__all__ = [
    "ADVICES_VALUES",
    "ERROR_ADVICES",
    "ERROR_REASONS",
    "MSG_TYPES",
    "MSG_VALUES",
    "REASONS_VALUES",
    "decode",
    "encode",
]

MSG_TYPES = {name: number for number, name in enumerate(TYPES)}
MSG_VALUES = dict(enumerate(TYPES))
ERROR_REASONS = {name: number for number, name in enumerate(REASONS)}
REASONS_VALUES = dict(enumerate(REASONS))
ERROR_ADVICES = {name: number for number, name in enumerate(ADVICES)}
ADVICES_VALUES = dict(enumerate(ADVICES))


def _spell(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def default_json_dumps(value: Any) -> str:
    """Write JSON as gevent-socketio does: keys sorted, a ``Decimal`` as a number."""
    return stdlib_json.dumps(
        value, separators=(",", ":"), sort_keys=True, default=_spell
    )


def encode(
    data: Mapping[str, Any], json_dumps: Callable[[Any], str] = default_json_dumps
) -> str:
    """Write a packet.

    :raises KeyError: for an unknown type, reason or advice, and for a missing field.
    :raises TypeError: for data that cannot be written as JSON.
    """
    kind = MSG_TYPES[data["type"]]
    endpoint: str = data.get("endpoint", "")
    head = f"{kind}::"
    if kind <= 1:
        query = data.get("qs", "")
        return f"{head}{endpoint}:{query}" if query else head + endpoint
    if data["type"] in ("message", "json", "event"):
        return _encode_event(kind, data, endpoint, json_dumps)
    if data["type"] == "ack":
        args = data.get("args", [])
        tail = "+" + json_dumps(args) if args != [] else ""
        return f"{head}{endpoint}:{data['ackId']}{tail}"
    if data["type"] == "error":
        reason, advice = data.get("reason", ""), data.get("advice", "")
        tail = str(ERROR_REASONS[reason]) if reason else ""
        tail += f"+{ERROR_ADVICES[advice]}" if advice else ""
        return f"{head}:{tail}{endpoint}"
    return head


def _encode_event(
    kind: int, data: Mapping[str, Any], endpoint: str, json_dumps: Callable[[Any], str]
) -> str:
    if data["type"] == "message":
        payload = data["data"]
    elif data["type"] == "json":
        payload = json_dumps(data["data"])
    else:
        event = {"name": data["name"]}
        if data.get("args", []) != []:
            event["args"] = data["args"]
        payload = json_dumps(event)
    mark = ""
    if "id" in data:
        mark = f"{data['id']}+" if data["ack"] == "data" else str(data["id"])
    return f"{kind}:{mark}:{endpoint}" + (f":{payload}" if payload != "" else "")


def decode(text: str | bytes, json_loads: Callable[[str], Any] = json.loads) -> Packet:
    """Read a packet.

    :returns: the packet. An event with invalid JSON has no name.
    :raises PacketError: when it is invalid.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    kind = text.partition(":")[0]
    if kind.isdecimal() and int(kind) not in MSG_VALUES:
        raise PacketError(f"Unknown message type: {kind}")

    def loads(value: str) -> Any:
        try:
            return json_loads(value)
        except InvalidJSON:
            if kind != "5":
                raise
        except ValueError as error:
            if kind != "5":
                raise InvalidJSON(str(error)) from error
        return {"name": ""}

    packet = decode_strictly(text, loads)
    if packet["type"] == "event" and not packet["name"]:
        del packet["name"]
    return packet
