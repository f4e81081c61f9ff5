"""Clients that only listen are asked again whether they may.

``allow_only`` of controllers decides about each event. A client that sends none would
keep on receiving after its permission was taken away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary, WeakSet

import gevent
from gevent import get_hub

#: Clients that are due are looked for so many times in an interval.
_STEPS = 8

#: After so many failures in a row, a round ends: the others would fail as well, and
#: fill the log.
IN_A_ROW: Final = 3

#: A client is disconnected when asking about it has failed so often in a row.
MOST_FAILURES: Final = 3


class Guarded(Protocol):
    """A client that requirements decide about.

    :ivar asked: when they did so last, or when they were asked in vain, in seconds of
        the monotonic clock.
    """

    asked: float

    @property
    def ended(self) -> bool:
        """Whether its connection has ended."""

    def ask_again(self) -> bool:
        """Disconnect it if it does not meet the requirements. May wait.

        Sets ``asked`` when they have decided.

        :returns: whether it could be asked. Failures are in the log.
        """

    def give_up(self, times: int) -> None:
        """Disconnect it, because asking has failed so many times."""


class Rechecks:
    """Asks clients again, one after the other.

    The one that was not asked for the longest time is the first, so clients that cannot
    be asked keep nobody from being asked.

    :param interval: seconds after which a client is asked again; 0: it is not.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._clients: WeakSet[Guarded] = WeakSet()
        #: How often asking has failed in a row, and when it did so last. If `asked` of
        #: the client is another time, it has succeeded since.
        self._failed: WeakKeyDictionary[Guarded, tuple[int, float]]
        self._failed = WeakKeyDictionary()
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
        failures = 0
        try:
            for client in self._due():
                failures = 0 if self._ask(client) else failures + 1
                if failures == IN_A_ROW:
                    break
                gevent.sleep(0)  # a driver that blocks does not let others run
        finally:
            self._timer.close()
            self._timer = None
            self._set_timer()

    def _due(self) -> Iterator[Guarded]:
        latest = time.monotonic() - self._interval
        clients = list(self._clients)
        due = [each for each in clients if each.ended or each.asked <= latest]
        for client in sorted(due, key=attrgetter("asked")):
            if client.ended:
                self._clients.discard(client)
            elif client.asked <= latest:  # no event was faster
                yield client

    def _ask(self, client: Guarded) -> bool:
        last, times = client.asked, self._failures_of(client)
        client.asked = now = time.monotonic()
        if client.ask_again():
            return True
        # While nobody can be asked, the clients are not to blame.
        if times == 0 or self._others_succeeded(client, last):
            times += 1
        self._failed[client] = times, now
        if times >= MOST_FAILURES:
            client.give_up(times)
        return False

    def _failures_of(self, client: Guarded) -> int:
        times, at = self._failed.get(client, (0, 0.0))
        return times if at == client.asked else 0

    def _others_succeeded(self, client: Guarded, since: float) -> bool:
        """Whether another client could be asked since then, again or for an event."""
        others = (each for each in list(self._clients) if each is not client)
        return any(
            each.asked > since and not self._failures_of(each) for each in others
        )
