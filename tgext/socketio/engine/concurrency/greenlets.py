"""Greenlets that belong to something, and end with it."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import gevent
from gevent import Greenlet, GreenletExit

from ..logs import get_logger
from .failures import FAILURES, log_failure
from .interruption import Interrupted
from .threads import HasHome

log = get_logger(__name__)

if TYPE_CHECKING:
    _Greenlet = Greenlet[..., Any]
else:
    _Greenlet = Greenlet


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
        self._check_jobs()
        return self._begin_job(function, args, kwargs)

    def _start_own_job(self, function: Callable[..., Any], *args: Any) -> None:
        """Run what is the package's own: no more than acks, or namespaces.

        After the end nothing runs.
        """
        if not self._is_over():
            self._begin_job(function, args, {})

    def _begin_job(
        self, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Greenlet[..., Any]:
        job = Job.spawn(_run, function, *args, **kwargs)
        self.jobs.append(job)
        job.rawlink(self._forget_job)
        return job

    @abstractmethod
    def _check_jobs(self) -> None:
        """One more is about to begin.

        :raises LimitExceeded: when the connection has ``max_jobs`` already.
        """

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


class _Failure:
    """What a job returns that failed."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Job(_Greenlet):
    """A greenlet whose failure is in the log.

    gevent would write the traceback to stderr, with whatever a client put into it, and
    end the process for some exceptions. Whoever asks the greenlet is told what was
    raised, as by any.
    """

    @property
    def _failure(self) -> BaseException | None:
        result: object = super().value
        return result.error if isinstance(result, _Failure) else None

    @property
    def value(self) -> Any:  # type: ignore[override]
        return None if self._failure is not None else super().value

    @property
    def exception(self) -> BaseException | None:
        return super().exception if self._failure is None else self._failure

    @property
    def exc_info(
        self,
    ) -> tuple[type[BaseException], BaseException, TracebackType | None] | Any:
        error = self._failure
        if error is None:
            return super().exc_info
        return type(error), error, error.__traceback__

    def successful(self) -> bool:
        return self._failure is None and super().successful()


def _run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except (Interrupted, GreenletExit):
        raise  # as gevent ends a greenlet
    except FAILURES as error:
        called = inspect.unwrap(function)
        log_failure(log, "Job %s failed", getattr(called, "__qualname__", called))
        return _Failure(error)
