"""Socket.IO 3 and 4: how their connect packets differ from those of 5.

https://github.com/socketio/socket.io-protocol, revisions 3 and 4 ("Difference between
v5 and v4"). A connect has a query string instead of a payload, the answer to it is
empty, and an ERROR packet with any JSON refuses it.
"""

from __future__ import annotations

from .. import json
from ..json import Dumps, Loads
from ..limits import DEFAULT_LIMITS, Limits
from . import v5 as socketio_5
from .packet import Packet


def decode(
    text: str,
    limits: Limits = DEFAULT_LIMITS,
    loads: Loads = json.loads,
    start: int = 0,
) -> Packet:
    """Read one packet, which begins at ``start`` in ``text``.

    :raises PacketError: when it is invalid.
    """
    packet = socketio_5.decode(text, limits, loads, start)
    if packet["type"] == "connect":
        # Some clients send a payload nevertheless. The reference server ignores it.
        del packet["data"]
    return packet


def encode(packet: Packet, dumps: Dumps = json.dumps, start: str = "") -> str:
    """Write one packet; see :func:`socketio_5.encode`."""
    if packet["type"] == "connect":
        packet = {"type": "connect", "endpoint": packet["endpoint"]}
    elif packet["type"] == "error":
        return start + _error(packet, dumps)
    return socketio_5.encode(packet, dumps, start)


def _error(packet: Packet, dumps: Dumps) -> str:
    endpoint = packet.get("endpoint", "")
    head = f"{socketio_5.CONNECT_ERROR}{endpoint}," if endpoint else "4"
    data = packet.get("data")
    return head + dumps(packet.get("reason", "") if data is None else data)
