"""Encodes packets for a client, and drops those that are for other clients only.

A client of Socket.IO 1.x to 4.x would take an event ``connect`` of the application for
its own, or end the connection. 0.9 clients receive it, as from gevent-socketio.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ...wire.json import Dumps
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet, ReservedName, arguments
from ...wire.socketio.unwritable import explain
from ..logs import get_logger
from ..namespaces.acks import Call, Expiring, release
from .connection import Connection
from .factories import name_of

log = get_logger(__name__)

#: The names that the log has a warning of, by the class that sent them.
_reported: WeakKeyDictionary[type, set[str]] = WeakKeyDictionary()


def encode(socket: Connection, packet: Packet) -> Encoded:
    """Encode a packet for a client's generation.

    :raises ReservedName: when the client has an event of its own with the name; a
        warning has been logged then.
    :raises TypeError: when the data cannot be written as JSON.
    """
    recovering = socket.recovering
    try:
        if recovering is not None and packet.get("endpoint", "") in recovering:
            encoded = recovering[packet.get("endpoint", "")].encode(socket, packet)
        else:
            encoded = socket.generation.encode(packet, socket.json_dumps)
    except ReservedName:
        _report(socket, packet)
        raise
    except TypeError as error:
        explained = explain_unwritable(error, packet, socket.json_dumps)
        if explained is None:
            raise
        raise explained from None
    if encoded.attachments:
        socket.hub.limits.check_sent(len(encoded.attachments))
    return encoded


def explain_unwritable(
    error: TypeError, packet: Packet, dumps: Dumps
) -> TypeError | None:
    """The error of a packet that cannot be written as JSON; see :func:`.explain`."""
    kind = packet["type"]
    if kind == "event":
        return explain(error, f"event {packet['name']!r}", arguments(packet), dumps)
    if kind == "ack":
        return explain(error, f"ack {packet['ackId']}", arguments(packet), dumps)
    if kind in ("message", "json"):
        return explain(error, kind, [packet["data"]], dumps)
    return None


def encode_connected(socket: Connection, packet: Packet) -> Encoded:
    """Encode the answer that a client is connected to a namespace.

    :param packet: the connect packet of the client.
    """
    sid = socket._tgsio_id_in(packet["endpoint"])
    return encode(socket, {**packet, "sid": sid})


def _report(socket: Connection, packet: Packet) -> None:
    """Log that an event is dropped, once for each class and name."""
    endpoint, name = packet.get("endpoint", ""), packet["name"]
    # A function of the application may have made the namespace: its class is asked for.
    asking = socket.admission.asking.get(endpoint)
    namespace = socket.active_ns.get(endpoint) or getattr(asking, "namespace", None)
    cls = type(namespace)
    names = _reported.setdefault(cls, set())
    if name in names:
        return
    names.add(name)
    log.warning(
        "Event %r of %s (namespace %s) is not sent to clients %s: they have one of "
        "their own with this name. Give it another name; only 0.9 clients receive it",
        name,
        name_of(cls),
        endpoint or "/",
        socket.generation.name,
    )


def drop(socket: Connection, packet: Packet, error: ReservedName) -> None:
    """Drop an event, and the callback that waits for its ack; no ack will come.

    A callback with a timeout is called with an ``AckTimeout``.

    :raises ReservedName: when a greenlet waits for the ack.
    """
    number = packet.get("id")
    callback = None if number is None else socket.acks.callbacks.get(number)
    if isinstance(callback, Call):
        raise error
    if number is not None and not isinstance(callback, Expiring):
        release(socket.acks.pop(number))
