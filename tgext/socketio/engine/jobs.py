"""Greenlets that belong to something, and end with it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, cast

import gevent
from gevent import Greenlet

from .failures import FATAL, Fatal
from .interruption import Interrupted
from .logs import get_logger
from .threads import HasHome

log = get_logger(__name__)


class Jobs:
    """The part of a namespace, or of a connection, that has greenlets.

    :ivar jobs: those that still run; empty at first.
    """

    jobs: list[Greenlet[..., Any]]

    def _start_job(
        self, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Greenlet[..., Any]:
        cast(HasHome, self)._home.require("a greenlet")
        if self._is_over():
            log.debug("Nothing is spawned any more: %r", function)
            return _ended_job(function)
        job = gevent.spawn(_run, function, *args, **kwargs)
        self.jobs.append(job)
        job.rawlink(self._forget_job)
        return job

    @abstractmethod
    def _is_over(self) -> bool:
        """Whether nothing may begin any more."""

    def _forget_job(self, job: Greenlet[..., Any]) -> None:
        if job in self.jobs:
            self.jobs.remove(job)

    def _end_jobs(self) -> None:
        """End them; one that calls this, when it next waits."""
        jobs, self.jobs = self.jobs, []
        gevent.killall(jobs, exception=Interrupted, block=False)


def _ended_job(function: Callable[..., Any]) -> Greenlet[..., Any]:
    """A greenlet that has ended: its ``join``, ``kill`` and ``get`` return at once."""
    job = Greenlet(function)
    job.kill(Interrupted, block=False)
    return job


def _run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except FATAL as error:
        # gevent would end the process.
        raise Fatal(f"a job raised {type(error).__name__}") from error
