"""Logs, compared with a model: what is kept, read, heard, and known to be missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import gevent
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tests.wire.strategies import machine_settings
from tgext.socketio.backends.logs.entries import Entry, Keep, Log, Position
from tgext.socketio.backends.logs.kept import ENTRY, KEY, TOPIC
from tgext.socketio.backends.logs.memory import MemoryLog
from tgext.socketio.backends.logs.redis import RedisLog
from tgext.socketio.backends.redis import RedisPubSub

from .test_logs import Clock

#: The topics, and the seconds that their entries are kept.
TOPICS = {"news": 10.0, "sports é": 60.0, "a b": 10.0}

names = st.sampled_from(list(TOPICS))
keys = st.sampled_from([None, "a", "b"])
appended = st.lists(st.tuples(names, st.integers(0, 4), keys), max_size=5)

#: Bytes of an entry with its topic and its key, at most; and of a log with few of them.
LARGEST = ENTRY + TOPIC + KEY + 500
MOST = 3 * LARGEST


class Kept(NamedTuple):
    """An entry of the model."""

    number: int
    message: str
    time: float


class Model:
    """What a log must do."""

    def __init__(self) -> None:
        self.number = 0
        self.kept: dict[str, list[Kept]] = {name: [] for name in TOPICS}
        self.dropped = dict.fromkeys(TOPICS, 0)
        self.keys: dict[tuple[str, str], float] = {}

    def append(
        self, name: str, message: str, most: int, key: str | None, now: float
    ) -> int | None:
        if key is not None:
            if self.keys.get((name, key), now) > now:
                return None
            self.keys[name, key] = now + TOPICS[name]
        self.number += 1
        self.kept[name].append(Kept(self.number, message, now))
        self.drop(name, len(self.kept[name]) - most)
        return self.number

    def drop(self, name: str, count: int) -> None:
        for _ in range(count):
            self.dropped[name] = self.kept[name].pop(0).number

    def expire(self, now: float) -> None:
        for name, kept in self.kept.items():
            self.drop(name, sum(each.time + TOPICS[name] <= now for each in kept))


class Logged(RuleBasedStateMachine):
    """A log, its listeners, and a link that breaks."""

    backend: RedisPubSub | None = None
    server: RedisServer

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.model = Clock(), Model()
        if self.backend is None:
            self.log: Log = MemoryLog(now=self.clock)
        else:
            self.server.client.flushall()
            self.log = RedisLog(self.backend, self.clock)
        self.start = self.log.now()
        self.heard: dict[str, list[Entry]] = {}
        self.expected: dict[str, list[str]] = {}
        self.sent = 0

    @rule(name=names, most=st.integers(0, 4), key=keys)
    def append(self, name: str, most: int, key: str | None) -> None:
        self.append_at_once([(name, most, key)])

    @rule(some=appended)
    def append_at_once(self, some: list[tuple[str, int, str | None]]) -> None:
        messages = [f"message {self.sent + number}" for number in range(len(some))]
        self.sent += len(some)
        jobs = [
            gevent.spawn(self.log.append, name, text, Keep(most, TOPICS[name]), key)
            for (name, most, key), text in zip(some, messages, strict=True)
        ]
        gevent.joinall(jobs, raise_error=True)
        for (name, most, key), message, job in zip(some, messages, jobs, strict=True):
            number = self.model.append(name, message, most, key, self.clock())
            assert job.value == (number and Position(self.epoch, number))
            if number is not None and name in self.heard:
                self.expected[name].append(message)

    @property
    def epoch(self) -> str:
        return self.start.epoch

    @rule(seconds=st.sampled_from([1.0, 5.0, 9.0, 10.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self.clock.seconds += seconds
        self.model.expire(self.clock())

    @rule(some=st.sets(names), data=st.data())
    def read(self, some: set[str], data: st.DataObject) -> None:
        number = data.draw(st.integers(0, self.model.number + 1))
        replay = self.log.read(some, Position(self.epoch, number))
        assert replay.entries == self.kept(some, number)
        assert replay.complete == (
            number <= self.model.number
            and all(self.model.dropped[name] <= number for name in some)
        )
        assert replay.position == Position(self.epoch, self.model.number)

    def kept(self, some: Iterable[str], number: int) -> list[Entry]:
        return sorted(
            Entry(each.number, name, each.message)
            for name in some
            for each in self.model.kept[name]
            if each.number > number
        )

    @rule(some=st.sets(names, min_size=1))
    def read_with_a_position_of_another_epoch(self, some: set[str]) -> None:
        replay = self.log.read(some, Position("zzzzzzzzzzzz", 1))
        assert len(replay.entries) == sum(len(self.model.kept[each]) for each in some)
        assert not replay.complete

    @rule(name=names, count=st.integers(0, 5))
    def latest(self, name: str, count: int) -> None:
        kept = self.model.kept[name]
        expected = [each.message for each in kept[max(len(kept) - count, 0) :]]
        replay = self.log.latest(name, count)
        assert [each.message for each in replay.entries] == expected

    @rule(name=names)
    def listen(self, name: str) -> None:
        if name not in self.heard:
            self.heard[name], self.expected[name] = [], []
            self.log.listen(name, self.heard[name].append)

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def unlisten(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.heard)))
        self.expect(name)
        self.log.unlisten(name, self.heard.pop(name).append)

    @precondition(lambda self: self.backend is not None and self.heard)
    @rule(count=st.integers(0, 4), data=st.data())
    def cut(self, count: int, data: st.DataObject) -> None:
        """The link breaks; what is published meanwhile is heard when it is back."""
        assert self.backend is not None
        name = data.draw(st.sampled_from(sorted(self.heard)))
        with self.broken(self.backend):
            for _ in range(count):
                self.append(name, 4, None)
        self.expect(name)

    @contextmanager
    def broken(self, backend: RedisPubSub) -> Iterator[None]:
        wait_for(lambda: backend.listener.link is not None, "it is connected")
        self.server.client.client_kill_filter(_type="pubsub")
        wait_for(lambda: backend.listener.link is None, "the loss is noticed")
        yield

    def expect(self, name: str) -> None:
        heard, expected = self.heard[name], self.expected[name]
        wait_for(lambda: len(heard) >= len(expected), "all is heard")
        assert [each.message for each in heard] == expected

    @invariant()
    def all_is_heard_in_order(self) -> None:
        for name in self.heard:
            self.expect(name)

    def teardown(self) -> None:
        for name, heard in self.heard.items():
            self.log.unlisten(name, heard.append)


class Small(Logged):
    """A log that has room for some entries: the oldest of all topics are dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.log = MemoryLog(now=self.clock, most=MOST)
        self.start = self.log.now()

    @rule(some=st.sets(names, min_size=1), data=st.data())
    def read(self, some: set[str], data: st.DataObject) -> None:
        number = data.draw(st.integers(0, self.model.number + 1))
        replay = self.log.read(some, Position(self.epoch, number))
        expected = self.kept(some, number)
        found = replay.entries
        assert found == expected[len(expected) - len(found) :], "the oldest are dropped"
        assert replay.complete == (
            number <= self.model.number
            and found == expected
            and all(self.model.dropped[name] <= number for name in some)
        )

    @rule(some=st.sets(names, min_size=1))
    def read_with_a_position_of_another_epoch(self, some: set[str]) -> None:
        replay = self.log.read(some, Position("zzzzzzzzzzzz", 1))
        assert not replay.complete

    @rule(name=names, count=st.integers(0, 5))
    def latest(self, name: str, count: int) -> None:
        replay = self.log.latest(name, count)
        expected = self.kept([name], 0)
        found = replay.entries
        assert found == expected[len(expected) - len(found) :]
        assert replay.complete >= (len(found) == count)

    @rule(some=appended)
    def append_at_once(self, some: list[tuple[str, int, str | None]]) -> None:
        assert isinstance(self.log, MemoryLog)
        for name, most, key in some:
            before = self.missing
            # A key that was dropped can be used again, so each is used once.
            own = key and f"{key}{self.sent}"
            super().append_at_once([(name, most, own)])
            assert self.log.size <= MOST
            if self.missing > before:
                assert self.log.size > MOST - LARGEST, "no more is dropped than needed"

    @property
    def missing(self) -> int:
        kept = self.log.read(TOPICS, self.start).entries
        return len(self.kept(TOPICS, 0)) - len(kept)


def test_the_log_in_memory_does_what_the_model_does() -> None:
    run_state_machine_as_test(Logged, settings=machine_settings(60, 40))


def test_a_small_log_in_memory_drops_the_oldest() -> None:
    run_state_machine_as_test(Small, settings=machine_settings(40, 30))


def test_the_log_in_redis_does_what_the_model_does(
    connect: Any, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Redis(Logged):
        backend = connect()

    Redis.server = server
    run_state_machine_as_test(Redis, settings=machine_settings(12, 25))
