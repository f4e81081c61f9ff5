"""Values that are nested deep.

Python calls functions within functions a thousand deep; what reads and writes values
calls itself once or twice per level, and other languages have no such bound.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")

#: Calls within calls beyond Python's own bound: enough for JSON 2,000 levels deep, and
#: few enough for the stack of a thread.
MORE = 5000


def deep(function: Callable[..., R], *args: Any) -> R:
    """Call a function again that went deeper than Python lets it.

    It must not switch to another greenlet.

    :raises RecursionError: when it goes deeper than :data:`MORE` allows, too.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + MORE)
    try:
        return function(*args)
    finally:
        sys.setrecursionlimit(before)
