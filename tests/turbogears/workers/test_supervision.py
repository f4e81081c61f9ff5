"""What the parent does when its workers start, serve and end; without processes."""

from __future__ import annotations

import logging
import signal
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.wire.strategies import SOME
from tgext.socketio.workers.inherited import NOW, RETIRE, STOP
from tgext.socketio.workers.supervision import (
    MARGIN,
    STEADY,
    WAITS,
    Supervision,
    describe,
)

KILL, TERM = signal.SIGKILL, signal.SIGTERM

GRACE = 10.0


class World:
    """Processes that do nothing, and a clock.

    :ivar done: what was told to workers, and which were killed.
    """

    def __init__(self, count: int) -> None:
        self.now = 1000.0
        self.running: list[int] = []
        self.done: list[tuple[Any, ...]] = []
        self.listens = True
        self.full = False
        self._last = 0
        self.supervision = Supervision(count, self)
        self.supervision.begin(self.now)

    # What supervision does

    def start(self) -> int:
        if self.full:
            raise OSError("too many")
        self._last += 1
        self.running.append(self._last)
        return self._last

    def tell(self, pid: int, word: str) -> None:
        self.done.append((word, pid))

    def kill(self, pid: int, number: signal.Signals) -> None:
        self.done.append((number, pid))

    def close_listener(self) -> None:
        self.listens = False

    # What happens

    def serves(self, *pids: int) -> None:
        for pid in pids:
            self.supervision.serves(pid, GRACE, self.now)

    def ends(self, pid: int, code: int = 0) -> None:
        self.running.remove(pid)
        self.supervision.ended(pid, code, self.now)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.supervision.tick(self.now)

    def take(self) -> list[tuple[Any, ...]]:
        done, self.done = self.done, []
        return done


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.workers")


def serving(count: int) -> World:
    world = World(count)
    world.serves(1)
    world.serves(*range(2, count + 1))
    world.passes(STEADY)
    return world


def test_the_others_start_when_the_first_serves() -> None:
    world = World(3)
    world.passes(100)
    assert world.running == [1]
    world.serves(1)
    assert world.running == [1, 2, 3]
    assert world.supervision.next_time() is None


