"""Fairness: work whose amount a client decides yields to other connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import TypeVar

import gevent

T = TypeVar("T")

#: Seconds of work after which others have a turn.
SLICE = 0.003


def take_turn() -> None:
    """Let all other greenlets run, and the event loop read input.

    `sleep(0)` would not let it read. In a callback of the event loop this does nothing,
    because a callback cannot wait.
    """
    if gevent.getcurrent() is not gevent.get_hub():
        gevent.sleep(0.0001)


class Turns:
    """Lets others have a turn after each slice of time.

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
    """Yield ``items``, and let others have turns between them."""
    turns = Turns()
    for item in items:
        yield item
        turns.check()
