"""Interrupting a greenlet from another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent import GreenletExit, get_hub
from gevent.event import AsyncResult


class Interrupted(GreenletExit):
    """Raised in a handler that has to end.

    It is not an :class:`Exception`, so that handlers which catch those do not catch it.
    Their ``finally`` clauses run.
    """


class Overdue(Interrupted):
    """Raised in a handler that runs ``shutdown_timeout`` after its client has left."""


def sheltered(function: Callable[..., object], *args: Any) -> None:
    """Call a function, and wait for its end, so that it is not interrupted.

    In a greenlet that may be interrupted, the function runs in another one, and is
    finished also if the wait is interrupted.
    """
    if not isinstance(gevent.getcurrent(), gevent.Greenlet):
        function(*args)  # the main greenlet of a thread, or of a script
        return
    failed: list[BaseException] = []

    def run() -> None:
        try:
            function(*args)
        except Interrupted:
            raise
        except BaseException as error:
            failed.append(error)

    gevent.spawn(run).join()
    if failed:
        raise failed[0]


def in_own_greenlet(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a greenlet of its own, and wait for it.

    If the wait is interrupted, so is the function.
    """
    outcome: AsyncResult[Any] = AsyncResult()

    def run() -> None:
        try:
            outcome.set(function(*args))
        except BaseException as error:
            outcome.set_exception(error)

    greenlet = gevent.spawn(run)
    try:
        return outcome.get()
    except BaseException:
        if not outcome.ready():  # this greenlet was interrupted
            greenlet.kill(Interrupted, block=False)
        raise


def interrupt(
    greenlet: Any, error: BaseException, still: Callable[[], bool] = lambda: True
) -> None:
    """Raise ``error`` in a waiting greenlet; returns at once.

    It is raised in the next turn of the event loop, at the place where the greenlet
    waits then. If the greenlet has ended by then, nothing happens.

    :param still: called right before that, in the hub. If it returns false, because the
        greenlet does something else by then, nothing is raised.
    """

    def throw() -> None:
        if not greenlet.dead and still():
            greenlet.throw(error)

    get_hub().loop.run_callback(throw)
