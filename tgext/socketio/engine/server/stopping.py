"""How a server's connections end when it stops."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import gevent

from ..session.session import Socket

if TYPE_CHECKING:
    from ..hub.registry import Connections

#: What namespaces and plain WebSockets are told, and the close code.
REASON = "server shutting down"
GOING_AWAY = 1001

#: Seconds to wait for polling clients between two polls.
FAREWELL_TIMEOUT = 0.5

#: Seconds between two looks at who has finished.
LOOK = 0.02


def end_connections(connections: Connections) -> None:
    """End all connections; each that handles an event when that is done.

    Returns when they have ended, and polling clients have fetched that they have.
    """
    for websocket in list(connections.websockets):
        websocket.close(GOING_AWAY, REASON)
    handling = set(connections.sockets.values())
    for socket in handling:
        socket.finish()
    ending = []
    while handling:
        idle = {each for each in handling if not each.busy}
        ending += [_end(each) for each in idle]
        handling -= idle
        gevent.sleep(LOOK)
    gevent.joinall(ending)
    farewells = time.monotonic() + FAREWELL_TIMEOUT
    while connections._lingering and time.monotonic() < farewells:
        gevent.sleep(LOOK)


def end_at_once(connections: Connections) -> None:
    """End the connections that are left, whatever they do."""
    ending = [_end(each) for each in connections.sockets.values()]
    gevent.joinall(ending, timeout=FAREWELL_TIMEOUT)
    for each in list(connections.endings):
        each.interrupt()
    for websocket in list(connections.websockets):
        websocket.interrupt()


def _end(socket: Socket) -> gevent.Greenlet[..., object]:
    return gevent.spawn(socket.kill, reason=REASON, code=GOING_AWAY)
