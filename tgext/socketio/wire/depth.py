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

#: Whether C code has a limit of its own. Otherwise Python code, which is ten times as
#: slow, would fail where C code has failed, while other clients wait.
C_HAS_ITS_OWN = sys.version_info >= (3, 12)


def deepest(function: Callable[..., R], in_python: Callable[..., R], *args: Any) -> R:
    """Call a function by :func:`deep`; call another if the limit is that of C code.

    :param in_python: does the same with Python's calls alone.
    :raises RecursionError: when that is nested too deep, too.
    """
    try:
        return deep(function, *args)
    except RecursionError:
        if not C_HAS_ITS_OWN:
            raise
        return deep(in_python, *args)


#: How many calls of :func:`deep` run.
_running = 0
#: The recursion limit without them.
_usual = sys.getrecursionlimit()


def deep(function: Callable[..., R], *args: Any) -> R:
    """Call a function with a recursion limit that is :data:`MORE` higher.

    The limit is that of all threads and greenlets. A function of the application that
    converts values may switch to another greenlet, so calls may end in any order: the
    last restores the limit.

    :raises RecursionError: when that limit is exceeded, too.
    """
    global _running, _usual
    if not _running:
        _usual = sys.getrecursionlimit()
    _running += 1
    sys.setrecursionlimit(_usual + MORE)
    try:
        return function(*args)
    finally:
        _running -= 1
        if not _running:
            sys.setrecursionlimit(_usual)
