"""Waking a greenlet from callbacks of the event loop."""

from __future__ import annotations

from typing import Any

from gevent.exceptions import ConcurrentObjectUseError
from gevent.hub import Waiter

from .threads import get_ident, home

_TIMED_OUT = object()


class Waiting:
    """Lets one greenlet wait until it is woken. True while one waits."""

    __slots__ = ("_home", "_loop", "_waiter")

    def __init__(self) -> None:
        self._home = home()
        self._loop = self._home.loop
        self._waiter: Any = None

    def __bool__(self) -> bool:
        return self._waiter is not None

    def wait(self, timeout: float | None) -> None:
        """Wait until :meth:`wake` or :meth:`switch` is called.

        :param timeout: seconds to wait at most; None for no limit.
        :raises TimeoutError: when it was not woken in time.
        :raises ConcurrentObjectUseError: when another greenlet waits.
        :raises WrongThread: when called in a thread other than the server's.
        """
        if get_ident() != self._home.ident:
            self._home.require("waiting for a message")
        if self._waiter is not None:
            raise ConcurrentObjectUseError("another greenlet waits for a message")
        waiter = self._waiter = Waiter()
        timer = None
        if timeout is not None:
            timer = self._loop.timer(max(timeout, 0.0))
            timer.start(waiter.switch, _TIMED_OUT)
        try:
            if waiter.get() is _TIMED_OUT:
                raise TimeoutError(f"no message in {timeout} s")
        finally:
            self._waiter = None
            if timer is not None:
                timer.stop()
                timer.close()

    def wake(self) -> None:
        """Wake the waiting greenlet in the next turn of the event loop."""
        if self._waiter is not None:
            self._loop.run_callback(self.switch)

    def switch(self) -> None:
        """Switch to the waiting greenlet at once; only at the end of a callback."""
        if self._waiter is not None:
            self._waiter.switch(None)
