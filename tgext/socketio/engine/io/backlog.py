"""Slow clients: how much unsent output a client may have, and for how long.

- Up to ``max_outbox`` bytes may wait without a time limit.
- More may wait for ``slow_timeout`` seconds.
- More than :data:`BURST` times ``max_outbox`` may not wait at all.
- A message of any size that is sent while at most half of ``max_outbox`` waits does not
  count, and neither does the output before it. A handler or a job of the client waits
  for that before it sends, so its large messages never count. But the client has to
  read some output in each ``slow_timeout`` seconds.
- Pings, pongs, acks and farewells never disconnect a client.

So the server keeps at most the largest message and five times ``max_outbox``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ..concurrency.timetable import Entry

#: How many times ``max_outbox`` may wait for less than ``slow_timeout``. Broadcasts
#: need this, because they cannot wait for room.
BURST = 4

#: Bytes at which an outbox is written before its batch ends.
FLUSH_SIZE = 65536


class Timers(Protocol):
    """Calls entries when they are due: a timer wheel."""

    def add(self, entry: Entry, delay: float) -> None: ...

    def discard(self, entry: Entry) -> None: ...


class OutputBounds:
    """The limits of unsent output, which all outboxes of a server share.

    :param limit: bytes that may wait without a time limit (``max_outbox``).
    :param patience: seconds for which more may wait, or the client may read nothing
        (``slow_timeout``).
    :param timers: a :class:`~tgext.socketio.engine.concurrency.heartbeat.Wheel`.
        Without one, a slow client is only noticed when something is sent to it.
    :param clock: returns the time in seconds.

    :ivar ease: bytes that may wait before a sender has to check for room.
    :ivar room: bytes up to which a greenlet that can wait may send.
    :ivar most: bytes that may wait for less than ``patience``.
    """

    __slots__ = ("clock", "ease", "limit", "most", "patience", "room", "timers")

    def __init__(
        self,
        limit: int,
        patience: float,
        timers: Timers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self.patience = patience
        self.timers = timers
        self.clock = clock
        self.room = limit // 2
        self.ease = min(self.room, FLUSH_SIZE)
        self.most = BURST * limit


class Backlog:
    """The state of a client that is behind. Times are arguments, in seconds."""

    __slots__ = ("_bounds", "_forgiven", "_over_since", "taken_at")

    def __init__(self, bounds: OutputBounds, now: float) -> None:
        self._bounds = bounds
        #: Bytes at the beginning of the output that do not count.
        self._forgiven = 0
        #: When more than the limit began to wait.
        self._over_since: float | None = None
        #: When the client last read output, or when it first had to.
        self.taken_at = now

    def add(self, size: int, more: int, now: float) -> str | None:
        """Check whether more output may wait.

        :param size: bytes that wait already.
        :param more: bytes that are added.
        :returns: None if they may wait; else the reason why not.
        """
        bounds = self._bounds
        total = size + more
        if total <= bounds.limit:
            return None
        if size <= bounds.limit:
            self.taken_at = now
        if size <= bounds.room or (size <= bounds.limit and more > bounds.limit):
            self._forgiven = total
        behind = total - self._forgiven
        if behind > bounds.most:
            return (
                f"{total} bytes would wait, more than {BURST} times max_outbox "
                f"({bounds.limit})"
            )
        if behind > bounds.limit and self._over_since is None:
            self._over_since = now
        return None

    def forgive(self, size: int, now: float) -> None:
        """Do not count the output that waits: the client has a new transport."""
        self._forgiven = size
        self.taken_at = now

    def take(self, count: int, size: int, now: float) -> None:
        """Note that the client read some output.

        :param count: the bytes that it read.
        :param size: the bytes that are left.
        """
        self.taken_at = now
        self._forgiven = max(0, self._forgiven - count)
        if size - self._forgiven <= self._bounds.limit:
            self._over_since = None

    def complaint(self, size: int, now: float) -> str | None:
        """Why the client is too slow; None if it is not.

        :param size: bytes that wait.
        """
        bounds = self._bounds
        if size > bounds.limit and now >= self.taken_at + bounds.patience:
            return (
                f"it read none of {size} bytes in {bounds.patience:g} s (slow_timeout)"
            )
        since = self._over_since
        if since is not None and now >= since + bounds.patience:
            return (
                f"more than {bounds.limit} bytes (max_outbox) have waited for "
                f"{bounds.patience:g} s (slow_timeout), now {size}"
            )
        return None

    def next_look(self, now: float) -> float:
        """Seconds until :meth:`complaint` has to be called again."""
        since = self.taken_at
        if self._over_since is not None:
            since = min(since, self._over_since)
        return max(0.0, since + self._bounds.patience - now)
