"""What a process tells of itself, every two seconds."""

from __future__ import annotations

import os
import socket
import time
from typing import Any, Final

from ...engine.concurrency.fairness import in_turns
from ...engine.hub.hub import Hub
from ...engine.hub.rooms import Rooms
from .descriptions import name_of

#: When the process began, as far as this package knows.
_BEGAN: Final = time.monotonic()


class Statistics:
    """Counts what a process has.

    :param hub: that of its server.
    :param rooms: those of a controller.
    """

    def __init__(self, hub: Hub, rooms: Rooms) -> None:
        self._hub = hub
        self._rooms = rooms
        self._before: set[str] | None = None

    def take(self) -> dict[str, Any]:
        """``server_stats`` of the UI.

        The connections that opened and ended are those since the last call.
        """
        sockets = dict(self._hub.registry.sockets)
        polling = sum(
            getattr(getattr(each, "transport", None), "name", "") == "polling"
            for each in in_turns(sockets.values())
        )
        host, pid = socket.gethostname(), os.getpid()
        return {
            "serverId": f"{host}#{pid}",
            "hostname": host,
            "pid": pid,
            "uptime": time.monotonic() - _BEGAN,
            "clientsCount": len(sockets),
            "pollingClientsCount": polling,
            "aggregatedEvents": self._changes(set(sockets)),
            "namespaces": self._namespaces(),
        }

    def _changes(self, now: set[str]) -> list[dict[str, Any]]:
        before, self._before = self._before, now
        if before is None:
            return []
        counts = {
            "rawConnection": len(now - before),
            "rawDisconnection": len(before - now),
        }
        second = int(time.time()) * 1000
        return [
            {"timestamp": second, "type": kind, "count": count}
            for kind, count in counts.items()
            if count
        ]

    def _namespaces(self) -> list[dict[str, Any]]:
        rooms = self._rooms
        return [
            {"name": name_of(each), "socketsCount": len(rooms.members(each))}
            for each, room in rooms.occupied()
            if room is None
        ]
