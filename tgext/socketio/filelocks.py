"""Locks of files that wait as greenlets do.

``fcntl.flock`` and ``fcntl.lockf`` block the thread until the file is unlocked. If a
greenlet of the same thread has locked it, as the one that makes a value for beaker's
cache has, that would be for ever.
"""

from __future__ import annotations

import fcntl
import os
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
    _patch_beaker()


def _patch_beaker() -> None:
    """Make beaker close the file of a lock whose greenlet was interrupted waiting.

    It expects an error only where it does not wait.
    """
    try:
        from beaker.synchronization import FileSynchronizer as Lock
    except ImportError:
        return
    for name in ("do_acquire_read_lock", "do_acquire_write_lock"):
        setattr(Lock, name, _closing(getattr(Lock, name)))


def _closing(acquire: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(acquire)
    def close(self: Any, wait: bool) -> Any:
        try:
            return acquire(self, wait)
        except BaseException:
            if self._filedesc is not None:
                os.close(self._filedesc)
                self._filedescriptor.remove()
            raise

    return close


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
