"""The timetable, compared with a sorted list."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.concurrency.heartbeat import Heartbeat
from tgext.socketio.engine.concurrency.timetable import COARSE, LONG, TICK, Timetable


class Timed:
    """An entry with its time."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.slot = -1
        self.asked = 0.0
        self.allowance = 0.0

    def on_timer(self, now: float) -> float | None:
        raise AssertionError("a timetable calls nobody")


delays = st.one_of(
    st.sampled_from([0.0, TICK, LONG * TICK, LONG * TICK - TICK, 0.3, 25.0]),
    st.floats(0, 2),
    st.floats(0, 100),
)


class SortedList(RuleBasedStateMachine):
    """Entries are added, removed and due; the model is a sorted list of them."""

    @initialize(start=st.floats(0, 1e7))
    def begin(self, start: float) -> None:
        self.table = Timetable()
        self.now = start
        self.model: list[Timed] = []
        self.count = 0

    def add(self, delay: float) -> Timed:
        entry = Timed(self.count)
        self.count += 1
        entry.asked = self.now + delay
        coarse = delay >= LONG * TICK
        entry.allowance = TICK * (COARSE + 1 if coarse else 1)
        before = self.table.next_due()
        first = self.table.add(entry, delay, self.now)
        after = self.table.next_due()
        assert after is not None
        assert first == (before is None or after < before)
        self.model.append(entry)
        return entry

    @rule(delay=delays)
    def join(self, delay: float) -> None:
        self.add(delay)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.model))
        self.table.discard(entry)
        self.table.discard(entry)
        self.model.remove(entry)

    @rule(passes=delays, again=st.booleans(), drop=st.booleans())
    def time_passes(self, passes: float, again: bool, drop: bool) -> None:
        self.now += passes
        came: list[Timed] = []
        for entry in self.table.take_due(self.now):
            assert isinstance(entry, Timed)
            assert entry.slot == -1
            came.append(entry)
            self.model.remove(entry)
            if again:
                self.add(0.0)  # it is called once more
                again = False
            if drop and self.model:
                other = self.model.pop()
                self.table.discard(other)
                drop = False
        slots = [each.asked for each in came]
        for one, other in pairwise(came):
            assert one.asked <= other.asked + one.allowance + other.allowance, slots
        for entry in came:
            assert entry.asked <= self.now
        for entry in self.model:
            assert entry.asked + entry.allowance >= self.now - 1e-6

    @precondition(lambda self: self.model)
    @rule()
    def clear(self) -> None:
        self.table.clear()
        assert all(each.slot == -1 for each in self.model)
        self.model.clear()

    @invariant()
    def they_agree(self) -> None:
        assert len(self.table) == len(self.model)
        due = self.table.next_due()
        if self.model:
            assert due is not None
            soonest = min(self.model, key=lambda each: each.asked + each.allowance)
            assert due <= soonest.asked + soonest.allowance + 1e-6


SortedList.TestCase.settings = machine_settings(200, 40)
TestSortedList = SortedList.TestCase


@pytest.mark.parametrize("clear", [True, False])
def test_all_can_go_while_they_are_taken(clear: bool) -> None:
    table = Timetable()
    entries = [Timed(number) for number in range(3)]
    for entry in entries:
        table.add(entry, 0.01, 5.0)
    came = []
    for entry in table.take_due(6.0):
        came.append(entry)
        if clear:
            table.clear()
        else:
            for each in entries:
                table.discard(each)
    assert len(came) == 1
    assert len(table) == 0


def test_ten_thousand_heartbeats_share_a_few_hundred_ticks() -> None:
    table = Timetable()
    for number in range(10_000):
        table.add(Timed(number), 25.0, number * 0.0025)
    assert len(table.ticks) <= 502
    # They come in the order of their times.
    now, looks = 25.0, 0
    while len(table):
        due = table.next_due()
        assert due is not None
        assert due >= now
        now = due
        looks += 1
        for _ in table.take_due(now):
            pass
    assert looks <= 502


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.1, 0.2, 0.3, 0.5, 0.99])
def test_short_times_are_right_to_a_tick(delay: float) -> None:
    table = Timetable()
    for number in range(1000):
        now = 1000 + number * 0.00037
        table.add(Timed(number), delay, now)
        due = table.next_due()
        assert due is not None
        assert now + delay <= due <= now + delay + TICK + 1e-9
        table.clear()


@pytest.mark.parametrize("fraction", range(10))
def test_a_short_heartbeat_is_right_to_20_ms(fraction: int) -> None:
    """Pinged after 0.3 s, disconnected 0.2 s later, if the loop is not busy."""
    calls: list[str] = []
    begun = 1000.0
    heartbeat = Heartbeat(
        0.3, 0.2, lambda: calls.append("ping"), lambda: calls.append("expire"), begun
    )
    now = begun + fraction * TICK / 10
    table = Timetable()
    table.add(heartbeat, 0.3, now)
    times = []
    while (due := table.next_due()) is not None:
        now = max(now, due)
        for entry in table.take_due(now):
            delay = entry.on_timer(now)
            if delay is not None:
                table.add(entry, delay, now)
        times += [now - begun] * (len(calls) - len(times))
    assert calls == ["ping", "expire"]
    assert 0.3 <= times[0] <= 0.31
    assert 0.5 <= times[1] <= 0.52
