"""Letting others have their turn, in work whose amount a client decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import TypeVar

import gevent

T = TypeVar("T")

#: Seconds of work before others have a turn.
SLICE = 0.003


def take_turn() -> None:
    """Let all others have a turn; `sleep(0)` would not let input come in.

    The event loop itself cannot wait: what runs in it goes on.
    """
    if gevent.getcurrent() is not gevent.get_hub():
        gevent.sleep(0.0001)


class Turns:
    """Lets others have a turn whenever a slice of time has been worked.

    One for each stretch of work, made when it begins.
    """

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = perf_counter() + SLICE

    def check(self) -> None:
        """Called after each piece of the work."""
        if perf_counter() > self._until:
            take_turn()
            self._until = perf_counter() + SLICE


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """``items``, with turns for others between them."""
    turns = Turns()
    for item in items:
        yield item
        turns.check()
