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
    """Let all other greenlets run, and the event loop read input.

    `sleep(0)` would not let the event loop read. In a callback of the event loop this
    does nothing, because a callback cannot wait.
    """
    if gevent.getcurrent() is not gevent.get_hub():
        gevent.sleep(0.0001)


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
