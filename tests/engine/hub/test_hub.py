"""What the connections of a server share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from tgext.socketio.engine.hub.hub import Hub, hub_of
from tgext.socketio.engine.hub.settings import Settings
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.wire.socketio.generations import (
    SOCKETIO_1,
    SOCKETIO_4,
    SOCKETIO_5,
    Generation,
)

GENERATIONS = [SOCKETIO_1, SOCKETIO_4, SOCKETIO_5]


def test_the_bounds_are_those_of_the_settings() -> None:
    hub = Hub(
        Settings(
            max_message_size=100_000,
            max_attachments=2,
            max_attachments_size=150_000,
            max_outbox=50_000,
            slow_timeout=3,
            max_rooms=4,
            max_channels=5,
            max_pending_acks=6,
            max_jobs=7,
        )
    )
    assert (hub.limits.max_message_size, hub.limits.max_attachments) == (100_000, 2)
    assert hub.limits.attachments_size == 150_000
    assert (hub.output_bounds.limit, hub.output_bounds.patience) == (50_000, 3)
    assert hub.output_bounds.timers is hub.timers
    assert hub.bounds.unread == 300_000
    assert hub.bounds.numbers == {
        "max_rooms": 4,
        "max_channels": 5,
        "max_pending_acks": 6,
        "max_jobs": 7,
    }


@pytest.mark.parametrize(
    ("generation", "seconds"), [(SOCKETIO_1, 35), (SOCKETIO_4, 20), (SOCKETIO_5, 20)]
)
def test_the_time_for_a_pong_is_the_generations_unless_it_is_set(
    generation: Generation, seconds: float
) -> None:
    assert Hub().heartbeat_timeout(generation) == seconds
    assert Hub(Settings(heartbeat_timeout=1.5)).heartbeat_timeout(generation) == 1.5
    assert Hub(Settings(heartbeat_timeout=1.5)).ping_timeout == 1.5
    assert Hub().ping_timeout == 20


def test_each_generation_has_those_of_its_transports_that_are_served() -> None:
    hub = Hub(Settings(transports=("jsonp-polling", "websocket")))
    assert [hub.transports_of(each) for each in GENERATIONS] == [
        ["websocket", "jsonp-polling"],
        ["websocket"],
        ["websocket"],
    ]
    everything = Hub()
    assert [everything.transports_of(each) for each in GENERATIONS] == [
        list(each.transports) for each in GENERATIONS
    ]


def test_hubs_share_nothing() -> None:
    one, other = Hub(), Hub()
    shared = [name for name in vars(one) if vars(one)[name] is vars(other)[name]]
    assert shared == ["server"]  # both are None


def test_a_server_has_one_hub() -> None:
    server = SocketIOServer(("127.0.0.1", 0), None, max_rooms=3)
    assert hub_of(server) is server.hub
    assert server.hub.settings is server.settings
    assert server.hub.server is server
    assert server.sockets is server.hub.registry.sockets
    assert server.websockets is server.hub.registry.websockets
    assert server.rooms is server.hub.rooms
    socket = Socket(server, server.config)
    assert socket.hub is server.hub
    assert socket.server is server


def test_each_application_has_its_own_rooms() -> None:
    hub = Hub()
    first, second = hub.rooms_of("first"), hub.rooms_of("second")
    assert first is hub.rooms_of("first")
    assert second is hub.rooms_of("second")
    assert hub.all_rooms == [hub.rooms, first, second]
    assert len(set(hub.all_rooms)) == 3


def test_the_application_of_a_mock_has_the_rooms_of_the_mock() -> None:
    hub = hub_of(SimpleNamespace())
    assert hub.rooms_of("first") is hub.rooms
    assert hub.all_rooms == [hub.rooms]


def test_a_server_that_stops_closes_the_buses_of_all_applications() -> None:
    server = SocketIOServer(("127.0.0.1", 0), None)
    server.start()
    buses = []
    for name in ("first", "second"):
        rooms = server.hub.rooms_of(name)
        rooms.bus = MagicMock()
        buses.append((rooms, rooms.bus))
    server.stop()
    for rooms, bus in buses:
        bus.close.assert_called_once_with()
        assert rooms.bus is None


@pytest.mark.parametrize("make", [SimpleNamespace, MagicMock])
def test_any_object_can_stand_for_a_server(make: Any) -> None:
    """Tests of gevent-socketio's applications pass what they like."""
    server, other = make(), make()
    socket, neighbour = Socket(server, {}), Socket(server, {})
    assert socket.server is server
    assert socket.hub is neighbour.hub is hub_of(server)
    assert hub_of(other) is not socket.hub
    assert socket.hub.settings.max_rooms == Settings().max_rooms
