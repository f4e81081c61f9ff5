"""Work that several greenlets need, and one of them does."""

from __future__ import annotations

import traceback
from typing import Any

import gevent
import pytest
from gevent import Greenlet, GreenletExit
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.clients import DEADLINE
from tests.wire.strategies import SOME
from tgext.socketio.backends.together import Together


class Work:
    """Continues when a test allows it, with the outcome that the test sets."""

    def __init__(self) -> None:
        self.together = Together()
        self.calls = 0
        self.go_on = Event()
        self.error: Exception | None = None

    def __call__(self) -> None:
        self.calls += 1
        assert self.go_on.wait(DEADLINE)
        if self.error is not None:
            raise self.error

    def ask(self, number: int) -> list[Greenlet[..., Any]]:
        jobs: list[Any] = [gevent.spawn(self.together.do, self) for _ in range(number)]
        gevent.sleep(0)
        return jobs


def test_one_does_it_for_all() -> None:
    work = Work()
    jobs = work.ask(5)
    assert work.together.under_way
    work.go_on.set()
    results = [job.get(timeout=DEADLINE) for job in jobs]
    assert results == [True, False, False, False, False]
    assert work.calls == 1
    assert not work.together.under_way


def test_each_has_the_failure_as_an_error_of_its_own() -> None:
    """What the first was handling is not in the log of the others."""
    work, errors = Work(), []

    def need(user: str) -> None:
        try:
            raise KeyError(f"card of {user}")
        except KeyError:
            try:
                work.together.do(work)
            except OSError as error:
                errors.append("".join(traceback.format_exception(error)))

    jobs = [gevent.spawn(need, user) for user in ("ann", "bob", "eve")]
    gevent.sleep(0)
    work.error = OSError("no broker")
    work.go_on.set()
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    assert ["card of ann" in each for each in errors] == [True, False, False]
    assert "card of eve" not in errors[1]
    assert all("no broker" in each for each in errors)


def test_who_comes_later_has_it_done_anew() -> None:
    work = Work()
    work.go_on.set()
    assert work.together.do(work)
    assert work.together.do(work)
    assert work.calls == 2


def test_its_failure_is_that_of_all() -> None:
    """If each tried again, the last one would wait for all others."""
    work = Work()
    work.error = LookupError("away")
    jobs = work.ask(5)
    work.go_on.set()
    gevent.joinall(jobs, timeout=DEADLINE)
    assert {type(job.exception) for job in jobs} == {LookupError}
    assert work.calls == 1
    work.error = None
    assert work.together.do(work)


@pytest.mark.parametrize("error", [GreenletExit, gevent.Timeout])
def test_where_the_first_was_ended_another_does_it(error: Any) -> None:
    work = Work()
    first, *others = work.ask(3)
    first.kill(error)
    gevent.sleep(0)
    assert work.together.under_way
    work.go_on.set()
    assert sorted(job.get(timeout=DEADLINE) for job in others) == [False, True]
    assert work.calls == 2


@SOME
@given(st.lists(st.sampled_from(["ask", "kill", "finish", "fail"]), max_size=12))
def test_whatever_happens_nobody_waits_for_ever(steps: list[str]) -> None:
    work = Work()
    jobs: list[Greenlet[..., Any]] = []
    for step in steps:
        if step == "ask":
            jobs += work.ask(1)
        elif step == "kill" and jobs:
            jobs[len(steps) % len(jobs)].kill()
        elif step in ("finish", "fail"):
            work.error = LookupError("away") if step == "fail" else None
            work.go_on.set()
            gevent.sleep(0)
            work.go_on.clear()
        for _ in range(len(jobs) + 2):
            gevent.sleep(0)  # each waiting greenlet gets the error
        assert work.together.under_way == any(not job.dead for job in jobs)
    work.go_on.set()
    gevent.joinall(jobs, timeout=DEADLINE)
    assert all(job.dead for job in jobs)
    assert not work.together.under_way
