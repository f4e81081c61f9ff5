"""Rooms: their members, and broadcasts to them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.wire.socketio.packet import Packet, event_packet

from ..conftest import Serve
from ..sample_namespaces import Chat


class Name(str, Enum):
    ONE = "1"


class Anyone:
    """A socket that has not ended."""

    @property
    def ended(self) -> bool:
        return False


ANN: Any = Anyone()
BEN: Any = Anyone()


def test_members_are_listed_as_they_came() -> None:
    rooms = Rooms(Batcher())
    for each in (BEN, ANN, BEN):
        rooms.join("/chat", "lobby", each)
    assert rooms.members("/chat", "lobby") == [BEN, ANN]
    assert rooms.members("/chat") == []
    assert rooms.members("/chat", "hall") == []
    assert rooms.members("/game", "lobby") == []


def test_a_list_of_members_does_not_change_when_one_leaves() -> None:
    rooms = Rooms(Batcher())
    rooms.join("/chat", None, ANN)
    members = rooms.members("/chat")
    rooms.leave("/chat", None, ANN)
    assert members == [ANN]
    assert rooms.members("/chat") == []


def test_leaving_where_one_is_not_has_no_effect() -> None:
    rooms = Rooms(Batcher())
    rooms.join("/chat", "lobby", ANN)
    rooms.leave("/chat", "lobby", BEN)
    rooms.leave("/chat", "hall", ANN)
    rooms.leave_all("/chat", BEN)
    rooms.leave_all("/game", ANN)
    assert rooms.members("/chat", "lobby") == [ANN]


def test_leaving_a_namespace_keeps_the_others() -> None:
    rooms = Rooms(Batcher())
    for endpoint in ("/chat", "/game"):
        for room in (None, "lobby", "hall"):
            rooms.join(endpoint, room, ANN)
    rooms.leave_all("/chat", ANN)
    for room in (None, "lobby", "hall"):
        assert rooms.members("/chat", room) == []
        assert rooms.members("/game", room) == [ANN]


def test_nothing_is_kept_of_rooms_that_are_empty() -> None:
    rooms = Rooms(Batcher())
    for each in (ANN, BEN):
        rooms.join("/chat", None, each)
        rooms.join("/chat", "lobby", each)
    for each in (ANN, BEN):
        rooms.leave("/chat", "lobby", each)
        rooms.leave_all("/chat", each)
    assert rooms.statistics() == (0, 0)


class Notes:
    """A bus without other processes, which records what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[Any, ...]] = []
        self.heard: list[tuple[str, Any]] = []
        self.closed = 0

    def publish(self, packet: Packet, room: str | None) -> None:
        args = list(packet["args"])
        self.published.append((packet["endpoint"], room, packet["name"], args))

    def listen(self, endpoint: str, room: Any) -> None:
        self.heard.append((endpoint, room))

    def unlisten(self, endpoint: str, room: Any) -> None:
        self.heard.remove((endpoint, room))

    def wait(self, endpoint: str, rooms: Any) -> None:
        assert all((endpoint, each) in self.heard for each in rooms)

    def close(self) -> None:
        self.closed += 1


def test_what_goes_to_many_goes_to_the_other_processes_too(serve: Serve) -> None:
    live = serve({"/chat": Chat})
    bus = live.server.rooms.bus = Notes()
    client = live.client()
    client.join("/chat")
    client.call("/chat", "say", "lobby", "to a room")
    client.call("/chat", "shout_to_others", "to others")
    client.emit("/chat", "shout", "to all", number=1)
    assert client.event("/chat") == ["shouted", "to all"]
    assert client.read()["type"] == "ack"
    assert bus.published == [
        ("/chat", "lobby", "said", ["to a room"]),
        ("/chat", None, "shouted", ["to others"]),
        ("/chat", None, "shouted", ["to all"]),
    ]
    live.server.stop(timeout=1)
    live.server.stop(timeout=1)
    assert bus.closed == 1


def test_the_other_processes_get_what_a_client_here_cannot_read(serve: Serve) -> None:
    live = serve({"/chat": Chat})
    bus = live.server.rooms.bus = Notes()
    client = live.client("0.9-websocket")
    client.join("/chat")
    packet: Packet = {"type": "event", "name": "a", "args": [b"b"], "endpoint": "/chat"}
    with pytest.raises(TypeError, match="cannot be sent bytes"):
        live.server.rooms.broadcast(packet)
    assert bus.published == [("/chat", None, "a", [b"b"])]


@pytest.mark.parametrize(
    ("name", "told"),
    [(1, "1"), (1.5, "1.5"), (2.0, "2"), (Name.ONE, "1"), (2**60, str(2**60))],
)
def test_a_name_is_the_same_text_for_all(serve: Serve, name: Any, told: str) -> None:
    live = serve({"/chat": Chat})
    bus = live.server.rooms.bus = Notes()
    client = live.client("4-websocket")
    client.join("/chat")
    live.server.rooms.broadcast(event_packet("/chat", name, []))
    assert client.event("/chat") == [told]
    assert bus.published == [("/chat", None, told, [])]
    assert type(bus.published[0][2]) is str


@pytest.mark.parametrize("name", [None, True, ["a"], {"a": 1}, b"a"])
def test_what_is_no_name_reaches_nobody(serve: Serve, name: Any) -> None:
    live = serve({"/chat": Chat})
    bus = live.server.rooms.bus = Notes()
    client = live.client("4-websocket")
    client.join("/chat")
    with pytest.raises(TypeError, match="the name of an event is a str, not"):
        live.server.rooms.broadcast(event_packet("/chat", name, []))
    assert client.call("/chat", "echo") == []
    assert bus.published == []


def test_what_another_process_sent_stays_in_this_one(serve: Serve) -> None:
    live = serve({"/chat": Chat})
    bus = live.server.rooms.bus = Notes()
    inside, outside = live.client(), live.client()
    for each in (inside, outside):
        each.join("/chat")
    inside.call("/chat", "join", "lobby")
    packet: Packet = {"type": "event", "name": "a", "args": ["b"], "endpoint": "/chat"}
    live.server.rooms.deliver(packet, "lobby")
    assert inside.event("/chat") == ["a", "b"]
    assert outside.call("/chat", "echo") == []
    assert bus.published == []


def test_what_goes_to_many_leaves_together_whoever_sends_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.PATIENCE", 3600)
    live = serve({"/chat": Chat})
    clients = [live.client("4-websocket") for _ in range(3)]
    for client in clients:
        client.join("/chat")
    for number in range(2):
        live.server.rooms.broadcast(event_packet("/chat", "heard", [number]))
    waiting = [each.transport.outbox.size for each in live.server.sockets.values()]
    assert len(waiting) == 3
    assert all(waiting)
    for client in clients:
        assert client.event("/chat") == ["heard", 0]
        assert client.event("/chat") == ["heard", 1]
