"""The monotonic clock of timers, which tests move forward."""

from __future__ import annotations

import time
from typing import Protocol
from weakref import WeakSet

#: Seconds by which tests have moved it.
_ahead = 0.0


class Follower(Protocol):
    """Waits for a time of this clock."""

    def clock_moved(self) -> None:
        """The clock was moved: what is due now has to be done soon."""


_followers: WeakSet[Follower] = WeakSet()


def monotonic() -> float:
    """The time in seconds. It has no known beginning, and goes back only in tests."""
    return time.monotonic() + _ahead


def follow(follower: Follower) -> None:
    """Tell an object, as long as it lives, when the clock is moved."""
    _followers.add(follower)


def advance(seconds: float) -> None:
    """Move the clock forward, for tests."""
    _set(_ahead + seconds)


def reset() -> None:
    """Set the clock right, when nothing of what tests have begun is left."""
    _set(0.0)


def _set(ahead: float) -> None:
    global _ahead
    _ahead = ahead
    for each in list(_followers):
        each.clock_moved()
