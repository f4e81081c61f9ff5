"""What is heard for clients that have gone."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tgext.socketio.engine.hub.roomkeys import SocketRoom, UserRoom
from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.engine.recovery.away import Away


class Bus:
    """Counts what is listened to."""

    def __init__(self) -> None:
        self.heard: Counter[Any] = Counter()
        self.hears = True

    def listen(self, endpoint: str, room: Any) -> None:
        self.heard[endpoint, room] += 1

    def unlisten(self, endpoint: str, room: Any) -> None:
        self.heard[endpoint, room] -= 1

    def wait(self, endpoint: str, rooms: Any) -> bool:
        return self.hears


def test_rooms_are_heard_until_the_client_is_back() -> None:
    rooms = Rooms(Batcher())
    away, bus = Away("/chat", rooms), Bus()
    anybus: Any = bus
    rooms.bus = anybus
    places = [None, "lobby", 5, SocketRoom("id"), UserRoom("ann")]
    for _ in range(2):
        away.begin("session", places)
    heard = {("/chat", None), ("/chat", "lobby"), ("/chat", 5)}
    assert bus.heard == dict.fromkeys(heard, 1)
    assert away.wait("session")
    bus.hears = False
    assert not away.wait("session")
    for _ in range(2):
        away.end("session")
    assert not +bus.heard
    assert not away.wait("session")


def test_without_other_processes_nothing_is_heard() -> None:
    away = Away("/chat", Rooms(Batcher()))
    away.begin("session", [None])
    assert not away.wait("session")
    away.end("session")
