"""Calls of many greenlets that are made as one."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.monkey import get_original

from tests.engine.clients import DEADLINE
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.backends.gathered import FEW, MOST, MOST_SIZE, PART, Gathered


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
        # Calls that are quick may have more and more items.
        (["x"] * (2 * MOST + 14), [1, FEW, 2 * FEW, 4 * FEW, MOST, 1]),
        (["x"] + ["x" * (MOST_SIZE // 2)] * 3, [1, 2, 1]),
        (["x"] + ["x" * (MOST_SIZE + 1)] * 2, [1, 1, 1]),
    ],
)
def test_a_call_is_bounded(broker: Broker, items: list[str], sizes: list[int]) -> None:
    jobs = broker.begin(*items)
    broker.go_on.set()
    assert outcomes(jobs) == [each.upper() for each in items]
    assert [len(each) for each in broker.calls] == sizes


def test_the_longer_calls_take_the_fewer_items_they_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A broker answers all items of a call at its end, and has to be in time."""
    now, sizes = 0.0, []
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(f"{Gathered.__module__}.time", clock)

    def call(items: Sequence[int]) -> Sequence[int | Exception]:
        nonlocal now
        gevent.sleep(0)
        sizes.append(len(items))
        now += len(items) * 1.5
        return items

    # Six items at a time are in time.
    gathered: Gathered[int, int] = Gathered(call, int, 10 / PART, TimeoutError)
    jobs = [gevent.spawn(gathered.do, 1) for _ in range(60)]
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    assert sizes == [1, 16, 8, 4, 8, 4, 8, 4, 7]


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


@pytest.mark.parametrize("kind", ["fails", "is late", "is killed"])
def test_an_error_has_nothing_of_other_greenlets(kind: str) -> None:
    """What one is handling while it waits is not in the log of another one."""
    broker = Broker(patience=0.0 if kind == "is late" else DEADLINE)
    errors: dict[str, BaseException] = {}

    def publish(user: str) -> None:
        try:
            raise KeyError(f"card of {user}")
        except KeyError:
            try:
                broker.gathered.do(user)
            except Exception as error:
                errors[user] = error

    known = set(all_greenlets())
    first, *others = (gevent.spawn(publish, each) for each in ("first", "ann", "bob"))
    gevent.sleep(0.01)
    if kind == "is killed":
        first.kill()
        gevent.sleep(0)
        [calling] = set(all_greenlets()) - known - {first, *others}
        calling.kill()
    broker.errors = [OSError("1"), OSError("2")]
    broker.go_on.set()
    gevent.joinall(others, timeout=DEADLINE, raise_error=True)
    assert errors["ann"] is not errors["bob"]
    for user in ("ann", "bob"):
        error = errors[user]
        text = "".join(traceback.format_exception(error))
        assert "card of" not in text.replace(f"card of {user}", "")
        assert str(error.__context__) == repr(f"card of {user}")


def test_one_that_was_killed_keeps_no_others(broker: Broker) -> None:
    jobs = broker.begin("first", "a", "b", "c")
    jobs[2].kill()
    jobs[0].kill()
    broker.go_on.set()
    assert outcomes([jobs[1], jobs[3]]) == ["A", "C"]
    assert broker.calls == [["first"], ["a", "c"]]


def test_one_that_was_killed_takes_no_room(broker: Broker) -> None:
    half = "x" * (MOST_SIZE // 2)
    jobs = broker.begin("first", half, half, half)
    jobs[1].kill()
    broker.go_on.set()
    outcomes(jobs[2:])
    assert [len(each) for each in broker.calls] == [1, 2]


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
