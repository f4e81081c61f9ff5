"""How a server's connections end when it stops."""

from __future__ import annotations

import time

import gevent

from ..hub.hub import Hub
from ..hub.registry import Endable

#: What namespaces and plain WebSockets are told, and the close code.
REASON = "server shutting down"
GOING_AWAY = 1001

#: Seconds to wait for polling clients between two polls.
FAREWELL_TIMEOUT = 0.5

#: Seconds between two looks at who has finished.
LOOK = 0.02


def end_connections(hub: Hub) -> None:
    """End all connections; each that handles an event when that is done.

    Returns when they have ended, and polling clients have fetched that they have.
    """
    for websocket in list(hub.registry.websockets):
        websocket.close(GOING_AWAY, REASON)
    handling = set(hub.registry.sockets.values())
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
    while len(hub.lingering) and time.monotonic() < farewells:
        gevent.sleep(LOOK)


def end_at_once(hub: Hub) -> None:
    """End the connections that are left, whatever they do."""
    ending = [_end(each) for each in hub.registry.sockets.values()]
    gevent.joinall(ending, timeout=FAREWELL_TIMEOUT)
    for each in list(hub.registry.endings):
        each.interrupt()
    for websocket in list(hub.registry.websockets):
        websocket.interrupt()


def _end(socket: Endable) -> gevent.Greenlet[..., object]:
    return gevent.spawn(socket.kill, reason=REASON, code=GOING_AWAY)
