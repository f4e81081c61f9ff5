"""Interrupting a greenlet from another one."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from tests.native import start_native
from tgext.socketio.engine.concurrency.interruption import (
    Interrupted,
    in_own_greenlet,
    interrupt,
    sheltered,
)


def test_a_greenlet_that_waits_is_interrupted_where_it_waits() -> None:
    done: list[str] = []

    def work() -> None:
        try:
            Event().wait()
        except Exception:
            done.append("caught as an error")
        finally:
            done.append("cleaned up")

    greenlet = gevent.spawn(work)
    gevent.sleep(0)
    interrupt(greenlet, Interrupted("too late"))
    assert not greenlet.dead
    greenlet.join()
    assert done == ["cleaned up"]


def test_a_greenlet_that_has_gone_on_is_not_interrupted() -> None:
    go_on, over = Event(), Event()

    def work() -> Any:
        busy.append(True)
        go_on.wait()
        busy.clear()
        over.wait()
        return "the end"

    busy: list[bool] = []
    greenlet = gevent.spawn(work)
    gevent.sleep(0)
    go_on.set()
    interrupt(greenlet, Interrupted(), lambda: bool(busy))
    gevent.sleep(0)
    over.set()
    assert greenlet.get() == "the end"


def test_one_that_has_ended_is_left_alone() -> None:
    greenlet = gevent.spawn(lambda: "the end")
    interrupt(greenlet, Interrupted())
    assert greenlet.get() == "the end"
    gevent.sleep(0)


def test_any_error_can_be_raised() -> None:
    greenlet = gevent.spawn(Event().wait)
    gevent.sleep(0)
    interrupt(greenlet, TimeoutError("too late"))
    with pytest.raises(TimeoutError):
        greenlet.get()


def test_what_is_sheltered_ends_though_its_caller_is_interrupted() -> None:
    go_on, done = Event(), Event()

    def send(text: str) -> None:
        go_on.wait()
        seen.append(text)
        done.set()

    def work() -> None:
        try:
            sheltered(send, "committed")
        finally:
            seen.append("interrupted")

    seen: list[str] = []
    greenlet = gevent.spawn(work)
    gevent.sleep(0)
    greenlet.kill(Interrupted)
    assert seen == ["interrupted"]
    go_on.set()
    assert done.wait(10)
    assert seen == ["interrupted", "committed"]


@pytest.mark.parametrize("start", [gevent.spawn, start_native])
def test_what_is_sheltered_raises_to_its_caller(start: Any) -> None:
    def fail() -> None:
        raise KeyError("no broker")

    with pytest.raises(KeyError, match="no broker"):
        start(lambda: sheltered(fail)).get()
    with pytest.raises(KeyError, match="no broker"):
        sheltered(fail)


def test_a_function_runs_in_a_greenlet_of_its_own() -> None:
    assert in_own_greenlet(gevent.getcurrent) is not gevent.getcurrent()
    with pytest.raises(ZeroDivisionError):
        in_own_greenlet(divmod, 1, 0)


def test_who_is_interrupted_interrupts_what_it_waits_for() -> None:
    ended: list[str] = []
    begun = Event()

    def work() -> None:
        try:
            begun.set()
            Event().wait()
        finally:
            ended.append("cleaned up")

    greenlet = gevent.spawn(in_own_greenlet, work)
    begun.wait()
    greenlet.kill(Interrupted)
    gevent.sleep(0)
    assert ended == ["cleaned up"]
