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
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from gevent.event import Event

from ...wire.socketio.encoded import Encoded
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


class Outbox(ABC):
    """The unsent output of one client, within limits.

    :ivar size: bytes that wait.
    :ivar ease: bytes that may wait before a sender has to check :attr:`has_room`.
    :ivar closed: whether further output is dropped.
    """

    __slots__ = ("_bounds", "_overflow", "_watch", "closed", "ease", "size")

    def __init__(
        self, bounds: OutputBounds, overflow: Callable[[str], object] | None
    ) -> None:
        self._bounds = bounds
        self._overflow = overflow
        #: Set while the client is behind.
        self._watch: Watch | None = None
        self.ease = bounds.ease
        self.size = 0
        self.closed = False

    @abstractmethod
    def send(self, encoded: Encoded) -> None:
        """Send a packet, or keep it until it can be sent.

        The connection ends when a limit is exceeded.
        """

    @abstractmethod
    def send_own(self, encoded: Encoded) -> None:
        """Send a packet of the protocol, to which no limit applies."""

    @property
    def has_room(self) -> bool:
        """Whether a greenlet that can wait may send at once."""
        return self.size <= self._bounds.room

    @property
    def awaited(self) -> bool:
        """Whether a greenlet waits for room."""
        return self._watch is not None and self._watch.room is not None

    @property
    def is_full(self) -> bool:
        """Whether more than ``max_outbox`` bytes wait."""
        return self.size > self._bounds.limit

    @abstractmethod
    def flush(self) -> None:
        """Send what can be sent."""

    def wait_for_room(self) -> bool:
        """Block until at most half of the limit waits, or the outbox is closed.

        :returns: False when the peer read nothing for ``patience`` seconds.
        """
        self.flush()
        bounds = self._bounds
        while not self.has_room and not self.closed:
            watch = self._watched()
            if watch.room is None:
                watch.room = Event()
            begun = bounds.clock()
            if watch.room.wait(bounds.patience) or self.has_room or self.closed:
                continue
            if watch.backlog.taken_at < begun and not self._is_taking():
                return False
        return True

    def expect_taking(self) -> None:
        """Require that a client that is behind reads some output: it causes more."""
        self.flush()
        if self.is_full:
            watch = self._watched()
            if watch.slot < 0:
                watch.backlog.taken_at = self._bounds.clock()
                self._look_again(watch)

    def give_up(self, reason: str) -> None:
        """End the connection of a client that does not read; once.

        :param reason: for the log.
        """
        if not self.closed:
            self.drop()
            if self._overflow is not None:
                self._overflow(reason)

    def give_up_waiting(self) -> None:
        """End the connection of a client that read nothing while a greenlet waited."""
        reason = f"it read none of {self.size} bytes in {self._bounds.patience:g} s"
        self.give_up(f"{reason} (slow_timeout)")

    @abstractmethod
    def drop(self) -> None:
        """Close the outbox, and drop the unsent output."""

    def _is_taking(self) -> bool:
        """Whether the client is reading output at the moment."""
        return False

    def _watched(self) -> Watch:
        """The watch; it begins with the first call. Call :meth:`flush` before."""
        watch = self._watch
        if watch is None:
            backlog = Backlog(self._bounds, self._bounds.clock())
            watch = self._watch = Watch(self, backlog)
        return watch

    def _admit(self, more: int) -> bool:
        """Whether more bytes may wait; if not, ends the connection."""
        bounds = self._bounds
        watch = self._watched()
        reason = watch.backlog.add(self.size, more, bounds.clock())
        if reason is not None:
            self.give_up(reason)
            return False
        if self.size + more > bounds.limit:
            self._look_again(watch)
        return True

    def forgive(self) -> None:
        """Do not count the output that waits now."""
        self.flush()
        if self.is_full:
            watch = self._watched()
            watch.backlog.forgive(self.size, self._bounds.clock())
            self._look_again(watch)

    def _look_again(self, watch: Watch) -> None:
        timers = self._bounds.timers
        if watch.slot < 0 and timers is not None:
            timers.add(watch, watch.backlog.next_look(self._bounds.clock()))

    def _took(self, count: int) -> None:
        """The client read some output; `size` is what is left."""
        watch = self._watch
        if watch is not None:
            watch.backlog.take(count, self.size, self._bounds.clock())
            if watch.room is not None and self.has_room:
                watch.room.set()
                watch.room = None

    def _unwatch(self) -> None:
        """Stop watching: no output waits, or none will be sent."""
        watch = self._watch
        if watch is not None:
            self._watch = None
            timers = self._bounds.timers
            if timers is not None:
                timers.discard(watch)
            watch.close()


class Watch:
    """Watches an outbox while its client is behind."""

    __slots__ = ("backlog", "drained", "io", "outbox", "room", "slot")

    def __init__(self, outbox: Outbox, backlog: Backlog) -> None:
        self.outbox = outbox
        self.backlog = backlog
        self.slot = -1
        #: `room` is set when at most half of the limit waits, `drained` when nothing
        #: waits.
        self.room: Event | None = None
        self.drained: Event | None = None
        #: Calls the outbox when the kernel takes more.
        self.io: Any = None

    def on_timer(self, now: float) -> float | None:
        outbox = self.outbox
        if not outbox.is_full:
            return None
        if outbox._is_taking():
            self.backlog.taken_at = now
        reason = self.backlog.complaint(outbox.size, now)
        if reason is not None:
            outbox.give_up(reason)
            return None
        return self.backlog.next_look(now)

    def close(self) -> None:
        """Wake the waiting greenlets, and stop watching."""
        if self.io is not None:
            self.io.stop()
            self.io.close()
            self.io = None
        for event in (self.room, self.drained):
            if event is not None:
                event.set()
