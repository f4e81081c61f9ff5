"""Jobs: greenlets of a namespace, whose failures are logged."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import pytest
from gevent import Greenlet, GreenletExit
from gevent.event import Event

from tgext.socketio.engine.namespace import BaseNamespace

from ..clients import DEADLINE, wait_for
from ..conftest import Serve


class Working(BaseNamespace):
    """Spawns the functions that a test passes.

    :cvar made: the namespaces, by order of connecting.
    """

    made: list[Any]

    def recv_connect(self) -> None:
        self.made.append(self)


@pytest.fixture
def namespace(serve: Serve) -> BaseNamespace:
    """A namespace whose client is connected."""
    made: list[Any] = []
    live = serve({"/chat": type("Own", (Working,), {"made": made})})
    live.client().join("/chat")
    namespace: BaseNamespace = made[0]
    return namespace


def fail() -> None:
    raise LookupError("a client's words")


def test_a_job_that_returns(namespace: BaseNamespace) -> None:
    job = namespace.spawn(divmod, 7, 2)
    assert job.get(timeout=DEADLINE) == (3, 1)
    assert job.value == (3, 1)
    assert job.successful()
    assert job.exception is None
    assert tuple(job.exc_info or ()) in ((), (None, None, None))


def test_a_job_that_fails_is_logged_and_tells_who_asks(
    namespace: BaseNamespace,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """gevent would write the traceback to stderr."""
    with caplog.at_level(logging.ERROR):
        job = namespace.spawn(fail)
        job.join(DEADLINE)
    assert [each.getMessage() for each in caplog.records] == ["Job fail failed"]
    assert capsys.readouterr().err == ""
    assert not job.successful()
    assert job.value is None
    assert isinstance(job.exception, LookupError)
    kind, error, traceback = job.exc_info
    assert (kind, error) == (LookupError, job.exception)
    assert traceback is error.__traceback__


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_job_ends_no_server(
    namespace: BaseNamespace, caplog: pytest.LogCaptureFixture, error: Any
) -> None:
    """Exceptions for which gevent would end the process are ordinary failures."""

    def stop() -> None:
        raise error

    with caplog.at_level(logging.ERROR):
        job = namespace.spawn(stop)
        job.join(DEADLINE)
    assert len(caplog.records) == 1
    assert isinstance(job.exception, error)


def test_a_job_that_is_killed_is_no_failure(
    namespace: BaseNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    job = namespace.spawn(Event().wait)
    gevent.sleep(0)
    with caplog.at_level(logging.ERROR):
        job.kill()
    assert isinstance(job.value, GreenletExit)
    assert job.successful()
    assert not caplog.records


def test_a_job_is_known_while_it_runs(namespace: BaseNamespace) -> None:
    go_on = Event()
    job = namespace.spawn(go_on.wait, DEADLINE)
    assert namespace.jobs == [job]
    go_on.set()
    wait_for(lambda: not namespace.jobs, "it is forgotten")


def test_jobs_that_are_killed_end_where_they_wait(namespace: BaseNamespace) -> None:
    ended: list[str] = []

    def work(name: str) -> None:
        try:
            Event().wait()
        finally:
            ended.append(name)

    jobs = [namespace.spawn(work, name) for name in "abc"]
    gevent.sleep(0)
    namespace.kill_local_jobs()
    gevent.joinall(jobs, timeout=DEADLINE)
    assert sorted(ended) == ["a", "b", "c"]
    assert namespace.jobs == []


def test_a_job_may_kill_all_and_go_on_to_where_it_waits(
    namespace: BaseNamespace,
) -> None:
    notes: list[str] = []

    def work() -> None:
        namespace.kill_local_jobs()
        notes.append("goes on")
        gevent.sleep(DEADLINE)
        notes.append("and on")

    namespace.spawn(work).join(DEADLINE)
    assert notes == ["goes on"]


def test_after_the_end_a_job_has_ended_before_it_begins(
    namespace: BaseNamespace,
) -> None:
    calls: list[int] = []
    namespace.disconnect()
    job: Greenlet[..., Any] = namespace.spawn(calls.append, 1)
    job.join()
    job.kill()
    assert isinstance(job.get(), GreenletExit)
    assert job.dead
    assert namespace.jobs == []
    assert not calls
