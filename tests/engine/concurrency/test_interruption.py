"""Interrupting a greenlet from another one."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.concurrency.interruption import Interrupted, interrupt


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
