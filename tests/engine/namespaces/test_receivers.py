"""Who gets a broadcast: several rooms at once, exceptions, and this process alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.engine.namespace import BaseNamespace

from ..conftest import Live, Serve
from ..hub.test_roomkeys import NO_ROOMS
from ..hub.test_rooms import Notes
from ..sample_namespaces import Chat

#: The rooms of each client. The first one sends.
PLACES: dict[str, list[Any]] = {
    "ann": ["lobby"],
    "ben": ["lobby"],
    "cid": ["lobby", 1],
    "dan": [1],
    "eve": [],
}


class Greeting(Chat):
    """Sends while its client is not admitted yet."""

    def recv_connect(self) -> None:
        self.join("hall")
        self.broadcast_event("all")
        self.broadcast_event("all without hall", except_="hall")
        self.broadcast_event("all without me", except_=self)
        self.broadcast_event("all without lobby", except_=["lobby"])


class Party:
    """The clients, by name, and the namespace objects of the server."""

    def __init__(self, live: Live) -> None:
        self.bus = Notes()
        self.clients = {each: live.client("4-websocket") for each in PLACES}
        for name, client in self.clients.items():
            client.join("/chat")
            for room in PLACES[name]:
                client.call("/chat", "join", room)
        live.server.rooms.bus = self.bus
        self.sockets = {
            name: live.socket(client) for name, client in self.clients.items()
        }
        self.namespaces: dict[str, Any] = {
            name: each.active_ns["/chat"] for name, each in self.sockets.items()
        }

    def __call__(self, given: Any) -> Any:
        """An exception of a table: sockets and namespace objects have their names."""
        if isinstance(given, list):
            return [self(each) for each in given]
        if isinstance(given, str) and given.startswith("socket of "):
            return self.sockets[given.removeprefix("socket of ")]
        return self.namespaces.get(given, given)

    def heard(self, event: str) -> str:
        """Who heard an event once, by first letters; nobody hears it twice."""
        found = ""
        for name, client in self.clients.items():
            client.emit("/chat", "echo", number=7)
            packets = []
            while (packet := client.read())["type"] == "event":
                packets.append(packet["name"])
            assert packets in ([], [event])
            found += name[0] * len(packets)
        return found


@pytest.fixture
def party(serve: Serve) -> Iterator[Party]:
    live = serve({"/chat": Chat})
    yield Party(live)
    live.server.rooms.bus = None


@pytest.mark.parametrize(
    ("rooms", "except_", "heard", "without"),
    [
        (None, None, "abcde", None),
        (None, "lobby", "de", ["lobby"]),
        (None, ["lobby", 1], "e", ["lobby", 1]),
        (None, 1, "abe", [1]),
        (None, "1", "abcde", ["1"]),
        (None, "nowhere", "abcde", ["nowhere"]),
        (None, "ben", "acde", []),
        (None, "socket of ben", "acde", []),
        (None, ["ann", "socket of eve", 1], "b", [1]),
        (None, [], "abcde", []),
        ("lobby", None, "abc", None),
        ("lobby", 1, "ab", [1]),
        ("lobby", "lobby", "", ["lobby"]),
        (["lobby", 1], None, "abcd", []),
        (["lobby", 1, "lobby"], ["cid"], "abd", []),
        ({"lobby", 1}, "lobby", "d", ["lobby"]),
        ([1], None, "cd", []),
        ([], None, "", []),
    ],
)
@pytest.mark.parametrize("suffix", ["", "_on_commit"])
def test_the_rooms_that_are_named_get_it_once_without_the_exceptions(
    party: Party, suffix: str, rooms: Any, except_: Any, heard: str, without: Any
) -> None:
    ann, exceptions = party.namespaces["ann"], party(except_)
    others = heard.replace("a", "")
    calls = (
        [("broadcast_event", (), heard), ("broadcast_event_not_me", (), others)]
        if rooms is None
        else [("emit_to_room", (rooms,), others)]
    )
    for method, given, expected in calls:
        getattr(ann, method + suffix)(*given, "news", except_=exceptions)
        assert party.heard("news") == expected
        # The others are told the rooms, and cannot have these sockets.
        [(_, told, *_)] = party.bus.published
        if without is None:
            assert told == rooms
        else:
            assert set(told.without) == set(without)
            single = not isinstance(rooms, (list, set))
            assert set(told.rooms) == ({rooms} if single else set(rooms))
        party.bus.published.clear()
        getattr(ann, method + suffix)(*given, "news", except_=exceptions, local=True)
        assert party.heard("news") == expected
        assert party.bus.published == []


@pytest.mark.parametrize("wrong", NO_ROOMS[1:], ids=repr)
def test_what_is_no_room_is_an_error_at_the_call(party: Party, wrong: Any) -> None:
    ann = party.namespaces["ann"]
    for given in (wrong, [wrong], ["lobby", wrong], {"lobby", wrong}):
        for suffix in ("", "_on_commit"):
            for method, room in (
                ("broadcast_event", ()),
                ("broadcast_event_not_me", ()),
                ("emit_to_room", ("lobby",)),
            ):
                with pytest.raises(TypeError, match="a room is a str or an int"):
                    getattr(ann, method + suffix)(*room, "news", except_=given)
            with pytest.raises(TypeError, match="a room is a str or an int"):
                getattr(ann, f"emit_to_room{suffix}")(given, "news")
    assert party.heard("news") == ""
    assert party.bus.published == []


def test_a_tuple_is_told_what_several_rooms_are(party: Party) -> None:
    with pytest.raises(TypeError, match="several are a list or a set"):
        party.namespaces["ann"].emit_to_room(("lobby", "hall"), "news")


def test_who_is_not_admitted_yet_may_be_excepted(serve: Serve) -> None:
    live = serve({"/chat": Greeting})
    client = live.client("4-websocket")
    client.join("/chat")
    assert client.event("/chat") == ["all"]
    assert client.event("/chat") == ["all without lobby"]
    assert client.call("/chat", "echo", 1) == [1]


class Crier(BroadcastMixin, BaseNamespace):
    """Has no rooms of its own."""

    def on_cry(self) -> None:
        self.broadcast_event("cried", except_="lobby")


def test_a_namespace_without_rooms_may_except_one(serve: Serve) -> None:
    live = serve({"/chat": Crier})
    client = live.client("4-websocket")
    client.join("/chat")
    bus = live.server.rooms.bus = Notes()
    client.emit("/chat", "cry")
    assert client.event("/chat") == ["cried"]
    assert bus.published == [("/chat", Selection((None,), ("lobby",)), "cried", [])]
    live.server.rooms.bus = None
