"""What a process tells of itself, every two seconds."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from typing import Any, Final

from ...engine.concurrency.fairness import in_turns
from ...engine.hub.hub import Hub
from ...engine.hub.rooms import Rooms
from ...engine.io.traffic import Traffic
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
        #: Totals since the server began, by the names that the UI has for them.
        self._before: Counter[tuple[str, str]] | None = None

    def take(self) -> dict[str, Any]:
        """``server_stats`` of the UI. What happened is that since the last call."""
        sockets: list[Any] = list(self._hub.registry.sockets.values())
        polling, traffic = 0, self._hub.counts.traffic
        for each in in_turns(sockets):
            transport = each.transport
            if transport is not None:
                polling += not each.ended and transport.name == "polling"
                traffic = traffic.plus(transport.traffic)
        host, pid = socket.gethostname(), os.getpid()
        return {
            "serverId": f"{host}#{pid}",
            "hostname": host,
            "pid": pid,
            "uptime": time.monotonic() - _BEGAN,
            "clientsCount": len(sockets),
            "pollingClientsCount": polling,
            "aggregatedEvents": self._happened(traffic),
            "namespaces": self._namespaces(),
        }

    def _happened(self, traffic: Traffic) -> list[dict[str, Any]]:
        counts = self._hub.counts
        now: Counter[tuple[str, str]] = Counter(
            {
                ("rawConnection", ""): counts.opened.total(),
                ("packetsIn", ""): traffic.received,
                ("packetsOut", ""): traffic.sent,
                ("bytesIn", ""): traffic.received_bytes,
                ("bytesOut", ""): traffic.sent_bytes,
            }
        )
        for reason, number in counts.closed.items():
            now["rawDisconnection", reason] = number
        before, self._before = self._before, now
        if before is None:
            return []
        second = int(time.time()) * 1000
        return [
            {"timestamp": second, "type": kind, "subType": detail, "count": count}
            for (kind, detail), count in (now - before).items()  # those above zero
        ]

    def _namespaces(self) -> list[dict[str, Any]]:
        rooms = self._rooms
        # Those without members, too: the UI does not show one that comes later.
        found = dict.fromkeys([*rooms.mounted, *rooms.endpoints()])
        return [
            {"name": name_of(each), "socketsCount": len(rooms.members(each))}
            for each in found
        ]
