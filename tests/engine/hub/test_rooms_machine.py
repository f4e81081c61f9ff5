"""Rooms, compared with a model of their members and the order in which they joined.

Sockets join, leave and end. Packets go to all members of a room, to all except one, or
to an empty room; to the sockets of a user, or to the one with an id.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.hub.roomkeys import SocketRoom, UserRoom
from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.wire.socketio.encoded import Encoded
from tgext.socketio.wire.socketio.generations import (
    SOCKETIO_1,
    SOCKETIO_4,
    SOCKETIO_5,
    Generation,
)
from tgext.socketio.wire.socketio.packet import Packet, event_packet

ENDPOINTS = ["", "/chat"]
ROOMS = ["lobby", "1", 1]

endpoints = st.sampled_from(ENDPOINTS)
rooms = st.sampled_from(ROOMS)
places = st.one_of(st.none(), rooms)
users = st.sampled_from(["lobby", "anna"])
#: Where packets may go: also to users and ids, which nobody joins.
targets = st.one_of(
    places,
    st.builds(UserRoom, users),
    st.builds("{}{}".format, st.sampled_from(ENDPOINTS), st.integers(0, 5)).map(
        SocketRoom
    ),
)


class Member:
    """A socket that records what is sent to it, and may have no outbox."""

    def __init__(
        self, generation: Generation, held: bool, user: str | None, number: int
    ) -> None:
        self.user = self._tgsio_user = user
        self.number = number
        self.generation = generation
        self.json_dumps = json.dumps
        self.outbox = None if held else self
        self.ended = False
        self.heard: list[Encoded] = []
        self.written = 0

    def _tgsio_id_in(self, endpoint: str) -> str:
        return f"{endpoint}{self.number}"

    def encode(self, packet: Packet) -> Encoded:
        self.written += 1
        return self.generation.encode(packet, self.json_dumps)

    def send(self, encoded: Encoded) -> None:
        assert self.outbox is self
        self.heard.append(encoded)

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None:
        assert self.outbox is None
        self.heard.append(encoded)


class Elsewhere:
    """The other processes."""

    def __init__(self) -> None:
        self.published: list[tuple[str, object]] = []
        self.heard: list[tuple[str, Any]] = []

    def publish(self, packet: Packet, room: Any) -> None:
        self.published.append((packet["endpoint"], room))

    def listen(self, endpoint: str, room: Any) -> None:
        self.heard.append((endpoint, room))

    def unlisten(self, endpoint: str, room: Any) -> None:
        self.heard.remove((endpoint, room))

    def wait(self, endpoint: str, rooms: Any) -> None:
        assert all((endpoint, each) in self.heard for each in rooms)

    def close(self) -> None:
        pass


class Crowd(RuleBasedStateMachine):
    """Everything that happens to the rooms of one process."""

    members = Bundle("members")

    def __init__(self) -> None:
        super().__init__()
        self.batcher = Batcher()
        self.rooms: Rooms = Rooms(self.batcher)
        self.bus = self.rooms.bus = Elsewhere()
        #: The members of each room, in the order in which they joined.
        self.model: dict[tuple[str, Any], list[Member]] = {}
        self.everyone: list[Member] = []
        self.published: list[tuple[str, object]] = []

    @rule(
        target=members,
        generation=st.sampled_from([SOCKETIO_1, SOCKETIO_4, SOCKETIO_5]),
        held=st.booleans(),
        user=st.none() | users,
    )
    def come(self, generation: Generation, held: bool, user: str | None) -> Member:
        member = Member(generation, held, user, len(self.everyone))
        self.everyone.append(member)
        return member

    @rule(member=members, endpoint=endpoints, room=places)
    def join(self, member: Member, endpoint: str, room: Any) -> None:
        self.rooms.join(endpoint, room, member)
        here = self.model.setdefault((endpoint, room), [])
        if not member.ended and member not in here:
            here.append(member)

    @rule(member=members, endpoint=endpoints, room=places)
    def leave(self, member: Member, endpoint: str, room: Any) -> None:
        self.rooms.leave(endpoint, room, member)
        self._forget(member, [(endpoint, room)])

    @rule(member=members, endpoint=endpoints)
    def leave_namespace(self, member: Member, endpoint: str) -> None:
        self.rooms.leave_all(endpoint, member)
        self._forget(member, [(endpoint, room) for room in (None, *ROOMS)])

    @rule(member=members)
    def end(self, member: Member) -> None:
        """End a member as a socket ends: it leaves all rooms, and joins no others."""
        member.ended = True
        for endpoint in ENDPOINTS:
            self.leave_namespace(member, endpoint)

    def _forget(self, member: Member, keys: list[tuple[str, Any]]) -> None:
        for key in keys:
            if member in self.model.get(key, ()):
                self.model[key].remove(member)

    def _here(self, endpoint: str, room: Any) -> list[Member]:
        inside = self.model.get((endpoint, None), [])
        if isinstance(room, UserRoom):
            return [each for each in inside if room == UserRoom(each.user or "")]
        if isinstance(room, SocketRoom):
            ids = {SocketRoom(f"{endpoint}{each.number}"): each for each in inside}
            return [ids[room]] if room in ids else []
        return self.model.get((endpoint, room), [])

    @rule(endpoint=endpoints, room=targets, skip=st.one_of(st.none(), members))
    def broadcast(self, endpoint: str, room: Any, skip: Member | None) -> None:
        self._send(endpoint, room, skip)
        self.published.append((endpoint, room))

    @rule(
        endpoint=endpoints,
        rooms=st.lists(targets, max_size=3),
        without=st.lists(targets, max_size=2),
        skip=st.lists(members, max_size=2),
        here=st.booleans(),
    )
    def broadcast_to_some(
        self,
        endpoint: str,
        rooms: list[Any],
        without: list[Any],
        skip: list[Member],
        here: bool,
    ) -> None:
        selection = Selection(tuple(rooms), tuple(without), tuple(skip))
        send = self.rooms.broadcast_here if here else self.rooms.broadcast
        send(event_packet(endpoint, "news", [1]), selection)
        if not here:
            self.published.append((endpoint, selection))
        inside = [one for each in rooms for one in self._here(endpoint, each)]
        outside = [one for each in without for one in self._here(endpoint, each)]
        receivers = [one for one in inside if one not in (*outside, *skip)]
        for each in self.everyone:
            heard, each.heard, each.written = each.heard, [], 0
            assert len(heard) == (each in receivers)

    @rule(endpoint=endpoints, room=targets)
    def hear_from_another_process(self, endpoint: str, room: Any) -> None:
        self._send(endpoint, room, None, elsewhere=False)

    def _send(
        self, endpoint: str, room: Any, skip: Member | None, elsewhere: bool = True
    ) -> None:
        send = self.rooms.broadcast if elsewhere else self.rooms.deliver
        send(event_packet(endpoint, "news", [1]), room, skip)
        here = self._here(endpoint, room)
        receivers = [each for each in here if each is not skip]
        frames: dict[str, Encoded] = {}
        for each in self.everyone:
            heard, each.heard = each.heard, []
            assert len(heard) == (each in receivers)
            for encoded in heard:
                # One object for all of a generation: it was encoded once.
                assert frames.setdefault(each.generation.name, encoded) is encoded
        assert sum(each.written for each in self.everyone) == len(frames)
        for each in self.everyone:
            each.written = 0

    @rule(endpoint=endpoints, room=targets)
    def send_bytes(self, endpoint: str, room: Any) -> None:
        """Bytes cannot be sent to 0.9 clients; all other clients get them."""
        here = self._here(endpoint, room)
        old = [each for each in here if each.generation is SOCKETIO_1]
        packet = event_packet(endpoint, "news", [b"1"])
        if old:
            with pytest.raises(TypeError, match="bytes"):
                self.rooms.broadcast(packet, room)
        else:
            self.rooms.broadcast(packet, room)
        self.published.append((endpoint, room))
        for each in self.everyone:
            heard, each.heard, each.written = each.heard, [], 0
            assert len(heard) == (each in here and each not in old)

    @invariant()
    def has_the_members_of_the_model(self) -> None:
        occupied = {key: here for key, here in self.model.items() if here}
        sets = {(member, key[0]) for key, here in occupied.items() for member in here}
        assert self.rooms.statistics() == (len(occupied), len(sets))
        for endpoint in ENDPOINTS:
            for room in (None, *ROOMS):
                here = self.model.get((endpoint, room), [])
                assert self.rooms.members(endpoint, room) == here

    @invariant()
    def knows_the_rooms_of_each(self) -> None:
        for member in self.everyone:
            number = 0
            for endpoint in ENDPOINTS:
                keys = [key for key in self.model if key[0] == endpoint]
                mine = {key[1] for key in keys if member in self.model[key]}
                assert self.rooms.rooms_of(endpoint, member) == mine
                number += len(mine - {None})
            assert self.rooms.number(ENDPOINTS, member) == number

    @invariant()
    def other_processes_get_each_broadcast_once(self) -> None:
        assert self.bus.published == self.published

    @invariant()
    def what_has_members_is_heard(self) -> None:
        occupied = {key for key, here in self.model.items() if here}
        assert len(self.bus.heard) == len(occupied)
        assert set(self.bus.heard) == occupied

    @invariant()
    def output_is_held_back_only_while_it_is_sent(self) -> None:
        assert self.batcher.holders == 0


TestCrowd = Crowd.TestCase
TestCrowd.settings = machine_settings(100, 50)
