"""A timer wheel whose time is set by the test."""

from __future__ import annotations

from typing import Any


class Timers:
    """Has the entries of a wheel, and the time at which each is due.

    :ivar now: the time in seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.due: dict[Any, float] = {}

    def __len__(self) -> int:
        return len(self.due)

    def add(self, entry: Any, delay: float) -> None:
        assert entry not in self.due
        self.due[entry] = self.now + delay

    def discard(self, entry: Any) -> None:
        self.due.pop(entry, None)

    def advance(self, seconds: float) -> None:
        """Let time pass, and call the entries that are due, in order."""
        end = self.now + seconds
        while self.due:
            entry = min(self.due, key=lambda each: self.due[each])
            if self.due[entry] > end:
                break
            self.now = max(self.now, self.due.pop(entry))
            again = entry.on_timer(self.now)
            if again is not None:
                self.add(entry, again)
        self.now = end
