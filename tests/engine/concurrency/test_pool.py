"""Greenlets that do what is ready."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import gevent
import gevent.event
import gevent.local
import pytest
from hypothesis import given, strategies

from tgext.socketio.engine.concurrency.fairness import SLICE
from tgext.socketio.engine.concurrency.pool import HARMLESS, MOST_IDLE, Pool

from ..connections import wait_for


@pytest.fixture
def pool(
    greenlets: Callable[[], list[gevent.Greenlet[..., Any]]],
) -> Iterator[Pool]:
    made = Pool()
    yield made
    made.close()
    wait_for(lambda: not greenlets(), "all greenlets end")


def number() -> int:
    """The number of the current greenlet."""
    current: Any = gevent.getcurrent()
    found: int = current.minimal_ident
    return found


def do(pool: Pool, *functions: Callable[[], object]) -> list[int]:
    """Do things in one turn of the event loop; returns which greenlets did them.

    They are told by their numbers: a greenlet that somebody refers to serves once.
    """
    ran: list[int] = []
    done = gevent.event.Event()

    def noted(function: Callable[[], object]) -> Callable[[], None]:
        def call() -> None:
            ran.append(number())
            function()

        return call

    for each in functions:
        pool.add(noted(each))
    pool.add(done.set)
    done.wait()
    return ran


def test_what_is_ready_together_is_done_by_one_greenlet(pool: Pool) -> None:
    seen: list[int] = []
    first = do(
        pool, *(lambda number=number: seen.append(number) for number in range(9))
    )
    later = do(pool, lambda: None)
    assert seen == list(range(9))
    assert len({*first, *later}) == 1


def test_whoever_waits_keeps_its_greenlet_and_others_go_on(pool: Pool) -> None:
    go_on = gevent.event.Event()
    seen: list[str] = []

    def wait() -> None:
        go_on.wait()
        seen.append("waited")

    ran = do(pool, wait, lambda: seen.append("second"), lambda: seen.append("third"))
    assert seen == ["second", "third"]
    assert ran[0] != ran[1] == ran[2]
    go_on.set()
    wait_for(lambda: len(seen) == 3, "the first goes on")


def test_few_greenlets_stay(
    pool: Pool, greenlets: Callable[[], list[gevent.Greenlet[..., Any]]]
) -> None:
    go_on = gevent.event.Event()
    do(pool, *[go_on.wait] * 20)
    assert len(greenlets()) == 21
    go_on.set()
    wait_for(lambda: len(greenlets()) <= MOST_IDLE, "the others end")


@pytest.mark.parametrize("waits", [False, True])
def test_nobody_finds_what_another_has_kept_for_its_greenlet(
    pool: Pool, waits: bool
) -> None:
    own, variable = gevent.local.local(), contextvars.ContextVar("variable", default=0)
    found: list[tuple[bool, int]] = []

    def keep() -> None:
        found.append((hasattr(own, "user"), variable.get()))
        own.user = "ada"
        variable.set(1)
        if waits:
            gevent.sleep(0)

    def keep_variable() -> None:
        found.append((hasattr(own, "user"), variable.get()))
        variable.set(2)

    do(pool, keep, keep_variable, keep_variable, keep)
    do(pool, keep_variable)
    assert found == [(False, 0)] * 5


def leave_timeout() -> None:
    gevent.Timeout(0.01).start()


def leave_kill() -> None:
    gevent.spawn_later(0.01, gevent.getcurrent().kill)


def leave_own_kill() -> None:
    gevent.getcurrent().kill(block=False)


def leave_switch() -> None:
    current: Any = gevent.getcurrent()
    gevent.get_hub().loop.run_callback(current.switch)


def leave_attribute() -> None:
    current: Any = gevent.getcurrent()
    assert not hasattr(current, "user")
    current.user = "ada"


def wait_and_leave_timeout() -> None:
    gevent.sleep(0)
    gevent.Timeout(0.01).start()


@pytest.mark.parametrize(
    "leave",
    [
        *(leave_timeout, leave_kill, leave_own_kill, leave_switch, leave_attribute),
        wait_and_leave_timeout,
    ],
)
def test_nothing_that_one_has_left_reaches_another(
    pool: Pool, leave: Callable[[], object], unhandled: list[BaseException]
) -> None:
    ended: list[str] = []

    def wait() -> None:
        assert not hasattr(gevent.getcurrent(), "user")
        gevent.sleep(0.05)
        ended.append("waited")

    do(pool, leave, leave, wait, wait)
    wait_for(lambda: len(ended) == 2, "both have waited")
    do(pool, wait)
    wait_for(lambda: len(ended) == 3, "the third, too")
    assert unhandled == []


def test_who_waits_for_work_is_woken_by_nothing_else(
    pool: Pool, greenlets: Callable[[], list[gevent.Greenlet[..., Any]]]
) -> None:
    seen: list[str] = []
    woken = gevent.event.Event()

    def wait() -> None:
        seen.append("begun")
        woken.wait()
        seen.append("woken")

    do(pool, lambda: None)
    [worker] = greenlets()
    gevent.get_hub().loop.run_callback(worker.switch)  # not by the pool
    del worker
    gevent.sleep(0)
    do(pool, wait)
    do(pool, lambda: seen.append("another"))
    assert seen == ["begun", "another"]
    woken.set()
    wait_for(lambda: seen[-1] == "woken", "it goes on")


def test_data_that_is_harmless_keeps_no_greenlet(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = gevent.local.local()
    monkeypatch.setattr(
        "tgext.socketio.engine.concurrency.pool.HARMLESS",
        [*HARMLESS, lambda: setattr(own, "stack", [])],
    )
    ran = do(pool, *[lambda: own.stack.append(1)] * 3)
    assert len(set(ran)) == 1


def test_a_failure_ends_one_thing(pool: Pool, unhandled: list[BaseException]) -> None:
    error = LookupError()

    def fail() -> None:
        raise error

    assert len(do(pool, fail, lambda: None, fail, lambda: None)) == 4
    assert unhandled == [error, error]


def test_once_closed_greenlets_end_when_nothing_is_ready(
    pool: Pool, greenlets: Callable[[], list[gevent.Greenlet[..., Any]]]
) -> None:
    do(pool, lambda: None)
    pool.close()
    wait_for(lambda: not greenlets(), "it ends")
    do(pool, lambda: None)
    wait_for(lambda: not greenlets(), "it ends again")
    pool.open()
    do(pool, lambda: None)
    assert len(greenlets()) == 1


#: What things do: nothing, wait a turn, wait for a later thing, or add another thing.
KINDS = strategies.lists(strategies.sampled_from(["go", "turn", "wait", "add"]))


@given(turns=strategies.lists(KINDS, max_size=6))
def test_each_thing_is_done_once_and_begins_in_its_order(
    turns: list[list[str]],
) -> None:
    pool = Pool()
    begun: list[int] = []
    ended: list[int] = []
    last = gevent.event.Event()
    expected = 0

    def thing(number: int, kind: str) -> None:
        begun.append(number)
        if kind == "turn":
            gevent.sleep(0)
        elif kind == "wait":
            last.wait()
        elif kind == "add":
            pool.add(lambda: None)
        ended.append(number)

    for kinds in turns:
        for kind in kinds:
            pool.add(lambda number=expected, kind=kind: thing(number, kind))  # type: ignore[misc]
            expected += 1
        gevent.sleep(0)
    wait_for(lambda: len(begun) == expected, "all begin")
    last.set()
    wait_for(lambda: len(ended) == expected, "all end")
    assert begun == list(range(expected)) == sorted(ended)
    assert not len(pool)
    pool.close()
    gevent.sleep(0)


# What can wait


def busy(seconds: float) -> None:
    until = perf_counter() + seconds
    while perf_counter() < until:
        pass


def test_what_can_wait_is_done_after_what_is_ready(pool: Pool) -> None:
    order: list[str] = []
    done = gevent.event.Event()
    pool.add_later(lambda: order.append("later"))
    pool.add_later(done.set)
    for _ in range(3):
        pool.add(lambda: order.append("now"))
    done.wait()
    assert order == ["now", "now", "now", "later"]


def test_what_comes_meanwhile_does_not_wait_for_all_that_can_wait(pool: Pool) -> None:
    """Thousands of clients connect, and one that is there already sends something."""
    began: list[float] = []
    waited: list[float] = []
    done = gevent.event.Event()

    def serve() -> None:
        waited.append(len(began))

    for _ in range(100):
        pool.add_later(lambda: (began.append(perf_counter()), busy(SLICE / 2)))
    pool.add_later(done.set)
    for _ in range(5):
        gevent.sleep(SLICE)
        pool.add(serve)
    assert not done.is_set()
    done.wait()
    # A few are done in each turn, and what has come is served between them.
    assert len(waited) == 5
    assert max(waited) < 60


def test_one_is_done_in_each_turn_however_long_the_others_take(pool: Pool) -> None:
    done = gevent.event.Event()
    turns = 0
    input_comes = gevent.get_hub().loop.timer(0.0)

    def come_again() -> None:
        nonlocal turns
        turns += 1
        busy(2 * SLICE)
        input_comes.stop()
        if not done.is_set():
            input_comes.start(pool.add, come_again)

    pool.add(come_again)
    for _ in range(3):
        pool.add_later(lambda: busy(2 * SLICE))
    pool.add_later(done.set)
    done.wait()
    assert turns < 20
    input_comes.close()
    gevent.sleep(0.02)


def test_what_can_wait_may_wait_itself(pool: Pool) -> None:
    go_on, done = gevent.event.Event(), gevent.event.Event()
    for _ in range(5):
        pool.add_later(go_on.wait)
    pool.add_later(done.set)
    done.wait()
    pool.add(go_on.set)
    assert do(pool, lambda: None)
