"""A greenlet that writes what has changed.

What changes while it writes is written together next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import gevent
from gevent import get_hub, getcurrent
from gevent.event import Event

from ...backends.backoff import Backoff
from ...engine.concurrency.failures import ERRORS
from ...engine.logs import get_logger

log = get_logger(__name__)

#: Seconds between two writes, if nobody waits for them.
PAUSE: Final = 0.02

#: Seconds after which a change should be written.
LATE: Final = 0.5


class Writer:
    """Calls a function when it is woken, and now and then.

    :param write: writes what has changed. If it fails, it is called again.
    :param name: of what is written, for the log.
    :param seconds: between two calls, at most.
    """

    def __init__(self, write: Callable[[], object], name: str, seconds: float) -> None:
        self._write = write
        self._name = name
        self._seconds = seconds
        self._waiting: list[Event] = []
        self._woken = Event()
        #: Set when somebody waits.
        self._urgent = Event()
        self._running: Any = None
        self._open = True
        #: The time of the first change that is not written.
        self._since: float | None = None

    @property
    def is_behind(self) -> bool:
        """Whether something has changed long ago that is not written."""
        since = self._since
        return since is not None and time.monotonic() - since > LATE

    def wake(self) -> None:
        """Something has changed. Does not block."""
        if self._since is None:
            self._since = time.monotonic()
        self._woken.set()
        if self._running is None and self._open:
            self._running = gevent.spawn(self._run)

    def wait(self, seconds: float) -> bool:
        """Wait until what has changed is written.

        :param seconds: to wait, at most.
        :returns: whether it is.
        """
        written = Event()
        self._waiting.append(written)
        self._urgent.set()
        self.wake()
        return getcurrent() is not get_hub() and written.wait(seconds)

    def close(self, seconds: float) -> None:
        """Write a last time, and end.

        :param seconds: that this may take.
        """
        self._open = False
        if self._running is not None:
            self._running.kill()
            with gevent.Timeout(seconds, False):  # type: ignore[arg-type]
                self._try()

    def _run(self) -> None:
        backoff = Backoff()
        while True:
            self._woken.wait(self._seconds)
            self._woken.clear()
            self._urgent.clear()
            if self._try():
                backoff.reset()
                self._urgent.wait(PAUSE)
            else:
                gevent.sleep(backoff.next())
                self._woken.set()

    def _try(self) -> bool:
        waiting, self._waiting = self._waiting, []
        since, self._since = self._since, None
        try:
            self._write()
        except ERRORS as error:
            log.warning("Sessions of %s are not written yet: %s", self._name, error)
            self._waiting += waiting
            self._since = since
            return False
        for each in waiting:
            each.set()
        return True
