"""What is due when: the timers of many connections, without a clock.

Entries are kept by the tick in which they are due. Short times are kept to a tick, long
ones to 25 of them, so that ten thousand connections with one heartbeat share a few
hundred ticks, and a time of 0.3 seconds is right to a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Protocol

#: Seconds to which short times are kept.
TICK = 0.002

#: A time of so many ticks or more is long...
LONG = 500

#: ...and kept to so many.
COARSE = 25


class Entry(Protocol):
    """What a timetable carries."""

    #: The tick in which the entry is due, -1 outside a timetable; the timetable's own.
    slot: int

    def on_timer(self, now: float) -> float | None:
        """Called in the hub when due: must not block.

        :returns: the seconds to the next call, or None to leave.
        """


class Timetable:
    """Entries by the time at which they are due. Time is an argument, in seconds.

    :ivar ticks: the ticks in which something may be due, the next one first: a heap.
    """

    __slots__ = ("_size", "_slots", "tick", "ticks")

    def __init__(self, tick: float = TICK) -> None:
        self.tick = tick
        self._slots: dict[int, set[Entry]] = {}
        #: Those that have a set in `_slots`.
        self.ticks: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, entry: Entry, delay: float, now: float) -> bool:
        """Have ``entry`` come ``delay`` seconds from ``now``; it must not be here yet.

        It never comes early, and late by a tick at most, or by :data:`COARSE` ticks if
        the time is :data:`LONG`.

        :returns: whether it is due before all others.
        """
        slot = int((now + delay) / self.tick) + 1
        if delay >= LONG * self.tick:
            slot = -(-slot // COARSE) * COARSE
        entry.slot = slot
        self._size += 1
        entries = self._slots.get(slot)
        if entries is not None:
            entries.add(entry)
            return False
        self._slots[slot] = {entry}
        heappush(self.ticks, slot)
        return self.ticks[0] == slot

    def discard(self, entry: Entry) -> None:
        """Forget ``entry``, if it is here."""
        if entry.slot < 0:
            return
        # The set stays, empty, until its tick comes.
        self._slots[entry.slot].discard(entry)
        entry.slot = -1
        self._size -= 1

    def clear(self) -> None:
        """Forget all entries."""
        for entries in self._slots.values():
            for entry in entries:
                entry.slot = -1
            entries.clear()  # `take_due` may be at it
        self._slots.clear()
        self.ticks.clear()
        self._size = 0

    def next_due(self) -> float | None:
        """The time at which to look for what is due; None when nothing will be."""
        return self.ticks[0] * self.tick if self.ticks else None

    def take_due(self, now: float) -> Iterator[Entry]:
        """Take out what is due, the earliest first.

        Entries may be added and discarded meanwhile; what joins comes another time.
        """
        # What `next_due` says may be rounded down.
        last = int(now / self.tick + 1e-4)
        ticks = self.ticks
        while ticks and ticks[0] <= last:
            slot = ticks[0]
            entries = self._slots[slot]
            while entries:
                entry = entries.pop()
                entry.slot = -1
                self._size -= 1
                yield entry
            # An entry may have cleared the table.
            if ticks and ticks[0] == slot:
                del self._slots[heappop(ticks)]
