"""The clock of timers, moved."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

from tgext.socketio.engine.concurrency import clock
from tgext.socketio.engine.concurrency.heartbeat import Deadline, Wheel

from ..connections import wait_for


@pytest.fixture(autouse=True)
def _right_at_the_end() -> Iterator[None]:
    yield
    clock.reset()
    assert abs(clock.monotonic() - time.monotonic()) < 1


def test_it_is_moved_and_goes_on() -> None:
    before, real = clock.monotonic(), time.monotonic()
    clock.advance(1000)
    passed = clock.monotonic() - before
    assert 1000 <= passed <= 1000.001 + time.monotonic() - real


def test_those_who_wait_are_told() -> None:
    wheel, due = Wheel(), []
    wheel.add(Deadline(lambda: due.append("far")), 7200)
    wheel.add(Deadline(lambda: due.append("near")), 3600)
    clock.advance(3601)
    wait_for(lambda: due, "the first one")
    assert due == ["near"]
    assert len(wheel) == 1
    wheel.close()


def test_who_has_gone_is_not_told() -> None:
    class Follower:
        def clock_moved(self) -> None:
            raise AssertionError

    clock.follow(Follower())
    gc.collect()
    clock.advance(1)
