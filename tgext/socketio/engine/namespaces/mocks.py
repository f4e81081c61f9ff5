"""Sockets that are not of this package: gevent-socketio's own, and mocks of tests.

Tests of an application give its namespaces a socket of gevent-socketio, often with
mocks for ``send_packet`` and ``error``, whose server is an object with nothing but
``sockets``. Such a socket has no connection. It gets what else a namespace needs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gevent

from ...wire.json import dumps
from ...wire.socketio import v1
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.generations import SOCKETIO_1
from ...wire.socketio.packet import Packet, event_packet
from ..concurrency.threads import home
from ..hub.account import Account
from ..hub.hub import Hub, hub_of
from ..hub.index import public_id
from .acks import AckBook
from .runner import PLAIN


def complete(socket: Any) -> None:
    """Give a socket what namespaces need; what it has stays as it is."""
    if hasattr(socket, "_tgsio_home"):
        return
    hub = _hub_of(socket)
    own = {
        "_tgsio_home": home(),
        "account": Account(hub.bounds),
        "acks": AckBook(),
        "active_ns": {},
        "drain": lambda timeout=None: True,
        "encode": lambda packet: _encode(socket, packet),
        "ended": False,
        "finish": lambda: None,
        "generation": SOCKETIO_1,
        "hub": hub,
        "_tgsio_rooms": hub.rooms,
        "_tgsio_id_in": partial(public_id, str(getattr(socket, "sessid", id(socket)))),
        "_tgsio_user": None,
        "json_dumps": dumps,
        "outbox": None,
        "runner": PLAIN,
        "send_encoded": lambda encoded, endpoint: _send(socket, encoded, endpoint),
        "send_when_room": lambda encoded, endpoint: _send(socket, encoded, endpoint),
        "session": {},
        "start_own_job": _start,
        "transport": None,
        "writable": True,
    }
    for name, value in own.items():
        if not hasattr(socket, name):
            setattr(socket, name, value)


def _hub_of(socket: Any) -> Hub:
    try:
        return hub_of(socket.server)
    except (AttributeError, ReferenceError):
        # It has none, or gevent-socketio's weak reference to it is dead.
        return Hub()


def _encode(socket: Any, packet: Packet) -> Encoded:
    encoded: Encoded = socket.generation.encode(packet, socket.json_dumps)
    return encoded


def _send(socket: Any, encoded: Encoded, endpoint: str) -> None:
    """Pass what was encoded once for several receivers to ``send_packet``."""
    packet = v1.decode(encoded.text)
    if packet["type"] == "event":
        packet = event_packet(endpoint, packet["name"], tuple(packet["args"]))
    socket.send_packet(packet)


def _start(function: Callable[..., Any], *args: Any) -> None:
    gevent.spawn(function, *args)
