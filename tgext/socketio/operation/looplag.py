"""How late the event loop is: what blocks it delays all clients of the process."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from gevent import get_hub

from ..engine.hub.counts import Timing

#: Seconds between two looks.
INTERVAL: Final = 1.0

#: Seconds without a question after which nobody looks any more.
FORGOTTEN: Final = 600.0


class LoopLag:
    """Looks how late a timer runs, while somebody asks.

    :ivar timing: what was seen.
    """

    def __init__(self, interval: float = INTERVAL) -> None:
        self.timing = Timing()
        self._interval = interval
        self._asked = self._due = 0.0
        self._timer: Any = None

    def ask(self) -> Timing:
        """What was seen so far; begins to look, if nobody does."""
        self._asked = now = monotonic()
        if self._timer is None:
            # Not a greenlet: it waits for its turn among all others.
            every = self._interval
            self._timer = get_hub().loop.timer(every, repeat=every, ref=False)
            self._start(now)
        return self.timing

    def _start(self, now: float) -> None:
        self._due = now + self._interval
        # `start` would set a timer that has run before to the time at which it ran: it
        # would run again at once.
        self._timer.again(self._look, update=True)

    def _look(self) -> None:
        now = monotonic()
        self.timing.add(max(0.0, now - self._due))
        if now - self._asked < FORGOTTEN:
            self._start(now)
        else:
            self._timer.close()
            self._timer = None
