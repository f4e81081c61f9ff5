"""Letting others have their turn, in work whose amount a client decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import gevent

T = TypeVar("T")

#: How many packets are read, or looked at, before others have a turn: a millisecond or
#: two.
READ_BATCH = 2000


def take_turn() -> None:
    """Let all others have a turn; `sleep(0)` would not let input come in."""
    gevent.sleep(0.0001)


def in_turns(items: Iterable[T], size: int = READ_BATCH) -> Iterator[T]:
    """``items``, with a turn for others after each ``size`` of them."""
    for count, item in enumerate(items, 1):
        yield item
        if not count % size:
            take_turn()
