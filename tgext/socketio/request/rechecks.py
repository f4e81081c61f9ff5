"""Clients that only listen are asked again whether they may.

``allow_only`` of controllers decides about each event. A client that sends none would
keep on receiving after its permission was taken away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Protocol
from weakref import WeakSet

import gevent
from gevent import get_hub

#: Clients that are due are looked for so many times in an interval.
_STEPS = 8


class Guarded(Protocol):
    """A client that requirements decide about.

    :ivar asked: when they did so last, in seconds of the monotonic clock.
    """

    asked: float

    @property
    def ended(self) -> bool:
        """Whether its connection has ended."""

    def ask_again(self) -> bool:
        """Disconnect it if it does not meet the requirements. May wait.

        :returns: whether it could be asked. Errors are in the log.
        """


class Rechecks:
    """Asks clients again, one after the other.

    :param interval: seconds after which a client is asked again; 0: it is not.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._clients: WeakSet[Guarded] = WeakSet()
        self._timer: Any = None

    def add(self, client: Guarded) -> None:
        """Ask a client again from now on, as long as its connection lasts."""
        if self._interval > 0:
            self._clients.add(client)
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is None and self._clients:
            self._timer = get_hub().loop.timer(self._interval / _STEPS, ref=False)
            self._timer.start(gevent.spawn, self._run)

    def _run(self) -> None:
        try:
            for client in self._due():
                if not client.ask_again():
                    break  # the others would fail as well, and fill the log
                gevent.sleep(0)  # a driver that blocks does not let others run
        finally:
            self._timer.close()
            self._timer = None
            self._set_timer()

    def _due(self) -> Iterator[Guarded]:
        for client in list(self._clients):
            if client.ended:
                self._clients.discard(client)
            elif time.monotonic() - client.asked >= self._interval:
                yield client
