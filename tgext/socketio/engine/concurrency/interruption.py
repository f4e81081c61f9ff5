"""Ending what a greenlet does, from outside of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent import GreenletExit, get_hub


class Interrupted(GreenletExit):
    """Raised in a handler that may go on no longer.

    It is no :class:`Exception`, so that a handler which catches what may go wrong does
    not catch it; what a handler does in ``finally`` is done.
    """


class Overdue(Interrupted):
    """Raised in a handler whose client has gone, and that had time to end."""


def interrupt(
    greenlet: Any, error: BaseException, still: Callable[[], bool] = lambda: True
) -> None:
    """Raise ``error`` in a greenlet that waits; returns at once.

    It is raised at the next turn of the event loop, at the place where the greenlet
    waits then. One that has ended by then is left alone.

    :param still: asked right before, in the hub: whether the greenlet still does what
        is to be ended. Nothing is raised where it says no.
    """

    def throw() -> None:
        if not greenlet.dead and still():
            greenlet.throw(error)

    get_hub().loop.run_callback(throw)
