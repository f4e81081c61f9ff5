"""Runs gevent's event loop while a test waits."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from gevent.event import Event

#: Seconds after which a loop that is never idle is left alone.
BUSY = 5.0


def settle() -> None:
    """Run what is ready to run, and what that leads to.

    Handlers that wait for something else, such as a timer or a database, are not waited
    for.
    """
    with gevent.Timeout(BUSY, False):  # type: ignore[arg-type]
        # What was written is read in the next turn of the loop, and its answer in the
        # one after that; the loop is idle when nothing of this is left.
        for _ in range(3):
            gevent.idle()


class Changes:
    """What changes while a greenlet of the test waits for it."""

    def __init__(self) -> None:
        self._changed = Event()

    def tell(self) -> None:
        """Something has changed."""
        self._changed.set()

    def wait_until(self, condition: Callable[[], object], timeout: float) -> bool:
        """Wait until a condition is true.

        :param timeout: seconds to wait at most.
        :returns: whether it is true.
        """
        end = time.monotonic() + timeout
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._changed.clear()
            self._changed.wait(left)
        return True
