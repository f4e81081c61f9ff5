"""One timer for all connections.

A :class:`Wheel` turns in small ticks and asks each entry that is due what comes next.
A :class:`Heartbeat` pings one connection and gives it up when nothing answers; a
:class:`Deadline` calls a function once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from gevent import get_hub

from .failures import FAILURES

log = logging.getLogger(__name__)

#: Seconds between two turns of the wheel: how exact its times are.
TICK = 0.05


class Entry(Protocol):
    """What a wheel carries."""

    #: The turn at which the entry is due, -1 outside a wheel; the wheel's own.
    slot: int

    def on_timer(self, now: float) -> float | None:
        """Called in the hub when due: must not block.

        :returns: the seconds to the next call, or None to leave the wheel.
        """


class Wheel:
    """Calls its entries when they are due, all from one timer of the event loop.

    The timer runs while there are entries.
    """

    def __init__(self, tick: float = TICK) -> None:
        self._tick = tick
        self._slots: dict[int, set[Entry]] = {}
        self._turn = 0
        self._size = 0
        self._timer: Any = None

    def __len__(self) -> int:
        return self._size

    def add(self, entry: Entry, delay: float) -> None:
        """Have ``entry`` called in ``delay`` seconds; it must not be here yet."""
        if self._timer is None:
            self._turn = self._now()
            self._timer = get_hub().loop.timer(self._tick, self._tick)
            self._timer.start(self._advance)
        entry.slot = max(self._turn, self._now()) + 1 + int(delay / self._tick)
        self._slots.setdefault(entry.slot, set()).add(entry)
        self._size += 1

    def discard(self, entry: Entry) -> None:
        """Forget ``entry``, if it is here."""
        if entry.slot < 0:
            return
        self._slots.get(entry.slot, set()).discard(entry)
        entry.slot = -1
        self._size -= 1
        self._stop_when_empty()

    def close(self) -> None:
        """Forget all entries and stop the timer."""
        for slot in self._slots.values():
            for entry in slot:
                entry.slot = -1
            slot.clear()
        self._size = 0
        self._stop_when_empty()

    def _now(self) -> int:
        return int(time.monotonic() / self._tick)

    def _stop_when_empty(self) -> None:
        if not self._size and self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
            self._slots.clear()

    def _advance(self) -> None:
        now = self._now()
        while self._turn < now and self._timer is not None:
            self._turn += 1
            # Entries that join meanwhile go to a later turn.
            due = self._slots.get(self._turn, set())
            while due:
                self._call(due.pop())
            self._slots.pop(self._turn, None)
            self._stop_when_empty()

    def _call(self, entry: Entry) -> None:
        entry.slot = -1
        self._size -= 1
        try:
            delay = entry.on_timer(time.monotonic())
        except FAILURES:
            log.exception("A timer failed")
            return
        if delay is not None:
            self.add(entry, delay)


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
    """

    __slots__ = (
        "_last_chance",
        "_next_ping",
        "_ping",
        "_timeout",
        "_unanswered",
        "busy",
        "expire",
        "heard",
        "interval",
        "slot",
    )

    def __init__(
        self,
        interval: float,
        timeout: float,
        ping: Callable[[], object],
        expire: Callable[[], object],
    ) -> None:
        self.interval = interval
        self._timeout = timeout
        self._ping = ping
        self.expire = expire
        self._next_ping = time.monotonic() + interval
        #: When the first ping was sent that nothing followed; 0 when none is open.
        self._unanswered = 0.0
        self._last_chance = False
        #: Set by whoever reads: there was input.
        self.heard = False
        #: Set while a handler runs: nobody reads then, so silence proves nothing.
        self.busy = False
        self.slot = -1

    def on_timer(self, now: float) -> float | None:
        if self.heard or self.busy:
            self.heard = False
            self._last_chance = False
            self._unanswered = now if self._unanswered and self.busy else 0.0
        if self._unanswered and now >= self._unanswered + self._timeout:
            if self._last_chance:
                self.expire()
                return None
            # What the peer sent may lie unread because the process was busy: let the
            # loop read once more.
            self._last_chance = True
            return 0.0
        if now >= self._next_ping:
            self._ping()
            self._next_ping = now + self.interval
            self._unanswered = self._unanswered or now
        due = self._next_ping
        if self._unanswered:
            due = min(due, self._unanswered + self._timeout)
        return max(0.0, due - now)
