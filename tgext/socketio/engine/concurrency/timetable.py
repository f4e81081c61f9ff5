"""The timer wheel without a clock: its entries, by the time at which they are due.

Entries are grouped by the tick in which they are due. Short times are rounded to one
tick, long ones to 25, so that the heartbeats of ten thousand connections share a few
hundred ticks, and a time of 0.3 seconds is exact to a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Protocol

#: The resolution of short times, in seconds.
TICK = 0.002

#: The least number of ticks of a long time.
LONG = 500

#: The resolution of long times, in ticks.
COARSE = 25


class Entry(Protocol):
    """A timer in a timetable."""

    #: The tick in which the entry is due, -1 outside a timetable. The timetable sets
    #: it.
    slot: int

    def on_timer(self, now: float) -> float | None:
        """Called in the hub when the entry is due; must not block.

        :param now: the time, in seconds.
        :returns: the seconds to the next call, or None to leave the timetable.
        """


class Timetable:
    """Entries by the time at which they are due. Times are arguments, in seconds.

    :ivar ticks: the ticks in which entries are due, a heap: the next one first.
    """

    __slots__ = ("_long", "_slots", "tick", "ticks")

    def __init__(self, tick: float = TICK) -> None:
        self.tick = tick
        self._long = LONG * tick
        self._slots: dict[int, set[Entry]] = {}
        #: The keys of `_slots`.
        self.ticks: list[int] = []

    def __len__(self) -> int:
        # Rarely needed; keeping the number would make `add` and `discard` slower.
        return sum(map(len, self._slots.values()))

    def add(self, entry: Entry, delay: float, now: float) -> bool:
        """Add an entry that is due ``delay`` seconds after ``now``.

        It must not be in a timetable yet. It is never early, and late by at most one
        tick, or by :data:`COARSE` ticks if the time is :data:`LONG`.

        :returns: whether it is due before all others.
        """
        slot = int((now + delay) / self.tick) + 1
        if delay >= self._long:
            slot = -(-slot // COARSE) * COARSE
        entry.slot = slot
        entries = self._slots.get(slot)
        if entries is not None:
            entries.add(entry)
            return False
        self._slots[slot] = {entry}
        heappush(self.ticks, slot)
        return self.ticks[0] == slot

    def discard(self, entry: Entry) -> None:
        """Remove ``entry``, if it is in the timetable."""
        slot = entry.slot
        if slot >= 0:
            # The set stays, empty, until its tick comes.
            self._slots[slot].discard(entry)
            entry.slot = -1

    def clear(self) -> None:
        """Remove all entries."""
        for entries in self._slots.values():
            for entry in entries:
                entry.slot = -1
            entries.clear()  # `take_due` may be iterating over it
        self._slots.clear()
        self.ticks.clear()

    def next_due(self) -> float | None:
        """The time at which the next entry is due; None without entries."""
        return self.ticks[0] * self.tick if self.ticks else None

    def take_due(self, now: float) -> Iterator[Entry]:
        """Remove and yield the entries that are due, the earliest first.

        Entries may be added and discarded meanwhile. Those that are added are due at a
        later call.
        """
        # The result of `next_due` may have been rounded down.
        last = int(now / self.tick + 1e-4)
        ticks = self.ticks
        while ticks and ticks[0] <= last:
            slot = ticks[0]
            entries = self._slots[slot]
            while entries:
                entry = entries.pop()
                entry.slot = -1
                yield entry
            # An entry may have cleared the table.
            if ticks and ticks[0] == slot:
                del self._slots[heappop(ticks)]
