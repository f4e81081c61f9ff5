"""The end of the process: threads that are still running.

Python waits at its end for all threads that are not daemons, and for what runs in the
executors of :mod:`concurrent.futures`. A server that serves no more has to end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent

from .engine.logs import get_logger

__all__ = ["end_by"]

log = get_logger(__name__)

#: Seconds that threads have in any case: idle threads of executors end when they are
#: told, which Python does at its end.
LAST_MOMENTS = 0.5


def end_by(deadline: float) -> None:
    """Let the process wait for its threads until a time, and end without the others.

    :param deadline: the time, as of ``time.monotonic()``.
    """
    # Python calls the attribute of this name, which gevent has replaced, too.
    module: Any = threading
    module._shutdown = partial(_wait_for_threads, module._shutdown, deadline)


def _wait_for_threads(wait: Callable[[], None], deadline: float) -> None:
    seconds = max(deadline - time.monotonic(), LAST_MOMENTS)
    # Without a reference to the loop: if nothing else could wake the threads, they are
    # not waited for.
    timeout = gevent.Timeout(seconds, ref=False)
    timeout.start()
    try:
        wait()
        return
    except gevent.Timeout as expired:
        if expired is not timeout:
            raise
    finally:
        timeout.close()
    names = ", ".join(_describe(each) for each in threading.enumerate() if _lasts(each))
    log.warning(
        "Ended without waiting for threads that were still running after "
        "shutdown_timeout: %s. Make such a thread a daemon, or end it when the server "
        "stops (atexit is too late: it runs when the threads have ended)",
        names,
    )


def _lasts(thread: threading.Thread) -> bool:
    return not thread.daemon and thread is not threading.main_thread()


def _describe(thread: threading.Thread) -> str:
    """The name of a thread, which has that of its function in it if it has no own."""
    if isinstance(thread, threading.Timer):
        function = getattr(thread.function, "__qualname__", repr(thread.function))
        return f"{thread.name} ({function}, after {thread.interval:g} s)"
    return thread.name
