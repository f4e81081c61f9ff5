"""Replicas agree, whatever becomes of messages and processes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
)

from tests.wire.strategies import machine_settings
from tgext.socketio.messaging.presence.members import Entry, Members, Topic
from tgext.socketio.messaging.presence.replica import (
    KEPT,
    Batch,
    Replica,
    Whole,
    all_of,
)

LOBBY: Topic = ("/chat", "lobby")
MAIN: Topic = ("/chat", None)


def entry(user: str, topic: Topic = LOBBY, until: float = 0.0, **info: Any) -> Entry:
    return Entry(topic, user, info, until)


def seen(members: Members) -> dict[Topic, dict[str, Counter[str]]]:
    """The members by topic, for a comparison: the order of entries is of no account."""
    return {
        topic: {
            user: Counter(str(each) for each in members.of(topic, user))
            for user in members.users(topic)
        }
        for topic in (LOBBY, MAIN)
        if topic in members
    }


def users(replica: Replica, topic: Topic = LOBBY) -> set[str]:
    return set(replica.members.users(topic))


def send(source: Replica, target: Replica, name: str = "a") -> None:
    while source.unsent:
        target.hear(name, source.take(2))


@pytest.fixture
def pair() -> tuple[Replica, Replica]:
    """Two processes; the second one knows the first."""
    first, second = Replica(), Replica()
    second.load("a", first.whole())
    assert second.doubted == []
    return first, second


def test_changes_are_applied_in_the_order_of_their_numbers(
    pair: tuple[Replica, Replica],
) -> None:
    first, second = pair
    reference = first.add(entry("ann"))
    came = first.take(10)
    first.remove(reference)
    left = first.take(10)
    second.hear("a", left)
    assert second.doubted == ["a"]
    assert users(second) == set()
    second.hear("a", came)
    assert users(second) == set()
    second.hear("a", came)
    assert users(second) == set()


def test_a_gap_is_closed_by_the_whole(pair: tuple[Replica, Replica]) -> None:
    first, second = pair
    first.add(entry("ann"))
    first.take(10)
    first.add(entry("bob"))
    second.hear("a", first.take(10))
    assert users(second) == set()
    second.load("a", first.whole())
    assert users(second) == {"ann", "bob"}
    assert second.doubted == []


def test_a_lost_last_message_is_noticed_by_the_heartbeat(
    pair: tuple[Replica, Replica],
) -> None:
    first, second = pair
    first.add(entry("ann"))
    first.take(10)
    assert second.doubted == []
    second.heartbeat("a", first.number)
    assert second.doubted == ["a"]


def test_an_old_whole_changes_nothing(pair: tuple[Replica, Replica]) -> None:
    first, second = pair
    old = first.whole()
    first.add(entry("ann"))
    send(first, second)
    second.doubt("a")
    second.load("a", old)
    assert users(second) == {"ann"}
    assert second.doubted == ["a"]


def test_what_arrives_while_the_whole_is_read_is_applied_after_it() -> None:
    first, second = Replica(), Replica()
    first.add(entry("ann"))
    first.take(10)
    whole = first.whole()
    first.add(entry("bob"))
    second.hear("a", first.take(10))
    second.load("a", whole)
    assert users(second) == {"ann", "bob"}
    assert second.doubted == []


def test_few_changes_are_kept_while_the_whole_is_read() -> None:
    second = Replica()
    for number in range(1, 2 * KEPT):
        second.hear("a", Batch(number, {number: entry(str(number))}))
    second.load("a", Whole(0, {}))
    assert second.doubted == ["a"]
    assert users(second) == set()


def test_who_is_gone_takes_its_members_with_it_except_those_on_the_way(
    pair: tuple[Replica, Replica],
) -> None:
    first, second = pair
    first.add(entry("ann"))
    reference = first.add(entry("bob"))
    first.linger(reference, 10.0)
    send(first, second)
    second.forget("a")
    assert users(second) == {"bob"}
    second.expire(9.0)
    assert users(second) == {"bob"}
    second.expire(10.0)
    assert users(second) == set()
    assert second.peers == []


def test_a_process_that_comes_back_is_read_anew(pair: tuple[Replica, Replica]) -> None:
    first, second = pair
    reference = first.add(entry("ann"))
    first.linger(reference, 10.0)
    send(first, second)
    second.forget("a")
    first.remove(reference)
    first.add(entry("bob"))
    send(first, second)
    assert users(second) == {"ann"}
    assert second.doubted == ["a"]
    second.load("a", first.whole())
    assert users(second) == {"bob"}


def test_a_process_that_begins_anew_replaces_what_it_was(
    pair: tuple[Replica, Replica],
) -> None:
    first, second = pair
    first.add(entry("ann"))
    send(first, second)
    again = Replica(first.number + 1000)
    again.add(entry("bob"))
    send(again, second)
    second.load("a", again.whole())
    assert users(second) == {"bob"}


def test_an_entry_ends_once_its_time_is_over() -> None:
    replica = Replica()
    reference = replica.add(entry("ann"))
    assert replica.next_end is None
    replica.linger(reference, 10.0)
    assert replica.next_end == 10.0
    assert users(replica) == {"ann"}
    replica.expire(10.0)
    assert users(replica) == set()
    assert replica.own == {}
    assert replica.next_end is None
    replica.linger(reference, 20.0)
    replica.replace(reference, entry("ann"))
    replica.remove(reference)
    assert users(replica) == set()


def test_the_members_of_several_processes_when_each_is_read_as_a_whole() -> None:
    wholes = [Whole(1, {1: entry("ann", tab=1)}), Whole(7, {1: entry("ann", tab=2)})]
    assert all_of(wholes).of(LOBBY, "ann") == [{"tab": 1}, {"tab": 2}]


class Process:
    """A process, and the state that its heartbeats keep in the store."""

    def __init__(self, number: int) -> None:
        self.replica = Replica(number)
        self.references: list[int] = []
        #: The last whole that could be written; None when the others ask for it.
        self.stored = self.replica.whole()
        self.cut = False


class Cluster(RuleBasedStateMachine):
    """Some processes; the network loses, repeats and reorders what they send."""

    references = Bundle("references")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.made = 0
        self.running: dict[str, Process] = {}
        #: Messages that are under way: to whom, from whom, and what.
        self.under_way: list[tuple[str, str, Batch | int | Whole]] = []
        for _ in range(2):
            self.start()

    def _some(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.running)))

    def _publish(self, name: str, message: Batch | int) -> None:
        for each in self.running:
            if each != name and not (self.running[each].cut or self.running[name].cut):
                self.under_way.append((each, name, message))

    @rule()
    def start(self) -> None:
        if len(self.running) < 4:
            self.made += 1
            name = f"p{self.made}"
            process = self.running[name] = Process(self.made * 1000)
            for each in self.running:
                if each != name:
                    process.replica.doubt(each)

    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        if len(self.running) > 1:
            name = self._some(data)
            del self.running[name]

    @rule(data=st.data())
    def notice_the_dead(self, data: st.DataObject) -> None:
        process = self.running[self._some(data)]
        for each in process.replica.peers:
            if each not in self.running:
                process.replica.forget(each)

    @rule(data=st.data())
    def take_for_dead(self, data: st.DataObject) -> None:
        """A process was silent, or cut off: the others forget it for a while."""
        process = self.running[self._some(data)]
        process.replica.forget(data.draw(st.sampled_from(sorted(self.running))))

    @rule(data=st.data())
    def cut(self, data: st.DataObject) -> None:
        process = self.running[self._some(data)]
        process.cut = not process.cut

    @rule(
        target=references,
        data=st.data(),
        user=st.sampled_from("abc"),
        topic=st.sampled_from([LOBBY, MAIN]),
        info=st.integers(0, 2),
    )
    def track(self, data: Any, user: str, topic: Topic, info: int) -> Any:
        name = self._some(data)
        added = self.running[name].replica.add(entry(user, topic, info=info))
        return name, added

    @rule(which=references, info=st.integers(0, 2))
    def change(self, which: Any, info: int) -> None:
        name, reference = which
        if name in self.running:
            replica = self.running[name].replica
            old = replica.own.get(reference)
            if old is not None and not old.until:
                replica.replace(reference, entry(old.user, old.topic, info=info))

    @rule(which=consumes(references))
    def untrack(self, which: Any) -> None:
        name, reference = which
        if name in self.running:
            self.running[name].replica.remove(reference)

    @rule(which=consumes(references))
    def close(self, which: Any) -> None:
        name, reference = which
        if name in self.running:
            self.running[name].replica.linger(reference, self.now + 10.0)

    @rule(seconds=st.sampled_from([1.0, 10.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for each in self.running.values():
            each.replica.expire(self.now)

    @rule(data=st.data(), most=st.integers(1, 3))
    def flush(self, data: st.DataObject, most: int) -> None:
        """Write what changed, if the store is there, and tell the others."""
        name = self._some(data)
        self._flush(name, most)

    def _flush(self, name: str, most: int) -> None:
        process = self.running[name]
        batch = process.replica.take(most)
        if not process.cut:
            stored = {**process.stored.entries, **batch.changes}
            there = {key: each for key, each in stored.items() if each is not None}
            process.stored = Whole(batch.number, there)
        self._publish(name, batch)

    @rule(data=st.data())
    def beat(self, data: st.DataObject) -> None:
        self._beat(self._some(data))

    def _beat(self, name: str) -> None:
        process = self.running[name]
        if not process.cut:
            if process.stored.number != process.replica.number:
                process.stored = process.replica.whole()
            self._publish(name, process.replica.number)

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """Begin to read the whole of a process; it arrives later."""
        name = self._some(data)
        doubted = [
            each for each in self.running[name].replica.doubted if each in self.running
        ]
        if doubted and not self.running[name].cut:
            other = data.draw(st.sampled_from(sorted(doubted)))
            self.under_way.append((name, other, self.running[other].stored))

    @rule(data=st.data(), what=st.sampled_from(["arrives", "twice", "lost"]))
    def move(self, data: st.DataObject, what: str) -> None:
        if not self.under_way:
            return
        index = data.draw(st.integers(0, len(self.under_way) - 1))
        message = self.under_way[index]
        if what != "twice":
            del self.under_way[index]
        if what != "lost":
            self._arrive(*message)

    def _arrive(self, to: str, sender: str, message: Batch | int | Whole) -> None:
        if to not in self.running or sender not in self.running:
            return
        replica = self.running[to].replica
        if isinstance(message, Batch):
            replica.hear(sender, message)
        elif isinstance(message, int):
            replica.heartbeat(sender, message)
        else:
            replica.load(sender, message)

    @invariant()
    def each_shows_its_own(self) -> None:
        for each in self.running.values():
            for one in each.replica.own.values():
                infos = each.replica.members.of(one.topic, one.user)
                assert infos
                assert one.until or one.info in infos

    def teardown(self) -> None:
        """The network is whole again: after two heartbeats all agree."""
        for process in self.running.values():
            process.cut = False
        self.now += 20.0
        for process in self.running.values():
            process.replica.expire(self.now)
            for each in process.replica.peers:
                if each not in self.running:
                    process.replica.forget(each)
        self.under_way.clear()
        for _ in range(2):
            for name in self.running:
                while self.running[name].replica.unsent:
                    self._flush(name, 2)
                self._beat(name)
            while self.under_way:
                self._arrive(*self.under_way.pop())  # the last one first
            for name, process in self.running.items():
                for each in process.replica.doubted:
                    self._arrive(name, each, self.running[each].stored)
        expected = Members()
        for process in self.running.values():
            for each in process.replica.own.values():
                assert not each.until
                expected.add(each)
        for process in self.running.values():
            assert seen(process.replica.members) == seen(expected)
            assert process.replica.doubted == []
            assert set(process.replica.peers) <= self.running.keys()


TestCluster = Cluster.TestCase
TestCluster.settings = machine_settings(40, 40)