@pytest.mark.parametrize(("code", "status"), [(1, 1), (4, 4), (0, 1), (-9, 1)])
def test_a_first_worker_that_does_not_serve_ends_all(
    code: int, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(3)
    world.ends(1, code)
    assert world.supervision.status == status
    assert f"Worker 1 ended before it served ({describe(code)})" in caplog.text


def test_a_process_that_cannot_be_made_ends_the_start() -> None:
    world = World(2)
    world.full = True
    world.supervision = Supervision(2, world)
    world.supervision.begin(world.now)
    assert world.supervision.status == 1


def test_later_it_is_tried_again() -> None:
    world = serving(2)
    world.full = True
    world.ends(2)
    world.passes(0)
    assert world.running == [1]
    world.full = False
    world.passes(STEADY)
    assert world.running == [1, 3]


@pytest.mark.parametrize("pid", [1, 2])
def test_a_worker_that_ends_is_replaced_at_once(
    pid: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = serving(2)
    world.ends(pid, -KILL)
    assert f"Worker {pid} has ended (signal SIGKILL); another one" in caplog.text
    world.passes(0)
    assert world.running == [3 - pid, 3]
    assert world.supervision.status is None


def test_one_that_ends_soon_again_and_again_is_replaced_later_and_later() -> None:
    world = serving(2)
    waited = []
    for _ in range(len(WAITS) + 2):
        world.ends(world.running[-1], 1)
        due = world.supervision.next_time()
        assert due is not None
        waited.append(due - world.now)
        world.passes(waited[-1])
        assert len(world.running) == 2
    assert waited == [*WAITS, WAITS[-1], WAITS[-1]]
    world.serves(world.running[-1])
    world.passes(STEADY)
    world.ends(world.running[-1], 1)
    assert world.supervision.next_time() == world.now


def test_a_reload_replaces_one_after_the_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = serving(2)
    world.supervision.reload(world.now)
    assert world.running == [1, 2, 3]
    assert world.take() == []
    world.serves(3)
    assert world.take() == [(RETIRE, 1)]
    assert world.running == [1, 2, 3]
    world.ends(1)
    assert world.running == [2, 3, 4]
    world.serves(4)
    assert world.take() == [(RETIRE, 2)]
    world.ends(2)
    assert world.running == [3, 4]
    assert caplog.messages[-1] == "Reloaded"
    assert world.supervision.next_time() is None


def test_a_worker_that_does_not_retire_is_killed() -> None:
    world = serving(1)
    world.supervision.reload(world.now)
    world.serves(2)
    world.take()
    world.passes(GRACE + MARGIN - 0.1)
    assert world.take() == []
    world.passes(0.2)
    assert world.take() == [(KILL, 1)]


def test_a_reload_that_does_not_serve_leaves_the_workers_of_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = serving(2)
    world.supervision.reload(world.now)
    world.ends(3, 4)
    world.passes(100)
    assert world.running == [1, 2]
    assert world.take() == []
    assert "worker 3 ended before it served (exit status 4)" in caplog.text
    assert "Reloaded" not in caplog.messages
    world.supervision.reload(world.now)
    assert world.running == [1, 2, 4]


def test_a_reload_during_a_reload_follows_it() -> None:
    world = serving(1)
    world.supervision.reload(world.now)
    world.supervision.reload(world.now)
    world.supervision.reload(world.now)
    assert world.running == [1, 2]
    world.serves(2)
    world.supervision.reload(world.now)
    world.ends(1)
    assert world.running == [2, 3]
    world.serves(3)
    world.ends(2)
    assert world.running == [3]


def test_a_reload_during_the_start_follows_it() -> None:
    world = World(1)
    world.supervision.reload(world.now)
    assert world.running == [1]
    world.serves(1)
    assert world.running == [1, 2]


def test_a_place_without_a_worker_gets_one_by_a_reload_and_not_two() -> None:
    world = serving(1)
    for _ in range(4):
        world.ends(world.running[-1], 1)
        world.passes(world.supervision.next_time() - world.now)  # type: ignore[operator]
    world.ends(world.running[-1], 1)
    assert world.running == []
    world.supervision.reload(world.now)
    assert len(world.running) == 1
    world.passes(100)
    assert len(world.running) == 1


def test_a_worker_that_dies_while_it_is_replaced_is_replaced_once() -> None:
    world = serving(1)
    world.supervision.reload(world.now)
    world.ends(1, -KILL)
    world.passes(100)
    assert world.running == [2]
    world.serves(2)
    assert world.running == [2]
    assert world.take() == []


def test_a_stop_ends_all_and_then_the_parent() -> None:
    world = serving(2)
    world.supervision.stop(world.now)
    assert world.take() == [(STOP, 1), (STOP, 2)]
    assert not world.listens
    world.ends(1)
    assert world.supervision.status is None
    world.ends(2)
    assert world.supervision.status == 0
    assert world.running == []


def test_a_second_stop_ends_them_at_once() -> None:
    world = serving(2)
    world.supervision.stop(world.now)
    world.take()
    world.supervision.stop(world.now)
    assert world.take() == [(NOW, 1), (NOW, 2)]
    world.passes(MARGIN)
    assert world.take() == [(KILL, 1), (KILL, 2)]


def test_a_worker_that_does_not_serve_yet_is_ended_by_a_signal() -> None:
    world = World(2)
    world.supervision.stop(world.now)
    assert world.take() == [(TERM, 1)]
    world.supervision.stop(world.now)
    assert world.take() == [(KILL, 1)]
    world.ends(1, -TERM)
    assert world.supervision.status == 0


def test_one_that_begins_to_serve_during_the_stop_is_told() -> None:
    world = World(2)
    world.supervision.stop(world.now)
    world.take()
    world.serves(1)
    assert world.take() == [(STOP, 1)]
    assert world.running == [1]


def test_a_stop_with_no_worker_left_is_the_end() -> None:
    world = serving(1)
    world.ends(1, 1)
    world.supervision.stop(world.now)
    assert world.supervision.status == 0
    world.passes(100)
    assert world.running == []


def test_a_reload_during_the_stop_does_nothing() -> None:
    world = serving(1)
    world.supervision.stop(world.now)
    world.supervision.reload(world.now)
    assert world.running == [1]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit status 0"),
        (3, "exit status 3"),
        (-9, "signal SIGKILL"),
        (-11, "signal SIGSEGV"),
        (-200, "signal -200"),
    ],
)
def test_how_a_process_has_ended(code: int, words: str) -> None:
    assert describe(code) == words.replace("-200", "200")


class Anything(RuleBasedStateMachine):
    """Whatever happens, all places have a worker again, and a stop ends all."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 3
        self.world = World(self.count)
        self.begun = self.stopped = False
        self.known: set[int] = set()

    def _pick(self, number: int) -> int:
        return self.world.running[number % len(self.world.running)]

    @precondition(lambda self: self.world.running)
    @rule(number=st.integers(0, 9))
    def serves(self, number: int) -> None:
        self.world.serves(self._pick(number))
        self.begun = True

    @precondition(lambda self: self.world.running and self.begun)
    @rule(number=st.integers(0, 9), code=st.sampled_from((0, 1, -9)))
    def ends(self, number: int, code: int) -> None:
        self.world.ends(self._pick(number), code)

    @rule(seconds=st.sampled_from((0.0, 1.0, 20.0)))
    def passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    @rule()
    def reloads(self) -> None:
        self.world.supervision.reload(self.world.now)

    @precondition(lambda self: self.begun)
    @rule()
    def stops(self) -> None:
        self.world.supervision.stop(self.world.now)
        self.stopped = True

    @invariant()
    def nobody_who_has_ended_is_told(self) -> None:
        for _, pid in self.world.take():
            assert pid <= max(self.world.running, default=pid)

    @invariant()
    def there_are_not_too_many(self) -> None:
        # One that is replaced, and those that are still retiring.
        assert len(self.world.running) <= self.count + 1

    def teardown(self) -> None:
        """When everybody does what they are told, all is well."""
        world, supervision = self.world, self.world.supervision
        for _ in range(200):
            world.serves(*world.running)
            for what, pid in world.take():
                if pid in world.running and what in (RETIRE, STOP, NOW, KILL, TERM):
                    world.ends(pid)
            world.passes(1.0)
            if self.stopped and supervision.status is not None:
                break
        if self.stopped:
            assert world.running == []
            assert supervision.status == 0
        else:
            assert len(world.running) == self.count
            assert supervision.status is None


Anything.TestCase.settings = SOME
TestAnything = Anything.TestCase
