"""What a process tells of itself."""

from __future__ import annotations

import os
from typing import Any

from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.engine.io.traffic import Traffic
from tgext.socketio.operation.admin.statistics import Statistics

from .fakes import FakeSocket, rooms_with


def test_clients_are_counted() -> None:
    sockets: list[Any] = [FakeSocket(name) for name in ("ann", "bob", "eve")]
    sockets[0].transport.name = "websocket"
    sockets[1].transport = None
    hub, rooms = Hub(), rooms_with(*sockets)
    rooms.join("", "lobby", sockets[0])
    rooms.join("", None, sockets[0])
    hub.registry.sockets.update({each.name: each for each in sockets})
    told = Statistics(hub, rooms).take()
    assert (told["clientsCount"], told["pollingClientsCount"]) == (3, 1)
    assert (told["pid"], told["uptime"] > 0) == (os.getpid(), True)
    assert told["namespaces"] == [
        {"name": "/chat", "socketsCount": 3},
        {"name": "/", "socketsCount": 1},
    ]


def test_namespaces_without_members_are_told() -> None:
    rooms = rooms_with(FakeSocket("ann"))
    rooms.mounted = ("/admin", "/chat", "")
    assert Statistics(Hub(), rooms).take()["namespaces"] == [
        {"name": "/admin", "socketsCount": 0},
        {"name": "/chat", "socketsCount": 1},
        {"name": "/", "socketsCount": 0},
    ]


def test_what_happened_since_the_last_time() -> None:
    hub = Hub()
    statistics = Statistics(hub, rooms_with())
    hub.counts.opened["0.9", "polling"] = 5
    assert statistics.take()["aggregatedEvents"] == []
    hub.counts.opened["0.9", "polling"] += 1
    hub.counts.opened["3.x/4.x", "websocket"] += 1
    for reason in ("transport close", "transport close", "ping timeout"):
        hub.counts.close(reason)
    ann: Any = FakeSocket()
    ann.transport.traffic = Traffic(1, 10, 2, 20)
    hub.registry.sockets["ann"] = ann
    hub.counts.end(Traffic(1, 1, 0, 0))
    events = statistics.take()["aggregatedEvents"]
    assert {(each["type"], each["subType"]): each["count"] for each in events} == {
        ("rawConnection", ""): 2,
        ("rawDisconnection", "transport close"): 2,
        ("rawDisconnection", "ping timeout"): 1,
        ("packetsIn", ""): 2,
        ("bytesIn", ""): 11,
        ("packetsOut", ""): 2,
        ("bytesOut", ""): 20,
    }
    assert all(each["timestamp"] % 1000 == 0 for each in events)
    assert statistics.take()["aggregatedEvents"] == []
