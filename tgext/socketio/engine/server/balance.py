"""Which of several processes accepts a connection on a socket that they share.

The kernel wakes all of them, and the fastest accepts: that is no balance, and
connections last for hours. So the processes count their connections in memory that they
share, and one that has more than another lets the others accept first. If none of them
does within :data:`PAUSE`, because they are busy, it accepts itself: a connection is
never left to a process that hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

__all__ = ["LEAD", "NONE", "PAUSE", "Balance"]

#: How many connections more than another process one may have.
LEAD: Final = 2

#: Seconds for which it lets the others accept.
PAUSE: Final = 0.002

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
        self._waits_until = 0.0
        self._accepts_until = 0.0
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
        least = min(each for each in self._counts if each >= 0)
        if len(self._open) - least < LEAD:
            self._waits_until = 0.0
            return True
        now = self._now()
        if now < self._accepts_until:
            return True
        if not self._waits_until:
            self._waits_until = now + PAUSE
        elif now >= self._waits_until:
            # Nobody else took it.
            self._waits_until = 0.0
            self._accepts_until = now + PAUSE
            return True
        return False
