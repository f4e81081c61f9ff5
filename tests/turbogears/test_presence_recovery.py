"""Clients that recover are present where they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio.namespace import ConnectionRefused

from .test_presence import Chat, Guest, Place, application


class Recovering(Chat):
    recovery = True
    presence_linger = 10.0

    #: What `recv_connect` does with a client that is back.
    back: Callable[[Any], object] = staticmethod(lambda self: None)

    def recv_connect(self) -> None:
        if self.recovered:
            type(self).back(self)

    def on_leave_for_good(self) -> None:
        self.disconnect()


class Greeting(Recovering):
    """Everybody is present from the beginning, as if each connection were new."""

    def recv_connect(self) -> None:
        super().recv_connect()
        self.track(status="new")


class Visitor(Guest):
    """A client that knows its pid, and what it has heard of presence."""

    def __init__(self, live: Live, user: str = "", pid: str = "") -> None:
        self.live, self.user = live, user
        self.client: Any = live.websocket_5(query=f"user={user}" if user else "")
        self._events = []
        self.seen: list[str] = []
        auth = json.dumps({"pid": pid}) if pid else ""
        self.client.send(f"40/chat,{auth}")
        answer = self.client.read()
        assert answer["type"] == "connect", answer
        self.pid, self.sid = answer["data"]["pid"], answer["data"]["sid"]
        self.recovered = self.pid == pid

    def cut(self) -> Visitor:
        sid = self.client.sid
        self.client.websocket.close()
        wait_for(lambda: sid not in self.live.server.sockets, "the end is noticed")
        return self

    def back(self) -> Visitor:
        back = Visitor(self.live, self.user, self.pid)
        assert back.recovered
        return back


Start = Callable[..., Place]


@pytest.fixture
def start(serve: Callable[..., Live]) -> Start:
    def make(namespace: type[Recovering] = Recovering, **options: Any) -> Place:
        live = serve(
            application=application(chat=namespace), resource="socketio", **options
        )
        return Place(live)

    return make


def visit(place: Place, user: str = "") -> Visitor:
    return Visitor(place.live, user)


@pytest.mark.parametrize("user", ["ann", ""])
def test_it_is_present_where_it_was_and_nobody_sees_it_go(
    start: Start, user: str
) -> None:
    """Anonymous clients, too: they come back with their id."""
    place = start()
    ann, bob = visit(place, user), visit(place, "bob")
    ann.ask("enter", "lobby")
    for room in (None, "lobby", 7):
        bob.ask("track", room, {"of": "bob"})
        ann.ask("track", room, {"of": "ann", "at": room})
    name = user or ann.sid
    expected = {
        room: {"bob": [{"of": "bob"}], name: [{"of": "ann", "at": room}]}
        for room in (None, "lobby", 7)
    }
    wait_for(lambda: bob.who() == expected[None], "both are there")
    told(bob)
    back = ann.cut().back()
    for room, members in expected.items():
        assert bob.who(room) == back.who(room) == members
    socket = place.live.socket(back.client)
    assert place.presence.rooms_of("/chat", socket) == {None, "lobby", 7}
    assert told(bob) == []


def told(bob: Visitor) -> list[set[str]]:
    """Whom differences have told about by now."""
    bob.ask("track", "now", {"times": len(bob.seen)})
    now = {"bob": [{"times": len(bob.seen)}]}
    found = []
    while True:
        name, event, room, *_ = bob.event()
        bob.seen.append(name)
        if room == "now" and now in (event, event.get("joins")):
            return found
        if name == "presence_diff" and room != "now":
            found.append({*event["joins"], *event["leaves"]})


def test_what_the_application_tracks_again_takes_its_place(start: Start) -> None:
    place = start(Greeting)
    ann = visit(place, "ann")
    ann.ask("track", None, {"status": "busy"})
    ann.ask("track", "lobby", {"status": "quiet"})
    back = ann.cut().back()
    assert back.who() == {"ann": [{"status": "new"}]}
    assert back.who("lobby") == {"ann": [{"status": "quiet"}]}
    again = back.cut().back()
    assert again.who("lobby") == {"ann": [{"status": "quiet"}]}


@pytest.mark.parametrize("where", ["on the way in", "while it is away"])
def test_it_is_not_present_in_a_room_that_it_has_left(
    start: Start, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    place = start()
    ann = visit(place)
    ann.ask("enter", "lobby")
    for room in ("lobby", "hall"):
        ann.ask("track", room, {})
    ann.cut()
    if where == "on the way in":
        monkeypatch.setattr(Recovering, "back", lambda self: self.leave("lobby"))
    else:
        [rooms] = [each for each in place.live.server.hub.all_rooms if each.journals]
        rooms.journals["/chat"].take_out(None, "lobby")
    back = ann.back()
    wait_for(lambda: place.presence.statistics()[1] == 1, "it is present")
    rooms_of = place.presence.rooms_of
    socket = place.live.socket(back.client)
    assert rooms_of("/chat", socket) == {"hall"}


def test_an_anonymous_client_that_leaves_is_gone_at_once(start: Start) -> None:
    place = start()
    ann, bob = visit(place), visit(place, "bob")
    for each in (ann, bob):
        each.ask("track", None, {})
    ann.client.emit("/chat", "leave_for_good")
    wait_for(lambda: list(bob.who()) == ["bob"], "it is gone")


def test_who_is_refused_is_not_present(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any) -> None:
        raise ConnectionRefused("not you")

    place = start()
    ann = visit(place, "ann")
    ann.ask("track", None, {})
    ann.cut()
    monkeypatch.setattr(Recovering, "back", refuse)
    client: Any = place.live.websocket_5(query="user=ann")
    client.send("40/chat," + json.dumps({"pid": ann.pid}))
    assert client.read()["type"] == "refused"
    assert place.presence.statistics()[1] == 0
