"""The log of one process, in memory."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count, islice
from typing import Final

from ...engine.concurrency.failures import ERRORS
from ...engine.logs import get_logger
from ...wire.escape import escape
from .entries import (
    Entry,
    HeardEntry,
    Keep,
    Position,
    Replay,
    new_epoch,
    undeclared,
    write_logged,
)

log = get_logger(__name__)

#: Topics that were declared, and topics without entries of which the log still knows
#: when they had their last one.
REMEMBERED: Final = 10_000

#: Expired things that are dropped with each append, at most.
_DROPPED_AT_ONCE: Final = 3


class Ring:
    """The latest entries of a topic.

    :ivar dropped: the number of the latest entry that was dropped; 0 without one.
    :ivar expires: the time at which the latest entry is dropped.
    """

    def __init__(self, dropped: int) -> None:
        self.dropped = dropped
        self.expires = 0.0
        self._seconds = 0.0
        self._entries: deque[tuple[float, Entry]] = deque()

    def append(self, entry: Entry, keep: Keep, now: float) -> None:
        """Add an entry, and drop old ones."""
        self._entries.append((now, entry))
        self._seconds = keep.seconds
        self.expires = now + keep.seconds
        while len(self._entries) > keep.most:
            self._drop()
        self.drop_old(now)

    def drop_old(self, now: float) -> None:
        """Drop what is too old."""
        while self._entries and self._entries[0][0] + self._seconds <= now:
            self._drop()

    def _drop(self) -> None:
        self.dropped = self._entries.popleft()[1].number

    def after(self, number: int) -> list[Entry]:
        """The entries after a number."""
        later: list[Entry] = []
        for _, entry in reversed(self._entries):
            if entry.number <= number:
                break
            later.append(entry)
        return later[::-1]

    def latest(self, count: int) -> list[Entry]:
        """The last entries, at most ``count``."""
        last = islice(reversed(self._entries), max(count, 0))
        return [entry for _, entry in last][::-1]


class MemoryLog:
    """A log in memory.

    :param tell: publishes a message, for subscribers that know no log: it is called
        with a topic, and with each of its messages as :func:`~.entries.write_logged`
        writes it.
    :param now: returns the time in seconds.
    """

    def __init__(
        self,
        tell: Callable[[str, str], object] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.epoch = new_epoch()
        self._tell = tell
        self._now = now
        self._number = 0
        self._rings: dict[str, Ring] = {}
        #: The last number of topics that have no entries any more, oldest first.
        self._emptied: OrderedDict[str, int] = OrderedDict()
        #: The highest number of the topics that not even `_emptied` has any more.
        self._forgotten = 0
        #: The time at which each key can be used again.
        self._keys: dict[tuple[str, str], float] = {}
        #: Topics and keys, by the earliest time at which they may expire.
        self._due: list[tuple[float, int, str, str | None]] = []
        #: A number for each of them: a topic and a key have no order.
        self._serial = count()
        self._heard: dict[str, list[HeardEntry]] = {}
        self._kept: OrderedDict[str, Keep] = OrderedDict()
        #: Entries that listeners have not been told yet.
        self._untold: deque[Entry] = deque()
        self._telling = False

    def append(
        self, topic: str, message: str, keep: Keep, key: str | None = None
    ) -> Position | None:
        now = self._now()
        self._expire(now)
        if key is not None and not self._use(topic, key, keep, now):
            return None
        self._number += 1
        entry = Entry(self._number, topic, message)
        ring = self._rings.get(topic)
        if ring is None:
            dropped = self._emptied.pop(topic, self._forgotten)
            ring = self._rings[topic] = Ring(dropped)
            self._await(now + keep.seconds, topic)
        ring.append(entry, keep, now)
        self._untold.append(entry)
        self._tell_all()
        return Position(self.epoch, entry.number)

    def _use(self, topic: str, key: str, keep: Keep, now: float) -> bool:
        """Use a key; returns False when it was used before."""
        if self._keys.get((topic, key), now) > now:
            return False
        expires = self._keys[topic, key] = now + keep.seconds
        self._await(expires, topic, key)
        return True

    def _expire(self, now: float) -> None:
        for _ in range(_DROPPED_AT_ONCE):
            if not self._due or self._due[0][0] > now:
                return
            _, _, topic, key = heappop(self._due)
            if key is None:
                self._expire_ring(topic, now)
            elif self._keys.get((topic, key), 0.0) <= now:
                self._keys.pop((topic, key), None)

    def _await(self, time: float, topic: str, key: str | None = None) -> None:
        heappush(self._due, (time, next(self._serial), topic, key))

    def _expire_ring(self, topic: str, now: float) -> None:
        ring = self._rings[topic]
        if ring.expires > now:
            self._await(ring.expires, topic)
            return
        ring.drop_old(now)
        del self._rings[topic]
        self._emptied[topic] = ring.dropped
        if len(self._emptied) > REMEMBERED:
            _, last = self._emptied.popitem(last=False)
            self._forgotten = max(self._forgotten, last)

    def _tell_all(self) -> None:
        # A listener may append. Its entry is told after this one, to all.
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                self._tell_of(self._untold.popleft())
        finally:
            self._telling = False

    def _tell_of(self, entry: Entry) -> None:
        for heard in list(self._heard.get(entry.topic, ())):
            try:
                heard(entry)
            except ERRORS:
                log.exception("A message of '%s' failed", escape(entry.topic))
        if self._tell is not None:
            position = Position(self.epoch, entry.number)
            self._tell(entry.topic, write_logged(position, entry.message))

    def declare(self, topic: str, keep: Keep) -> None:
        self._kept[topic] = keep
        self._kept.move_to_end(topic)
        if len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    def publish(self, topic: str, message: str, key: str | None = None) -> None:
        keep = self._kept.get(topic)
        if keep is not None:
            self._kept.move_to_end(topic)
            self.append(topic, message, keep, key)
        elif key is not None:
            raise undeclared(topic)
        elif self._tell is not None:
            self._tell(topic, message)

    def read(self, topics: Iterable[str], after: Position) -> Replay:
        known = after.epoch == self.epoch and after.number <= self._number
        start = after.number if after.epoch == self.epoch else 0
        now, complete, entries = self._now(), known, []
        for topic in dict.fromkeys(topics):
            ring = self._ring(topic, now)
            complete = complete and ring.dropped <= start
            entries += ring.after(start)
        entries.sort()
        return Replay(entries, self.now(), complete)

    def _ring(self, topic: str, now: float) -> Ring:
        ring = self._rings.get(topic)
        if ring is None:
            return Ring(self._emptied.get(topic, self._forgotten))
        ring.drop_old(now)
        return ring

    def latest(self, topic: str, count: int) -> Replay:
        ring = self._ring(topic, self._now())
        entries = ring.latest(count)
        complete = len(entries) == count or not ring.dropped
        return Replay(entries, self.now(), complete)

    def now(self) -> Position:
        return Position(self.epoch, self._number)

    def listen(self, topic: str, heard: HeardEntry) -> None:
        self._heard.setdefault(topic, []).append(heard)

    def unlisten(self, topic: str, heard: HeardEntry) -> None:
        listeners = self._heard.get(topic, [])
        if heard in listeners:
            listeners.remove(heard)
        if not listeners:
            self._heard.pop(topic, None)
