"""How much memory a value takes, roughly."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from sys import getsizeof
from typing import Any

#: The most parts of a value that are looked at. Each further one counts as nothing.
MOST_PARTS = 2000


def weight(value: Any) -> int:
    """The bytes of a value and of what is in it: containers, and their items.

    The attributes of an application's objects are not looked at.
    """
    total, left = 0, [value]
    seen: set[int] = set()
    while left and len(seen) < MOST_PARTS:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        total += getsizeof(each, 64)
        if isinstance(each, Mapping):
            left.extend(islice(each.keys(), MOST_PARTS))
            left.extend(islice(each.values(), MOST_PARTS))
        elif isinstance(each, (list, tuple, set, frozenset)):
            left.extend(islice(each, MOST_PARTS))
    return total
