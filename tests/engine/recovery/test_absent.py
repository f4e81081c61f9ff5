"""Who changes the rooms of clients, or disconnects them, when they have gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.engine.namespaces.targets import Target
from tgext.socketio.wire.socketio.reasons import TRANSPORT_CLOSE

from ..clients import DEADLINE, wait_for
from ..conftest import Live
from . import servers
from .servers import Server


class Club(RoomsMixin, servers.Chat):
    #: Awaited by `recv_connect` of those that are back, and by `recv_disconnect`.
    coming: ClassVar[Event]
    leaving: ClassVar[Event]
    #: Whether they wait for these.
    comes: ClassVar[Event]
    leaves: ClassVar[Event]
    changed: ClassVar[Event]

    def recv_connect(self) -> None:
        if self.recovered:
            self.comes.set()
            assert self.coming.wait(DEADLINE)
        super().recv_connect()

    def recv_disconnect(self) -> None:
        self.leaves.set()
        assert self.leaving.wait(DEADLINE)
        self.disconnect(silent=True)

    def on_change(self) -> None:
        self.leaves.set()
        assert self.leaving.wait(DEADLINE)
        self.leave("secret")
        self.join("another")
        self.changed.set()

    def on_enter(self, room: str) -> list[str]:
        self.join(room)
        return sorted(str(each) for each in self.rooms)


class Renaming(Club):
    def _get_room_name(self, room: Any) -> str:
        return f"the {room}"


class Party:
    """Ann, who is in the room ``secret``, and another client, which commands."""

    def __init__(self, serve: Callable[..., Live], kind: type[Club]) -> None:
        kind.coming, kind.leaving = Event(), Event()
        kind.comes, kind.leaves, kind.changed = Event(), Event(), Event()
        kind.coming.set()
        kind.leaving.set()
        self.kind = kind
        self.server = Server(serve, chat=kind)
        self.server.user = "ann"
        self.ann, self.pid = self.server.connect()
        self.offset = self.ann.event("/chat")[-1]
        self.ann.call("/chat", "enter", "secret")
        self.server.user = None
        other, _ = self.server.connect()
        self.server.user = "ann"
        self.other = self.server.live.socket(other)["/chat"]
        self.sid = next(
            each.sid for each in self.server.journal.sessions if each.pid == self.pid
        )

    def name(self, room: str) -> str:
        return room if self.kind is Club else f"the {room}"

    def lose(self) -> None:
        self.server.live.socket(self.ann).kill(reason=TRANSPORT_CLOSE)

    def target(self, name: str) -> Target:
        targets = {
            "socket": lambda: self.other.socket_by_id(self.sid),
            "room": lambda: self.other.room("secret"),
            "user": lambda: self.other.user("ann"),
        }
        return targets[name]()

    def back(self) -> tuple[bool, list[str]]:
        """Whether she is recovered, and in which rooms she is."""
        client, pid = self.server.connect(self.pid, self.offset)
        while client.event("/chat")[0] != "welcome":
            pass
        return pid == self.pid, client.call("/chat", "enter", "new")[0]


@pytest.fixture(params=[Club, Renaming])
def party(request: pytest.FixtureRequest, serve: Callable[..., Live]) -> Party:
    return Party(serve, request.param)


TARGETS = pytest.mark.parametrize("target", ["socket", "room", "user"])


@TARGETS
def test_who_is_disconnected_while_away_is_a_new_client(
    party: Party, target: str
) -> None:
    party.lose()
    party.target(target).disconnect()
    assert party.back() == (False, [party.name("new")])


@TARGETS
def test_who_is_taken_out_of_a_room_while_away(party: Party, target: str) -> None:
    party.lose()
    party.target(target).leave("secret")
    party.other.room("secret").emit("plan")
    client, pid = party.server.connect(party.pid, party.offset)
    assert client.event("/chat")[0] == "welcome"  # and no plan
    assert client.call("/chat", "enter", "new")[0] == [party.name("new")]
    if party.kind is Club:
        assert pid == party.pid


@pytest.mark.parametrize("command", ["leave", "disconnect"])
def test_others_keep_what_they_had(party: Party, command: str) -> None:
    party.lose()
    target = party.other.room("another")
    target.leave("secret") if command == "leave" else target.disconnect()
    recovered, rooms = party.back()
    assert recovered
    assert len(rooms) == 2


@TARGETS
@pytest.mark.parametrize("command", ["leave", "disconnect"])
def test_who_is_on_the_way_back(party: Party, target: str, command: str) -> None:
    party.lose()
    party.kind.coming.clear()
    client: Any = party.server.live.websocket_5()
    auth = json.dumps({"pid": party.pid, "offset": party.offset})
    client.send(f"40/chat,{auth}")
    assert party.kind.comes.wait(DEADLINE)
    found = party.target(target)
    found.leave("secret") if command == "leave" else found.disconnect()
    party.kind.coming.set()
    sockets = party.server.live.server.sockets
    wait_for(lambda: client.sid not in sockets, "its connection ends")
    assert party.back() == (False, [party.name("new")])


def test_whose_connection_ends_while_it_is_disconnected(party: Party) -> None:
    party.kind.leaving.clear()
    party.target("socket").disconnect()
    assert party.kind.leaves.wait(DEADLINE)
    client, pid = party.server.connect(party.pid, party.offset)
    assert pid != party.pid
    assert client.event("/chat")[:2] == ["welcome", False]
    party.kind.leaving.set()


def test_a_connection_that_has_ended_changes_no_rooms(party: Party) -> None:
    """Its handlers may run still when the client has recovered."""
    party.kind.leaving.clear()
    party.ann.emit("/chat", "change")
    assert party.kind.leaves.wait(DEADLINE)
    (session,) = [x for x in party.server.journal.sessions if x.pid == party.pid]
    gevent.spawn(party.lose)
    wait_for(lambda: session.connection is None, "the end is noticed")
    assert party.back() == (True, [party.name("new"), party.name("secret")])
    party.kind.leaving.set()
    assert party.kind.changed.wait(DEADLINE)
    assert party.back() == (True, [party.name("new"), party.name("secret")])
