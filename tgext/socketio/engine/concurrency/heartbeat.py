"""One timer for all connections.

A :class:`Wheel` asks each entry that is due what comes next.
A :class:`Heartbeat` pings one connection and gives it up when nothing answers; a
:class:`Deadline` calls a function once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gevent import get_hub

from ..logs import get_logger
from .failures import FAILURES
from .timetable import TICK, Entry, Timetable

log = get_logger(__name__)

#: A heartbeat that comes as late as this does so because the process was busy...
LATE = 0.02

#: ...and what the peer sent meanwhile may need so many seconds to be read.
LAST_CHANCE = 0.05


class Wheel:
    """Calls its entries when they are due, all from one timer of the event loop.

    The timer runs while there are entries, and only for those.

    :param tick: seconds to which short times are kept.
    """

    def __init__(self, tick: float = TICK) -> None:
        self._table = Timetable(tick)
        self._timer: Any = None

    def __len__(self) -> int:
        return len(self._table)

    def add(self, entry: Entry, delay: float) -> None:
        """Have ``entry`` called in ``delay`` seconds; it must not be here yet."""
        if self._table.add(entry, delay, time.monotonic()):
            self._set_timer()

    def discard(self, entry: Entry) -> None:
        """Forget ``entry``, if it is here."""
        self._table.discard(entry)
        if not len(self._table):
            self.close()

    def close(self) -> None:
        """Forget all entries and stop the timer."""
        self._table.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        """Have the loop call when the next entry is due."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
        due = self._table.next_due()
        if due is not None:
            delay = max(0.0, due - time.monotonic())
            self._timer = get_hub().loop.timer(delay)
            # By the loop's own clock, which may be behind, it would come early.
            self._timer.start(self._advance, update=True)

    def _advance(self) -> None:
        try:
            for entry in self._table.take_due(time.monotonic()):
                self._call(entry)
        finally:
            if len(self._table):
                self._set_timer()
            else:
                self.close()

    def _call(self, entry: Entry) -> None:
        try:
            delay = entry.on_timer(time.monotonic())
        except FAILURES:
            log.exception("A timer failed")
            return
        if delay is not None:
            self._table.add(entry, delay, time.monotonic())


class Deadline:
    """Calls ``expire`` once, unless it is discarded before."""

    __slots__ = ("expire", "slot")

    def __init__(self, expire: Callable[[], object]) -> None:
        self.expire = expire
        self.slot = -1

    def on_timer(self, now: float) -> float | None:
        self.expire()
        return None


class Heartbeat:
    """Pings one connection, and ends it when no input follows in time.

    :param interval: seconds between pings.
    :param timeout: seconds after an unanswered ping at which the peer is given up.
    :param ping: sends a ping, or does what else is due then; must not block.
    :param expire: called once when the peer is given up; must not block.
    :param now: the time, in seconds of the monotonic clock.

    :ivar unanswered: when the first ping was sent that nothing followed; 0 when all
        are answered.
    """

    __slots__ = (
        "_last_chance",
        "_next_ping",
        "_ping",
        "_timeout",
        "busy",
        "expire",
        "heard",
        "interval",
        "listening",
        "slot",
        "unanswered",
    )

    def __init__(
        self,
        interval: float,
        timeout: float,
        ping: Callable[[], object],
        expire: Callable[[], object],
        now: float | None = None,
    ) -> None:
        self.interval = interval
        self._timeout = timeout
        self._ping = ping
        self.expire = expire
        self._next_ping = (time.monotonic() if now is None else now) + interval
        self.unanswered = 0.0
        self._last_chance = False
        #: Set by whoever reads: there was input.
        self.heard = False
        #: Set while a handler runs: nobody reads then, so silence proves nothing.
        self.busy = False
        #: Set while somebody reads all the same.
        self.listening = False
        self.slot = -1

    def on_timer(self, now: float) -> float | None:
        deaf = self.busy and not self.listening
        if self.heard or deaf:
            self.heard = False
            self._last_chance = False
            self.unanswered = now if self.unanswered and deaf else 0.0
        if self.unanswered and now >= self.unanswered + self._timeout:
            if self._last_chance:
                self.expire()
                return None
            # What the peer sent may lie unread because the process was busy: let the
            # loop read once more.
            self._last_chance = True
            late = now - self.unanswered - self._timeout
            return LAST_CHANCE if late > LATE else 0.0
        if now >= self._next_ping:
            self._ping()
            self._next_ping = now + self.interval
            self.unanswered = self.unanswered or now
        due = self._next_ping
        if self.unanswered:
            due = min(due, self.unanswered + self._timeout)
        return max(0.0, due - now)
