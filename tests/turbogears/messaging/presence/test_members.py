"""Members of topics: one user with several entries, and what changed."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.wire.strategies import machine_settings
from tgext.socketio.messaging.presence.members import Entry, Members, Topic

LOBBY: Topic = ("/chat", "lobby")


def entry(user: str, tab: int, until: float = 0.0) -> Entry:
    return Entry(LOBBY, user, {"tab": tab}, until, until)


@pytest.fixture
def members() -> Members:
    return Members()


def changes(members: Members, most: int = 100) -> tuple[Any, Any]:
    difference = members.take(LOBBY, most)
    return difference.joins, difference.leaves


def test_a_user_with_three_tabs_is_one_member(members: Members) -> None:
    tabs = [entry("ann", number) for number in range(3)]
    for each in tabs:
        members.add(each)
    assert members.users(LOBBY) == ["ann"]
    three = [{"tab": 0}, {"tab": 1}, {"tab": 2}]
    assert members.of(LOBBY, "ann") == three
    assert changes(members) == ({"ann": three}, {})
    members.remove(tabs[1])
    assert changes(members) == ({"ann": [{"tab": 0}, {"tab": 2}]}, {})
    members.remove(tabs[0])
    members.remove(tabs[2])
    assert changes(members) == ({}, {"ann": [{"tab": 0}, {"tab": 2}]})
    assert LOBBY not in members
    assert members.changed == []


def test_an_entry_that_waits_counts_only_while_there_is_no_other(
    members: Members,
) -> None:
    first, second = entry("ann", 1, until=10.0), entry("ann", 2, until=11.0)
    members.add(first)
    members.add(second)
    assert members.of(LOBBY, "ann") == [{"tab": 2}]
    there = entry("ann", 3)
    members.add(there)
    assert members.of(LOBBY, "ann") == [{"tab": 3}]
    members.remove(there)
    assert members.of(LOBBY, "ann") == [{"tab": 2}]


def test_all_processes_show_the_same_entry_of_those_that_wait() -> None:
    """Their times differ a little, and they learned of the entries in any order."""
    ends = [(10.0, 3.0), (10.2, 2.0), (10.1, 3.0)]
    waiting = [
        Entry(LOBBY, "ann", {"tab": tab}, until, ended)
        for tab, (until, ended) in enumerate(ends)
    ]
    for entries in permutations(waiting):
        members = Members()
        for each in entries:
            members.add(each)
        assert members.of(LOBBY, "ann") == [{"tab": 2}]


def test_who_comes_and_goes_at_once_is_not_told(members: Members) -> None:
    one = entry("ann", 1)
    members.add(one)
    members.remove(one)
    assert changes(members) == ({}, {})


def test_a_reload_that_changes_nothing_is_not_told(members: Members) -> None:
    one = entry("ann", 1)
    members.add(one)
    changes(members)
    members.remove(one)
    members.add(entry("ann", 1))
    assert changes(members) == ({}, {})
    assert members.changed == []


def test_changes_are_taken_in_parts(members: Members) -> None:
    for number in range(5):
        members.add(entry(str(number), number))
    parts = []
    while members.changed:
        joins, leaves = changes(members, most=2)
        assert leaves == {}
        parts.append(joins)
    assert [len(each) for each in parts] == [2, 2, 1]
    assert set().union(*parts) == {"0", "1", "2", "3", "4"}


def test_changes_that_nobody_hears_are_forgotten(members: Members) -> None:
    members.add(entry("ann", 1))
    members.forget_changes([LOBBY])
    assert members.changed == []
    assert changes(members) == ({}, {})


class Told(RuleBasedStateMachine):
    """A client that applies each difference knows the members."""

    def __init__(self) -> None:
        super().__init__()
        self.members = Members()
        self.entries: list[Entry] = []
        self.told: dict[str, Any] = {}

    @rule(
        user=st.sampled_from("abc"),
        tab=st.integers(0, 3),
        until=st.sampled_from([0.0, 0.0, 5.0, 6.0]),
    )
    def add(self, user: str, tab: int, until: float) -> None:
        self.entries.append(entry(user, tab, until))
        self.members.add(self.entries[-1])

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.entries:
            index = data.draw(st.integers(0, len(self.entries) - 1))
            self.members.remove(self.entries.pop(index))

    @rule(most=st.integers(1, 3))
    def take(self, most: int) -> None:
        joins, leaves = changes(self.members, most)
        assert not joins.keys() & leaves.keys()
        for user, infos in joins.items():
            assert self.told.get(user) != infos
            self.told[user] = infos
        for user, infos in leaves.items():
            assert self.told.pop(user) == infos

    @invariant()
    def all_is_told_in_the_end(self) -> None:
        assert len(self.members) == len({each.user for each in self.entries})
        if not self.members.changed:
            now = {
                user: self.members.of(LOBBY, user) for user in self.members.users(LOBBY)
            }
            assert self.told == now


TestTold = Told.TestCase
TestTold.settings = machine_settings(40, 25)
