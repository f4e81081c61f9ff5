"""The write buffer of one client, and what watches it while the client is behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from gevent.event import Event

from ...wire.socketio.encoded import Encoded
from .backlog import Backlog, OutputBounds


class Outbox(ABC):
    """The unsent output of one client, within limits.

    :ivar size: bytes that wait.
    :ivar ease: bytes that may wait before a sender has to check :attr:`has_room`.
    :ivar closed: whether further output is dropped.
    :ivar sent: messages that have left.
    :ivar sent_bytes: of these.
    """

    __slots__ = (
        "_bounds",
        "_overflow",
        "_watch",
        "closed",
        "ease",
        "sent",
        "sent_bytes",
        "size",
    )

    def __init__(
        self, bounds: OutputBounds, overflow: Callable[[str], object] | None
    ) -> None:
        self._bounds = bounds
        self._overflow = overflow
        #: Set while the client is behind.
        self._watch: Watch | None = None
        self.ease = bounds.ease
        self.size = self.sent = self.sent_bytes = 0
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
    @abstractmethod
    def writable(self) -> bool:
        """Whether a packet would leave with the next batch or poll: none waits."""

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

    def wait_drained(self, timeout: float | None) -> bool:
        """Block until nothing waits, or the outbox is closed.

        :param timeout: seconds to wait at most; None for no limit.
        :returns: whether all was sent.
        """
        self.flush()
        if self.size and not self.closed:
            watch = self._watched()
            if watch.drained is None:
                watch.drained = Event()
            watch.drained.wait(timeout)
        return not self.size

    def end_waiting(self) -> None:
        """End the waits of :meth:`wait_drained`: the connection is about to end."""
        watch = self._watch
        if watch is not None and watch.drained is not None:
            watch.drained.set()
            watch.drained = None

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

    def let_go(self) -> None:
        """Refer to the connection no longer: it has ended, or has another outbox."""
        self._overflow = None

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
