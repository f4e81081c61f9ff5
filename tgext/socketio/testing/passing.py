"""Time that passes: the clock of timers is moved from one that is due to the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ..engine.concurrency import clock
from ..engine.concurrency.heartbeat import Wheel
from .loop import settle

#: The least step in seconds, which is that of the timer wheel.
_STEP: Final = 0.002


#: How many tests, or parts of one, may move the clock.
_movers = 0


@contextmanager
def moving() -> Iterator[None]:
    """The clock may be moved; it is set right when all who may have ended."""
    global _movers
    _movers += 1
    try:
        yield
    finally:
        _movers -= 1
        if not _movers:
            clock.reset()


def advance(timers: Wheel, seconds: float) -> None:
    """Let time pass.

    :param timers: those of the server: each that becomes due finds the time at which it
        is due, and what follows from it happens before the next.
    :raises ValueError: when the time is negative.
    """
    if seconds < 0:
        raise ValueError(f"the clock cannot be moved by {seconds:g} s: it goes forward")
    settle()
    end = clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > 0:
        due = timers.next_due()
        step = left if due is None else due - clock.monotonic()
        clock.advance(min(left, max(step, _STEP)))
        settle()
