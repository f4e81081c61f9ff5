"""The timer wheel, and the heartbeats and deadlines in it.

A :class:`Wheel` serves the timers of all connections with one timer of the event loop.
A :class:`Heartbeat` pings one connection, and ends it when it does not answer. A
:class:`Deadline` calls a function once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent import get_hub

from ..logs import get_logger
from .clock import follow, monotonic
from .failures import FAILURES
from .timetable import TICK, Entry, Timetable

log = get_logger(__name__)

#: Seconds of delay after which a heartbeat counts as late: the process was busy.
LATE = 0.02

#: Seconds that a late heartbeat waits for input that the peer sent meanwhile.
LAST_CHANCE = 0.05


class Wheel:
    """Calls its entries when they are due, all from one timer of the event loop.

    The timer runs while there are entries. After the last one is discarded, the timer
    runs until the tick of that one at the latest: stopping it at once would make each
    `discard` slower.

    :param tick: the resolution of short times, in seconds.
    """

    def __init__(self, tick: float = TICK) -> None:
        self._table = Timetable(tick)
        self._timer: Any = None
        follow(self)

    def __len__(self) -> int:
        return len(self._table)

    def add(self, entry: Entry, delay: float) -> None:
        """Call ``entry`` in ``delay`` seconds. It must not be in the wheel yet."""
        if self._table.add(entry, delay, monotonic()):
            self._set_timer()

    def discard(self, entry: Entry) -> None:
        """Remove ``entry``, if it is in the wheel."""
        self._table.discard(entry)

    def close(self) -> None:
        """Remove all entries and stop the timer."""
        self._table.clear()
        self._set_timer()

    def next_due(self) -> float | None:
        """The time at which the next entry is due; None without entries."""
        return self._table.next_due()

    def clock_moved(self) -> None:
        """Call what is due now."""
        self._set_timer()

    def _set_timer(self) -> None:
        """Set the event loop's timer to the next entry."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
        due = self._table.next_due()
        if due is not None:
            delay = max(0.0, due - monotonic())
            self._timer = get_hub().loop.timer(delay)
            # `update`: the loop's cached time may be old, and the timer would be early.
            self._timer.start(self._advance, update=True)

    def _advance(self) -> None:
        try:
            for entry in self._table.take_due(monotonic()):
                self._call(entry)
        finally:
            if len(self._table):
                self._set_timer()
            else:
                self.close()

    def _call(self, entry: Entry) -> None:
        try:
            delay = entry.on_timer(monotonic())
        except FAILURES:
            log.exception("A timer failed")
            return
        if delay is not None:
            self._table.add(entry, delay, monotonic())


def nothing(*args: object) -> None:
    """What is called instead of a method of an object that has ended."""


class Deadline:
    """Calls ``expire`` once, unless it is discarded before."""

    __slots__ = ("expire", "slot")

    def __init__(self, expire: Callable[[], object]) -> None:
        self.expire = expire
        self.slot = -1

    def let_go(self) -> None:
        """Refer to what it would have ended no longer."""
        self.expire = nothing

    def on_timer(self, now: float) -> float | None:
        self.expire()
        return None


class Heartbeat:
    """Pings one connection, and ends it when no input follows in time.

    :param interval: seconds between pings.
    :param timeout: seconds after an unanswered ping at which the connection ends.
    :param ping: sends a ping, or does other work of each interval; must not block.
    :param expire: called once to end the connection; must not block.
    :param now: the time, in seconds of the monotonic clock.

    :ivar unanswered: when the first of the unanswered pings was sent; 0 when there is
        none.
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
        self._next_ping = (monotonic() if now is None else now) + interval
        self.unanswered = 0.0
        self._last_chance = False
        #: Set by the reader when there was input.
        self.heard = False
        #: Set while a handler runs. Input is not read then, so missing pongs do not
        #: count.
        self.busy = False
        #: Set while input is read although a handler runs.
        self.listening = False
        self.slot = -1

    def let_go(self) -> None:
        """Refer to the connection no longer: it has ended, or another watches it."""
        self._ping = self.expire = nothing

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
            # Input may be unread because the process was busy: let the loop read once
            # more.
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
