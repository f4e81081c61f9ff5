"""A client is connected when this process hears its rooms at the other processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tests.engine.clients import KINDS, wait_for
from tests.engine.conftest import Live, Serve
from tgext.socketio.engine.hub.roomkeys import Room
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.wire.socketio.packet import Packet, event_packet


class SlowBus:
    """A bus whose rooms are heard when the test says so."""

    def __init__(self) -> None:
        self.listening: Counter[tuple[str, Room | None]] = Counter()
        self.waited: list[list[Room | None]] = []
        self.heard = Event()

    def publish(self, packet: Packet, receivers: Any) -> None: ...

    def listen(self, endpoint: str, room: Room | None) -> None:
        self.listening[endpoint, room] += 1

    def unlisten(self, endpoint: str, room: Room | None) -> None:
        self.listening[endpoint, room] -= 1

    def wait(self, endpoint: str, rooms: Iterable[Room | None]) -> None:
        self.waited.append(list(rooms))
        assert all(self.listening[endpoint, each] > 0 for each in self.waited[-1])
        self.heard.wait()

    def close(self) -> None: ...

    @property
    def open(self) -> dict[Any, int]:
        return {key: count for key, count in self.listening.items() if count}


class Game(RoomsMixin, BaseNamespace):
    def on_echo(self, value: Any) -> Any:
        return value


class Chat(Game):
    def recv_connect(self) -> None:
        self.join("lobby")
        self.emit("welcome")

    def on_enter(self, room: Room) -> None:
        self.join(room)

    def on_name(self, *names: str) -> None:
        self.session["rooms"] |= {f"/chat_{each}" for each in names}


def clustered(live: Live) -> SlowBus:
    bus = live.server.rooms.bus = SlowBus()
    return bus


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_is_connected_when_its_rooms_are_heard(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Chat})
    bus = clustered(live)
    client = live.client(kind)
    joining = gevent.spawn(client.join, "/chat")
    wait_for(lambda: bus.waited, "it waits for the rooms")
    assert bus.waited == [[None, "lobby"]]
    assert live.server.rooms.members("/chat") == []
    # Nobody receives for it yet.
    live.server.rooms.deliver(event_packet("/chat", "early", []), "lobby")
    bus.heard.set()
    joining.get(timeout=20)
    assert client.event("/chat") == ["welcome"]
    live.server.rooms.deliver(event_packet("/chat", "news", []), "lobby")
    assert client.event("/chat") == ["news"]
    assert bus.open == {("/chat", None): 1, ("/chat", "lobby"): 1}
    client.close()
    wait_for(lambda: not bus.open, "nothing is heard any more")


def test_rooms_that_are_named_already_are_heard_too(serve: Serve) -> None:
    live = serve({"/chat": Chat, "/game": Game})
    bus = clustered(live)
    bus.heard.set()
    client = live.client("4-websocket")
    client.join("/chat")
    assert client.event("/chat") == ["welcome"]
    live.socket(client).session["rooms"].add("/game_hall")
    bus.waited.clear()
    client.join("/game")
    assert client.call("/game", "echo", 1) == [1]
    assert bus.waited == [[None, "hall"], ["hall"]]
    assert bus.open["/game", "hall"] == 1


@pytest.mark.parametrize("how", ["leaves", "ends", "is late"])
def test_a_client_that_is_not_admitted_is_heard_for_no_longer(
    serve: Serve, how: str
) -> None:
    live = serve({"/chat": Chat}, connect_timeout=0.2 if how == "is late" else 60)
    bus = clustered(live)
    client = live.client("4-websocket")
    client.send(client.dialect.connect("/chat"))
    wait_for(lambda: bus.waited, "it waits for the rooms")
    if how == "leaves":
        [candidate] = live.socket(client).admission.asking.values()
        namespace: Any = candidate.namespace
        namespace.disconnect()
        bus.heard.set()
    elif how == "ends":
        live.socket(client).kill()
        bus.heard.set()
    wait_for(lambda: not bus.open, "nothing is heard any more")
    assert live.server.rooms.statistics() == (0, 0)


def test_a_join_returns_when_the_room_is_heard(serve: Serve) -> None:
    live = serve({"/chat": Chat})
    bus = clustered(live)
    bus.heard.set()
    client, other = live.client("4-websocket"), live.client("4-websocket")
    for each in (client, other):
        each.join("/chat")
        assert each.event("/chat") == ["welcome"]
    for event, rooms in (("enter", ["hall"]), ("name", ["bar", "inn"])):
        bus.heard.clear()
        bus.waited.clear()
        client.emit("/chat", event, *rooms, number=1)
        wait_for(lambda: bus.waited, "it waits for the room")
        assert [sorted(each) for each in bus.waited] == [rooms]  # type: ignore[type-var]
        # What this process sends does not wait, and others go on.
        live.server.rooms.broadcast(event_packet("/chat", "here", []), rooms[0])
        assert client.event("/chat") == ["here"]
        assert other.call("/chat", "echo", 1) == [1]
        bus.heard.set()
        assert client.read()["type"] == "ack"
