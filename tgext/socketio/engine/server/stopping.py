"""Ends all connections of a server that stops."""

from __future__ import annotations

import time

import gevent

from ...wire.socketio.reasons import SHUTTING_DOWN
from ..hub.hub import Hub
from ..hub.registry import Endable

#: "1001 indicates that an endpoint is 'going away', such as a server going down"
#: (RFC 6455, section 7.4.1).
GOING_AWAY = 1001

#: Seconds in which polling clients can fetch their last packets.
FAREWELL_TIMEOUT = 0.5

#: Seconds between two checks whether handlers have finished.
CHECK_INTERVAL = 0.02


def end_connections(hub: Hub) -> None:
    """End all connections, each as soon as its handler has finished.

    Returns when they have ended and polling clients have fetched their last packets.
    """
    for websocket in list(hub.registry.websockets):
        websocket.close(GOING_AWAY, SHUTTING_DOWN)
    handling = set(hub.registry.sockets.values())
    for socket in handling:
        socket.finish()
    ending = []
    while handling:
        idle = {each for each in handling if not each.busy}
        ending += [_end(each) for each in idle]
        handling -= idle
        gevent.sleep(CHECK_INTERVAL)
    gevent.joinall(ending)
    farewells = time.monotonic() + FAREWELL_TIMEOUT
    while len(hub.lingering) and time.monotonic() < farewells:
        gevent.sleep(CHECK_INTERVAL)


def end_at_once(hub: Hub) -> None:
    """End the connections that are left, and interrupt their handlers."""
    ending = [_end(each) for each in hub.registry.sockets.values()]
    gevent.joinall(ending, timeout=FAREWELL_TIMEOUT)
    for each in list(hub.registry.endings):
        each.interrupt()
    for websocket in list(hub.registry.websockets):
        websocket.interrupt()


def _end(socket: Endable) -> gevent.Greenlet[..., object]:
    return gevent.spawn(socket.kill, reason=SHUTTING_DOWN, code=GOING_AWAY)
