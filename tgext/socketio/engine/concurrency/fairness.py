"""Fairness: long work for one client yields to other connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import TypeVar

import gevent

T = TypeVar("T")

#: Seconds of work after which other greenlets run.
SLICE = 0.003


def take_turn() -> None:
    """Let the event loop read input, and all do what they have to do with it.

    It takes no time when nobody has anything to do: `sleep` would wait for a
    millisecond, and `sleep(0)` would not let the event loop read. In a callback of the
    event loop this does nothing, because a callback cannot wait.
    """
    hub = gevent.get_hub()
    if gevent.getcurrent() is not hub:
        # After the input that is there: a lower priority.
        hub.wait(hub.loop.timer(0.0, priority=-2))
        gevent.sleep(0)  # after the greenlets that handle it


class Turns:
    """Lets other greenlets run after each :data:`SLICE` of work.

    Make one at the beginning of each piece of work.
    """

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = perf_counter() + SLICE

    def check(self) -> None:
        """Call this after each step of the work."""
        if perf_counter() > self._until:
            take_turn()
            self._until = perf_counter() + SLICE


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """Yield ``items``, and let other greenlets run between them."""
    turns = Turns()
    for item in items:
        yield item
        turns.check()
