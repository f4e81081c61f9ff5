"""Jobs: what ``spawn`` runs, inside its application and outside of any event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent import GreenletExit

from ..engine.concurrency.failures import FAILURES, ConnectionLost, Reported
from ..engine.concurrency.interruption import Interrupted
from .connection import Connection
from .context import configs, contexts
from .event import Job
from .failures import log_job_failure
from .transactions import end_transaction


def as_job(
    function: Callable[..., Any], connection: Connection, endpoint: str | None
) -> Callable[..., Any]:
    """Wrap a function that runs as a job of a connection.

    At its end, the transaction that it left open is rolled back, and what TurboGears
    closes after a page is closed.

    :param endpoint: the namespace that begins it; None when the connection does.
    :returns: a function that raises :class:`Reported` when it failed, after the failure
        was logged and reported.
    """
    return _Job(function, connection, endpoint)


class OfAJob:
    """A function that a job runs as an event; the job handles its failure.

    :param function: called without arguments.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    def __call__(self) -> Any:
        return self._function()


class _Job:
    def __init__(
        self,
        function: Callable[..., Any],
        connection: Connection,
        endpoint: str | None,
    ) -> None:
        self._function = self.__wrapped__ = function
        self._connection = connection
        self._endpoint = endpoint

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # The job may outlive the time when its configuration is that of the process.
        outer, stack = contexts(), configs()
        context = Job(self._connection)
        outer.append((context, False))
        stack.append((self._connection.config, False))
        try:
            return self._function(*args, **kwargs)
        except (Interrupted, GreenletExit):
            raise
        except FAILURES as error:
            self._report(context, error)
            raise Reported from error
        finally:
            try:
                self._close(context)
            finally:
                outer.pop()
                stack.pop()
                if context.has_environ:
                    context.forget_request()

    def _close(self, context: Job) -> None:
        try:
            end_transaction(context, self._function, self._endpoint or "")
        finally:
            close = self._connection.application.close_resources
            if close is not None:
                close()

    def _report(self, context: Job, error: BaseException) -> None:
        connection = self._connection
        user, session = connection.lookup.user, connection.socket.log_name
        log_job_failure(self._function, self._endpoint, user, session)
        report = connection.application.report
        if report is not None and type(error) is not ConnectionLost:
            report(context.environ)
