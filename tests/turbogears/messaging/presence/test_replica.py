"""Replicas agree, whatever becomes of messages and processes."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

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


class View:
    """What a process was told of another one, whatever it made of it."""

    def __init__(self) -> None:
        self.whole = self.told = -1
        self.batches: set[int] = set()

    @property
    def complete(self) -> bool:
        """Whether it got all that it was told of."""
        needed = range(self.whole + 1, self.told + 1)
        return not needed or (self.whole >= 0 and self.batches.issuperset(needed))


class Process:
    """A process, and its table in the store."""

    def __init__(self, number: int) -> None:
        self.replica = Replica(number)
        self.cut = False
        #: Its table; None when the store has lost it.
        self.stored: Whole | None = None
        #: Whether its last write succeeded.
        self.written = False
        self.views: defaultdict[str, View] = defaultdict(View)

    def write(self, batch: Batch | None = None) -> bool:
        """Write a batch, or renew the table; False while the store is out of reach.

        After a failure, and when the table is lost, the whole is written.
        """
        there = self.stored if self.written else None
        self.written = not self.cut
        if self.cut:
            return False
        if there is None:
            self.stored = self.replica.whole()
        elif batch is not None:
            changed = {**there.entries, **batch.changes}
            entries = {key: each for key, each in changed.items() if each is not None}
            self.stored = Whole(batch.number, entries)
        return True

    def forget(self, name: str) -> None:
        self.replica.forget(name)
        self.views.pop(name, None)


USERS = st.sampled_from("ab")
TOPICS = st.sampled_from([LOBBY, MAIN])
INFOS = st.integers(0, 2)

CHANGES = st.sampled_from(["change", "untrack", "close"])
FAILURES = st.sampled_from(
    [
        "a process begins",
        "is killed",
        "stops",
        "is taken for dead",
        "is cut off",
        "is back",
        "is back, and knows it",
        "the store is emptied",
    ]
)

#: Which of those that there are.
WHICH = st.integers(0, 5)

#: What becomes of a message; one that is lost reaches all others but one.
HOW = st.sampled_from(["arrives", "later", "lost"])

#: The same of a change; it may also stay with others that are not told yet.
TOLD = st.sampled_from(["arrives", "lost", "later", ""])


class Cluster(RuleBasedStateMachine):
    """Some processes; the network loses, repeats and reorders what they send."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.made = 0
        self.running: dict[str, Process] = {}
        #: Messages that are under way: to whom, from whom, and what.
        self.under_way: list[tuple[str, str, Batch | int | Whole]] = []
        for _ in range(3):
            self._start()

    # Processes

    def _some(self, which: int) -> str:
        return list(self.running)[which % len(self.running)]

    def _others(self, name: str) -> list[str]:
        """The processes that get what a process sends now."""
        if self.running[name].cut:
            return []
        return [
            each
            for each, other in self.running.items()
            if each != name and not other.cut
        ]

    @rule(which=WHICH, other=WHICH, what=FAILURES)
    def fail(self, which: int, other: int, what: str) -> None:
        name = self._some(which)
        process = self.running[name]
        if what == "a process begins" and len(self.running) < 3:
            self._start()
        elif what in ("is killed", "stops"):
            if what == "stops":
                self._tell_the_last(name)
            del self.running[name]
            if len(self.running) < 2:
                self._start()
        elif what == "is taken for dead":  # it was silent, or cut off
            self.running[self._some(other)].forget(name)
        elif what == "the store is emptied":
            for each in self.running.values():
                each.stored = None
        elif what == "is cut off":
            process.cut = True
        elif what.startswith("is back"):
            process.cut = False
            if what == "is back, and knows it":
                process.written = False
                for each in process.replica.peers:
                    process.replica.doubt(each)

    def _start(self) -> None:
        self.made += 1
        name = f"p{self.made}"
        new = Process(self.made * 1000)
        new.replica.add(entry("a"))
        new.write()
        for each, other in self.running.items():
            new.replica.doubt(each)
            other.replica.doubt(name)
        self.running[name] = new
        for each in self.running:
            self._read(each)

    def _tell_the_last(self, name: str) -> None:
        replica = self.running[name].replica
        for each in list(replica.own):
            replica.linger(each, self.now + 10.0, self.now)
        self._flush(name, "arrives")
        for each in self._others(name):
            self.running[each].forget(name)

    # What the application does

    @rule(which=WHICH, user=USERS, topic=TOPICS, info=INFOS, how=TOLD)
    def track(self, which: int, user: str, topic: Topic, info: int, how: str) -> None:
        name = self._some(which)
        self.running[name].replica.add(entry(user, topic, info=info))
        self._flush(name, how)

    @rule(which=WHICH, what=CHANGES, info=INFOS, how=TOLD)
    def change(self, which: int, what: str, info: int, how: str) -> None:
        found = [
            (name, reference)
            for name, process in self.running.items()
            for reference in process.replica.own
        ]
        if not found:
            return
        name, reference = found[which % len(found)]
        replica = self.running[name].replica
        old = replica.own[reference]
        if what == "untrack":
            replica.remove(reference)
        elif what == "close":
            replica.linger(reference, self.now + 10.0, self.now)
        elif not old.until:
            replica.replace(reference, entry(old.user, old.topic, info=info))
        self._flush(name, how)

    @rule(seconds=st.sampled_from([1.0, 10.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for each in self.running.values():
            each.replica.expire(self.now)

    # Messages

    def _flush(self, name: str, how: str) -> None:
        """Write what changed, and tell the others; what cannot be written is lost."""
        process = self.running[name]
        while how and process.replica.unsent:
            batch = process.replica.take(2)
            if not process.write(batch):
                return
            self._tell(name, batch, how)

    @rule(which=WHICH, how=HOW)
    def beat(self, which: int, how: str) -> None:
        self._beat(self._some(which), how)

    def _beat(self, name: str, how: str) -> None:
        process = self.running[name]
        self._flush(name, how)
        if process.write():
            self._tell(name, process.replica.number, how)
        for each in list(process.views):
            if each not in self.running:
                process.forget(each)

    def _tell(self, name: str, message: Batch | int, how: str) -> None:
        others = self._others(name)
        if how == "later":
            self.under_way += [(each, name, message) for each in others]
            return
        for each in others[1:] if how == "lost" else others:
            self._arrive(each, name, message)

    @rule(which=WHICH, later=st.booleans())
    def read(self, which: int, later: bool) -> None:
        self._read(self._some(which), later)

    def _read(self, name: str, later: bool = False) -> None:
        """Read the tables of those that a process doubts."""
        process = self.running[name]
        for each in [] if process.cut else process.replica.doubted:
            other = self.running.get(each)
            if other is None:
                process.forget(each)
            elif other.stored is not None and later:
                self.under_way.append((name, each, other.stored))
            elif other.stored is not None:
                self._arrive(name, each, other.stored)

    @rule(which=WHICH, what=st.sampled_from(["arrives", "twice", "lost"]))
    def move(self, which: int, what: str) -> None:
        if self.under_way:
            index = which % len(self.under_way)
            message = self.under_way[index]
            if what != "twice":
                del self.under_way[index]
            if what != "lost":
                self._arrive(*message)

    def _arrive(self, to: str, sender: str, message: Batch | int | Whole) -> None:
        process = self.running.get(to)
        if process is None:
            return
        view = process.views[sender]
        if isinstance(message, Whole):
            process.replica.load(sender, message)
            view.whole = max(view.whole, message.number)
        elif isinstance(message, Batch):
            process.replica.hear(sender, message)
            view.batches.add(message.number)
            view.told = max(view.told, message.number)
        else:
            process.replica.heartbeat(sender, message)
            view.told = max(view.told, message)
        assert view.complete or sender in process.replica.doubted

    # What is true at any time, and in the end

    @invariant()
    def each_shows_its_own(self) -> None:
        for each in self.running.values():
            for one in each.replica.own.values():
                assert not one.until or one.until > self.now
                infos = each.replica.members.of(one.topic, one.user)
                assert infos
                assert one.until or one.info in infos

    def teardown(self) -> None:
        """The failures have ended: after two heartbeats all agree."""
        for process in self.running.values():
            process.cut = False
        self.now += 20.0
        # What is under way may still arrive, and some of it does not.
        del self.under_way[::2]
        for _ in range(2):
            for name, process in self.running.items():
                process.replica.expire(self.now)
                self._beat(name, "later")
            while self.under_way:
                self._arrive(*self.under_way.pop())  # the last one first
            for name in self.running:
                self._read(name)
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
TestCluster.settings = machine_settings(80, 40)
