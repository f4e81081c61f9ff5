"""Deeply nested values.

Python limits the depth of calls, by default to 1,000. Readers and writers of JSON call
themselves once or twice per level of nesting. JavaScript has no such limit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")

#: Calls that are added to Python's limit: enough for JSON 2,000 levels deep, and few
#: enough for the stack of a thread.
MORE = 5000


def deepest(function: Callable[..., R], in_python: Callable[..., R], *args: Any) -> R:
    """Call a function by :func:`deep`; call another if the limit is that of C code.

    :param in_python: does the same with Python's calls alone.
    :raises RecursionError: when that is nested too deep, too.
    """
    try:
        return deep(function, *args)
    except RecursionError:
        return deep(in_python, *args)


def deep(function: Callable[..., R], *args: Any) -> R:
    """Call a function with a recursion limit that is :data:`MORE` higher.

    The limit is the thread's, so the function must not switch to another greenlet.

    :raises RecursionError: when that limit is exceeded, too.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + MORE)
    try:
        return function(*args)
    finally:
        sys.setrecursionlimit(before)
