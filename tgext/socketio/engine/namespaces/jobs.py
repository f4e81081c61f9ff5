"""Jobs: the greenlets of a namespace, which end with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent import Greenlet

from ..concurrency.greenlets import Jobs, end_jobs, ended_job, start_job
from ..concurrency.threads import Home, carried
from .client import Candidate, Client


class Spawning:
    """The part of a namespace that runs jobs.

    :ivar jobs: the greenlets that :meth:`spawn` started and that still run.
    """

    socket: Client
    jobs: list[Greenlet[..., Any]]
    ns_name: str
    _tgsio_candidate: Candidate | None
    _tgsio_ended: bool
    _tgsio_decorated: Callable[[Callable[..., Any]], Callable[..., Any]]

    @property
    def _tgsio_home(self) -> Home:
        """The thread that serves the connection."""
        return self.socket._tgsio_home

    def spawn(
        self, fn: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Greenlet[..., Any]:
        """Run a function in a greenlet that ends with the namespace.

        After the end of the namespace, the greenlet has ended already.

        :raises LimitExceeded: when the connection has ``max_jobs`` of these already.
        :raises WrongThread: when called in a thread other than the server's.
        """
        self._tgsio_home.require("a greenlet")
        fn = self.socket.runner.job(self._tgsio_decorated(fn), self.ns_name)
        if self._tgsio_is_over():
            return ended_job(fn)
        namespaces = {self, *self.socket.active_ns.values()}
        self.socket.account.check(
            "max_jobs", sum(len(each.jobs) for each in namespaces)
        )
        if type(self.jobs) is list:  # an application's own
            self.jobs = Jobs(self.jobs)
        return start_job(self.jobs, fn, args, kwargs)

    def _tgsio_is_over(self) -> bool:
        candidate = self._tgsio_candidate
        return (
            self._tgsio_ended
            or self.socket.ended
            or (candidate is not None and not candidate.open)
        )

    @carried
    def kill_local_jobs(self) -> None:
        """End the greenlets of :meth:`spawn`; the current one ends when it waits."""
        end_jobs(self.jobs)
