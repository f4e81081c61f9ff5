"""Locks of files that wait as greenlets do.

``fcntl.flock`` and ``fcntl.lockf`` block the thread until the file is unlocked. If a
greenlet of the same thread has locked it, as the one that makes a value for beaker's
cache has, that would be for ever.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from functools import wraps
from typing import Any

import gevent

__all__ = ["patch_file_locks"]

#: Seconds between two attempts: the first, and the longest. The kernel tells nobody
#: that a file was unlocked, except a thread that blocks.
SHORTEST, LONGEST = 0.001, 0.02


def patch_file_locks() -> None:
    """Make ``fcntl.flock`` and ``fcntl.lockf`` wait without blocking the thread."""
    fcntl.flock = _waiting(fcntl.flock)
    fcntl.lockf = _waiting(fcntl.lockf)


def _waiting(lock: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(lock)
    def wait(file: Any, operation: int, *place: int) -> Any:
        if operation & (fcntl.LOCK_NB | fcntl.LOCK_UN):
            return lock(file, operation, *place)
        pause = SHORTEST
        while True:
            try:
                return lock(file, operation | fcntl.LOCK_NB, *place)
            except BlockingIOError:
                gevent.sleep(pause)
            pause = min(2 * pause, LONGEST)

    return wait
