"""Which of several processes accepts a connection on a socket that they share.

The kernel wakes all of them, and the fastest accepts: that is no balance, and
connections last for hours. So the processes count their connections in memory that they
share, and one that has more than another lets the others accept first. If none of them
does so within :data:`PATIENCE`, because they are busy or hang, it accepts itself: first
one connection, then two, then four.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

__all__ = ["LEAD", "NONE", "PATIENCE", "PAUSE", "SHARE", "Balance"]

#: How many connections more than another process one may have; of many connections, one
#: in :data:`SHARE` more.
LEAD: Final = 2
SHARE: Final = 64

#: Seconds after which a process that lets others accept looks again.
PAUSE: Final = 0.002

#: Seconds for which it does so while nobody accepts. On a machine that is busy, another
#: process needs some time until it runs; the first request of a new one takes long.
PATIENCE: Final = 0.05

#: Instead of a number of connections, as any below 0: a process that does not accept.
NONE: Final = -2


class Balance:
    """The connections of this process, and of those that it shares a socket with.

    :param counts: the number of connections of each process, in memory that they share.
        Each writes its own alone.
    :param own: the index of this process.
    :param now: returns the time in seconds.

    """

    def __init__(
        self,
        counts: memoryview[int],
        own: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counts = counts
        self._own = own
        self._now = now
        self._open: set[Any] = set()
        self._accepts = True
        #: The connections of the others, since when they are so many, and how many are
        #: accepted if they stay so.
        self._others = 0
        self._since = 0.0
        self._batch = 1
        #: Of these, how many are left.
        self._left = 0
        counts[own] = 0

    @property
    def connections(self) -> int:
        """The number of connections of this process."""
        return len(self._open)

    def opened(self, sock: Any) -> None:
        """Count a connection; a second time has no effect."""
        self._open.add(sock)
        if self._accepts:
            self._counts[self._own] = len(self._open)

    def closed(self, sock: Any) -> None:
        """No longer count a connection; one that was not counted has no effect."""
        self._open.discard(sock)
        if self._accepts:
            self._counts[self._own] = len(self._open)

    def leave(self) -> None:
        """This process accepts no more: the others do not wait for it."""
        self._accepts = False
        self._counts[self._own] = NONE

    def may_accept(self) -> bool:
        """Whether this process accepts the next connection now.

        If not, it has to ask again after :data:`PAUSE`.
        """
        accepting = [each for each in self._counts if each >= 0]
        own, least = len(self._open), min(accepting)
        if own - least < LEAD + least // SHARE:
            self._since = 0.0
            return True
        now, others = self._now(), sum(accepting) - own
        if not self._since or others != self._others:
            self._since, self._others, self._batch, self._left = now, others, 1, 0
            return False
        if self._left:
            self._left -= 1
            return True
        if now - self._since < PATIENCE:
            return False
        # Nobody else has accepted it.
        self._since, self._left = now, self._batch - 1
        self._batch *= 2
        return True
