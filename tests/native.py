"""Native threads, which gevent's patches do not affect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent.monkey import get_original
from gevent.threadpool import ThreadPoolExecutor

from .engine.clients import wait_for

_start: Any = get_original("_thread", "start_new_thread")


class Outcome:
    """The outcome of a function that runs in another thread."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.done = False
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:
            self._error = error
        self.done = True

    def get(self) -> Any:
        """Wait, without blocking the event loop."""
        wait_for(lambda: self.done, "the thread has ended")
        if self._error is not None:
            raise self._error
        return self._result


def start_native(function: Callable[[], Any]) -> Outcome:
    """Run a function in a thread that the interpreter starts."""
    outcome = Outcome(function)
    _start(outcome.run, ())
    return outcome


def start_in_pool(function: Callable[[], Any]) -> Outcome:
    """Run a function in gevent's thread pool, as `gevent.get_hub().threadpool`."""
    outcome = Outcome(function)
    gevent.get_hub().threadpool.spawn(outcome.run)
    return outcome


def start_in_executor(function: Callable[[], Any]) -> Outcome:
    """Run a function in an executor of native threads."""
    outcome = Outcome(function)

    def run() -> None:
        with ThreadPoolExecutor(1) as executor:
            executor.submit(outcome.run)

    gevent.spawn(run)
    return outcome


STARTERS = {
    "native": start_native,
    "pool": start_in_pool,
    "executor": start_in_executor,
}
