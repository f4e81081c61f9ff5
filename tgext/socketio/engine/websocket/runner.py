"""The greenlet in which an application uses its WebSocket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from gevent import getcurrent

from ..concurrency.failures import FAILURES, log_failure
from ..concurrency.heartbeat import Deadline
from ..concurrency.interruption import Interrupted, Overdue, interrupt
from ..hub.hub import Hub
from ..logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")


def call_each(callbacks: Iterable[Callable[[T], object]], ended: T) -> None:
    """Call functions of the application, which must not block.

    Their exceptions are logged, and the other functions are still called.

    :param ended: the argument of each call.
    """
    for callback in callbacks:
        try:
            callback(ended)
        except Interrupted:
            raise
        except FAILURES:
            log_failure(log, "A callback of the end of %s failed", ended)


class Runner:
    """Runs an application, and interrupts it when it does not notice the end.

    An application notices when :meth:`~.wsgi.WebSocket.receive` returns None to it, or
    when it closes the connection itself. Otherwise it is interrupted
    ``shutdown_timeout`` after the end of the connection.

    :param hub: has the timers.
    """

    __slots__ = ("_aware", "_greenlet", "_hub", "_interrupted", "_overdue")

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        #: Set while the application runs.
        self._greenlet: Any = None
        self._aware = False
        self._interrupted = False
        self._overdue: Deadline | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """A context in which the application runs in the current greenlet."""
        self._greenlet = getcurrent()
        try:
            yield
        finally:
            self._greenlet = None
            if self._overdue is not None:
                self._hub.timers.discard(self._overdue)
                self._overdue = None

    @property
    def is_current(self) -> bool:
        """Whether the application runs in the current greenlet."""
        return getcurrent() is self._greenlet

    def notice(self) -> None:
        """Note that the application knows of the end."""
        self._aware = True

    def connection_ended(self) -> None:
        """Start the time in which the application has to notice the end."""
        if self._greenlet is not None:
            self._overdue = Deadline(self._expire)
            self._hub.timers.add(self._overdue, self._hub.settings.shutdown_timeout)

    def _expire(self) -> None:
        if not self._aware:
            self.interrupt()

    def interrupt(self) -> None:
        """Interrupt the application if it runs; only once, so that it can clean up."""
        greenlet, hub = self._greenlet, self._hub
        if greenlet is not None and not self._interrupted:
            self._interrupted = True
            hub.registry.interrupted += 1
            error = Overdue(
                "the client has gone, and shutdown_timeout, "
                f"{hub.settings.shutdown_timeout:g} s, is over"
            )
            interrupt(greenlet, error, lambda: self._greenlet is greenlet)
