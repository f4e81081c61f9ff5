"""Calls of many greenlets that are made as one."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.monkey import get_original

from tests.engine.clients import DEADLINE
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.backends.gathered import MOST, MOST_SIZE, Gathered


class Broker:
    """Notes its calls, each of which a test lets go on."""

    def __init__(self, patience: float = DEADLINE) -> None:
        self.calls: list[list[str]] = []
        self.go_on = Event()
        self.errors: list[Exception] = []
        self.gathered: Gathered[str, str] = Gathered(
            self.call, len, patience, lambda: TimeoutError("too late")
        )

    def call(self, items: Sequence[str]) -> list[str | Exception]:
        self.calls.append(list(items))
        assert self.go_on.wait(DEADLINE)
        if self.errors:
            raise self.errors.pop(0)
        return [
            ValueError(each) if each == "refused" else each.upper() for each in items
        ]

    def begin(self, *items: str) -> list[Any]:
        jobs = [gevent.spawn(self.gathered.do, each) for each in items]
        gevent.sleep(0)
        return jobs


@pytest.fixture
def broker(greenlets: Any) -> Iterator[Broker]:
    yield Broker()
    assert not greenlets(), "none is left"


def outcomes(jobs: list[Any]) -> list[Any]:
    gevent.joinall(jobs, timeout=DEADLINE)
    return [repr(job.exception) if job.exception else job.value for job in jobs]


def test_one_that_comes_alone_does_not_wait(broker: Broker) -> None:
    broker.go_on.set()
    assert [broker.gathered.do(each) for each in "ab"] == ["A", "B"]
    assert broker.calls == [["a"], ["b"]]


def test_what_comes_meanwhile_is_one_call_in_its_order(broker: Broker) -> None:
    jobs = broker.begin("a", "b", "c", "d")
    assert broker.calls == [["a"]]
    broker.go_on.set()
    assert outcomes(jobs) == ["A", "B", "C", "D"]
    assert broker.calls == [["a"], ["b", "c", "d"]]
    assert broker.gathered.do("e") == "E"


@pytest.mark.parametrize(
    ("items", "sizes"),
    [
        (["x"] * (2 * MOST + 2), [1, MOST, MOST, 1]),
        (["x"] + ["x" * (MOST_SIZE // 2)] * 3, [1, 2, 1]),
        (["x"] + ["x" * (MOST_SIZE + 1)] * 2, [1, 1, 1]),
    ],
)
def test_a_call_is_bounded(broker: Broker, items: list[str], sizes: list[int]) -> None:
    jobs = broker.begin(*items)
    broker.go_on.set()
    assert outcomes(jobs) == [each.upper() for each in items]
    assert [len(each) for each in broker.calls] == sizes


def test_an_outcome_may_be_an_error(broker: Broker) -> None:
    jobs = broker.begin("a", "refused", "b", "refused")
    broker.go_on.set()
    refused = repr(ValueError("refused"))
    assert outcomes(jobs) == ["A", refused, "B", refused]


def test_a_call_that_fails_fails_for_all_of_it(broker: Broker) -> None:
    jobs = broker.begin("a", "b", "c")
    broker.errors = [OSError("1"), OSError("2")]
    gevent.spawn(lambda: broker.begin("d"))
    broker.go_on.set()
    assert outcomes(jobs) == [repr(OSError(each)) for each in "122"]
    assert broker.gathered.do("e") == "E"


def test_one_that_was_killed_keeps_no_others(broker: Broker) -> None:
    jobs = broker.begin("first", "a", "b", "c")
    jobs[2].kill()
    jobs[0].kill()
    broker.go_on.set()
    assert outcomes([jobs[1], jobs[3]]) == ["A", "C"]
    assert broker.calls == [["first"], ["a", "c"]]


def test_who_waits_too_long_is_not_called_with() -> None:
    broker = Broker(patience=0.0)
    jobs = broker.begin("a", "b")
    gevent.sleep(0.01)
    broker.go_on.set()
    assert outcomes(jobs) == ["A", repr(TimeoutError("too late"))]
    assert broker.calls == [["a"]]


def test_all_are_told_when_the_greenlet_ends_that_calls(broker: Broker) -> None:
    known = set(all_greenlets())
    jobs = broker.begin("a", "b", "c", *("d" for _ in range(MOST)))
    jobs[0].kill()
    gevent.sleep(0)
    [calling] = set(all_greenlets()) - known - set(jobs)
    calling.kill()
    broker.go_on.set()
    ended = repr(BrokerUnavailable("the greenlet that publishes has ended"))
    assert set(outcomes(jobs[1:])) == {ended}
    assert broker.gathered.do("e") == "E"


def all_greenlets() -> list[Any]:
    return [each for each in gc.get_objects() if isinstance(each, gevent.Greenlet)]


def test_other_threads_call_by_themselves() -> None:
    calls: list[tuple[int, list[int]]] = []
    ident = get_original("_thread", "get_ident")
    nested: list[Any] = []

    def call(items: Sequence[int]) -> list[int | Exception]:
        calls.append((ident(), list(items)))
        if items == [1]:
            pool = gevent.get_hub().threadpool
            nested.append(pool.apply(gathered.do, (2,)))
        return [each * 10 for each in items]

    gathered: Gathered[int, int] = Gathered(call, int, DEADLINE, TimeoutError)
    assert gathered.do(1) == 10
    assert nested == [20]
    (here, first), (there, second) = calls
    assert (first, second) == ([1], [2])
    assert here != there
