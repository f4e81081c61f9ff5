"""Clients know who is there from the state and the differences that they get."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.wire.strategies import machine_settings
from tgext.socketio.messaging.presence import announcer as module
from tgext.socketio.messaging.presence.announcer import AT_ONCE, MOST, Announcer
from tgext.socketio.messaging.presence.members import Entry, Members, Topic

from .receivers import NotedRooms, Watcher

LOBBY: Topic = ("/chat", "lobby")


class Scene:
    def __init__(self) -> None:
        self.rooms = NotedRooms()
        self.members = Members()
        self.announcer = Announcer(self.rooms, self.members)

    def join(self, watcher: Any) -> None:
        self.rooms.join(*LOBBY, watcher)
        self.announcer.came(LOBBY)

    def leave(self, watcher: Any) -> None:
        self.rooms.leave(*LOBBY, watcher)
        self.announcer.left(LOBBY, watcher)

    def add(self, user: str, **info: Any) -> Entry:
        entry = Entry(LOBBY, user, info)
        self.members.add(entry)
        return entry

    def now(self) -> dict[str, Any]:
        users = self.members.users(LOBBY)
        return {user: self.members.of(LOBBY, user) for user in users}


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_state_comes_first_and_then_differences(scene: Scene) -> None:
    first, second = Watcher(), Watcher()
    scene.join(first)
    assert not scene.announcer.pending
    entry = scene.add("ann", tab=1)
    assert scene.announcer.pending
    scene.announcer.announce()
    scene.join(second)
    scene.announcer.announce()
    state = ("presence_state", {"ann": [{"tab": 1}]}, "lobby")
    assert first.heard == second.heard == [state]
    scene.members.remove(entry)
    scene.announcer.announce()
    leaves = {"joins": {}, "leaves": {"ann": [{"tab": 1}]}}
    assert first.heard == second.heard == [state, ("presence_diff", leaves, "lobby")]
    assert not scene.announcer.pending


def test_who_left_hears_no_more_and_gets_the_state_on_return(scene: Scene) -> None:
    watcher = Watcher()
    scene.join(watcher)
    scene.add("ann")
    scene.announcer.announce()
    scene.leave(watcher)
    assert scene.announcer.statistics() == 0
    scene.add("bob")
    scene.announcer.announce()
    assert len(watcher.heard) == 1
    watcher.known.clear()
    scene.join(watcher)
    scene.announcer.announce()
    assert watcher.known["lobby"].keys() == {"ann", "bob"}


def test_who_is_present_hears_without_being_in_the_room(scene: Scene) -> None:
    watcher: Any = Watcher()
    scene.add("ann")
    scene.announcer.add(LOBBY, watcher)
    scene.announcer.announce()
    assert watcher.known["lobby"] == scene.now()
    scene.announcer.left(LOBBY, watcher)
    scene.add("bob")
    scene.announcer.announce()
    assert watcher.known["lobby"] == scene.now()
    scene.announcer.discard(LOBBY, watcher)
    assert scene.announcer.statistics() == 0


def test_many_members_are_told_in_parts(scene: Scene) -> None:
    watcher, late = Watcher(), Watcher()
    scene.add("first")
    scene.join(watcher)
    scene.announcer.announce()
    for number in range(2 * MOST):
        scene.add(str(number))
    scene.announcer.announce()
    scene.join(late)
    scene.announcer.announce()
    assert late.known["lobby"] == watcher.known["lobby"] == scene.now()
    for each in (watcher, late):
        for _, event, _ in each.heard:
            assert len(event.get("joins", event)) <= MOST


def test_many_receivers_get_it_in_turns(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that leave meanwhile are sent nothing more."""
    watchers = [Watcher() for _ in range(2 * AT_ONCE)]
    for each in watchers:
        scene.join(each)

    def leave() -> None:
        scene.leave(watchers[-1])

    monkeypatch.setattr(module, "take_turn", leave)
    scene.add("ann")
    scene.announcer.announce()
    assert watchers[-1].heard == []
    assert all(each.known["lobby"] == {"ann": [{}]} for each in watchers[:-1])


def test_changes_that_nobody_hears_are_not_kept(scene: Scene) -> None:
    scene.add("ann")
    scene.announcer.announce()
    assert scene.rooms.packets == 0
    assert not scene.announcer.pending


def test_a_topic_that_fails_does_not_stop_the_others(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Watcher):
        def hear(self, name: str, event: Any, room: Any) -> None:
            raise RuntimeError("broken")

    hall: Topic = ("/chat", "hall")
    broken, watcher = Broken(), Watcher()
    scene.rooms.join(*hall, broken)  # type: ignore[arg-type]
    scene.members.add(Entry(hall, "ann", {}))
    scene.join(watcher)
    scene.add("ann")
    scene.announcer.announce()
    assert watcher.known["lobby"] == {"ann": [{}]}
    assert "Presence in ('/chat', 'hall') was not told" in caplog.text


class Audience(RuleBasedStateMachine):
    """Watchers come and go while the members change; all know the same in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.entries: list[Entry] = []
        self.there: list[Watcher] = []

    @rule(user=st.sampled_from("abc"), tab=st.integers(0, 1))
    def add(self, user: str, tab: int) -> None:
        self.entries.append(self.scene.add(user, tab=tab))

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.entries:
            index = data.draw(st.integers(0, len(self.entries) - 1))
            self.scene.members.remove(self.entries.pop(index))

    @rule()
    def come(self) -> None:
        self.there.append(Watcher())
        self.scene.join(self.there[-1])

    @rule()
    def go(self) -> None:
        if self.there:
            self.scene.leave(self.there.pop(0))

    @rule()
    def announce(self) -> None:
        self.scene.announcer.announce()
        now = self.scene.now()
        for each in self.there:
            assert each.known.get("lobby", {}) == now

    @rule(data=st.data())
    def change_while_it_is_told(self, data: st.DataObject) -> None:
        """Other greenlets run while the state is sent."""

        def change() -> None:
            self.add("a", data.draw(st.integers(0, 1)))
            self.remove(data)
            self.come()

        original = self.scene.rooms.deliver_to

        def deliver_to(sockets: Any, packet: Any) -> None:
            original(sockets, packet)
            change()

        self.scene.rooms.deliver_to = deliver_to  # type: ignore[method-assign]
        self.scene.announcer.announce()
        self.scene.rooms.deliver_to = original  # type: ignore[method-assign]

    def teardown(self) -> None:
        while self.scene.announcer.pending:
            self.scene.announcer.announce()
        self.announce()
        for each in self.there:
            self.scene.leave(each)
        assert self.scene.announcer.statistics() == 0


TestAudience = Audience.TestCase
TestAudience.settings = machine_settings(40, 25)


def test_telling_does_not_block_others(scene: Scene) -> None:
    """Other greenlets run while many are told."""
    for _ in range(3 * AT_ONCE):
        scene.join(Watcher())
    scene.add("ann")
    ran: list[int] = []
    other = gevent.spawn(lambda: ran.append(scene.rooms.packets))
    scene.announcer.announce()
    other.join()
    assert ran[0] < scene.rooms.packets
