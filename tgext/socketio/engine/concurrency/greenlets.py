"""Greenlets that belong to a connection or a namespace, and end with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

import gevent
from gevent import Greenlet, GreenletExit

from ..logs import get_logger
from .failures import FAILURES, Reported, log_failure
from .interruption import Interrupted

log = get_logger(__name__)

if TYPE_CHECKING:
    _Greenlet = Greenlet[..., Any]
else:
    _Greenlet = Greenlet


class Jobs(list[Any]):
    """Greenlets that run; each is removed when it ends."""

    __slots__ = ()

    def remove(self, job: Greenlet[..., Any]) -> None:
        """Remove a job. No effect for one that has ended and was removed already.

        gevent-socketio keeps a job that has ended, and applications remove it.
        """
        if job in self or not job.dead:
            super().remove(job)


def start_job(
    jobs: list[Greenlet[..., Any]],
    function: Callable[..., Any],
    args: Any = (),
    kwargs: Any = MappingProxyType({}),
) -> Greenlet[..., Any]:
    """Run a function in a greenlet that is in ``jobs`` while it runs.

    A failure is logged; see :class:`Job`.
    """
    job = Job.spawn(_run, function, *args, **kwargs)
    jobs.append(job)
    job.rawlink(partial(_forget, jobs))
    return job


def _forget(jobs: list[Greenlet[..., Any]], job: Greenlet[..., Any]) -> None:
    if job in jobs:
        jobs.remove(job)


def end_jobs(jobs: list[Greenlet[..., Any]]) -> None:
    """End the greenlets in ``jobs``, and remove them from it.

    The current greenlet, if it is one of them, ends when it next waits.
    """
    ending = list(jobs)
    jobs.clear()
    gevent.killall(ending, exception=Interrupted, block=False)


def ended_job(function: Callable[..., Any]) -> Greenlet[..., Any]:
    """What ``spawn`` returns when nothing is run, because the connection has ended.

    :returns: a greenlet that has ended: its ``join``, ``kill`` and ``get`` return at
        once.
    """
    log.debug("Not spawned, the connection has ended: %r", function)
    job = Greenlet(function)
    job.kill(Interrupted, block=False)
    return job


class _Failure:
    """What a job that failed returns."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Job(_Greenlet):
    """A greenlet whose failure is logged.

    gevent would write the traceback to stderr without escaping text of clients, and
    would end the process for some exceptions. ``exception`` and similar attributes are
    the same as those of any greenlet.
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
    except Reported as reported:
        return _Failure(reported.__cause__ or reported)
    except FAILURES as error:
        called = inspect.unwrap(function)
        log_failure(log, "Job %s failed", getattr(called, "__qualname__", called))
        return _Failure(error)
