"""What a log in memory keeps: limited by number, by age and by bytes."""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from itertools import count, islice
from sys import getsizeof
from typing import Final, NamedTuple

from .emptied import Emptied
from .entries import Entry, Keep

#: Bytes of an entry, of a topic that has entries, and of a key, with their places in
#: all tables, in addition to their texts.
ENTRY: Final = 300
TOPIC: Final = 1100
KEY: Final = 360

#: Expired things that are dropped with each append, at most.
_DROPPED_AT_ONCE: Final = 3


class _Ring:
    """The entries of a topic.

    :ivar entries: with their times and their bytes.
    :ivar dropped: the number of the latest entry that was dropped; 0 without one.
    :ivar expires: the time at which the latest entry is dropped.
    :ivar size: the bytes of the ring and its entries.
    """

    __slots__ = ("_seconds", "dropped", "entries", "expires", "serial", "size")

    def __init__(self, dropped: int, serial: int, size: int) -> None:
        self.dropped = dropped
        self.serial = serial
        self.expires = self._seconds = 0.0
        self.size = size
        self.entries: deque[tuple[float, int, Entry]] = deque()

    @property
    def first(self) -> int:
        """The number of the oldest entry."""
        return self.entries[0][2].number

    def append(self, entry: Entry, keep: Keep, now: float) -> None:
        """Add an entry, and drop old ones."""
        # Later it may be more: Python keeps the UTF-8 of a text that was written.
        size = ENTRY + getsizeof(entry.message)
        entries, most, seconds = self.entries, *keep
        entries.append((now, size, entry))
        self.size += size
        self._seconds = seconds
        self.expires = now + seconds
        while len(entries) > most:
            self.drop()
        if entries and entries[0][0] + seconds <= now:
            self.drop_old(now)

    def drop_old(self, now: float) -> None:
        """Drop what is too old."""
        while self.entries and self.entries[0][0] + self._seconds <= now:
            self.drop()

    def drop(self) -> None:
        """Drop the oldest entry."""
        _, size, entry = self.entries.popleft()
        self.dropped = entry.number
        self.size -= size

    def after(self, number: int) -> list[Entry]:
        """The entries after a number."""
        later: list[Entry] = []
        for _, _, entry in reversed(self.entries):
            if entry.number <= number:
                break
            later.append(entry)
        return later[::-1]

    def latest(self, count: int) -> list[Entry]:
        """The last entries, at most ``count``."""
        last = islice(reversed(self.entries), max(count, 0))
        return [entry for _, _, entry in last][::-1]


class _Key(NamedTuple):
    """A key that was used.

    :param expires: the time at which it can be used again.
    :param number: of its entry.
    :param size: its bytes.
    """

    expires: float
    number: int
    size: int
    serial: int


class Kept:
    """The entries of all topics, and their keys.

    :param most: the bytes of all of them together. Above it the oldest are dropped,
        whatever their topic.

    :ivar size: the bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = 0
        self._rings: dict[str, _Ring] = {}
        self._keys: dict[tuple[str, str], _Key] = {}
        self._emptied = Emptied()
        #: Numbers the rings and the keys, to tell them from later ones.
        self._serial = count()
        #: Rings and keys, by the earliest time at which they may expire. Some are no
        #: longer there.
        self._due: list[tuple[float, int, str, str | None]] = []
        #: The topics, and the keys, of the entries by number. Some are no longer there.
        self._order: deque[tuple[int, str, str | None]] = deque()
        #: The lengths at which what is no longer there is taken out of these two.
        self._most_due = self._most_order = 100

    def has_key(self, topic: str, key: str, now: float) -> bool:
        """Whether a key was used, and cannot be used again yet."""
        used = self._keys.get((topic, key))
        return used is not None and used.expires > now

    def append(self, entry: Entry, keep: Keep, key: str | None, now: float) -> None:
        """Add an entry, and drop what there is no room for."""
        number, topic, _ = entry
        ring = self._rings.get(topic)
        if ring is None:
            ring = self._begin(topic, now + keep.seconds)
        before = ring.size
        ring.append(entry, keep, now)
        self.size += ring.size - before
        if not ring.entries:
            self._remove(topic, ring)
        if key is not None:
            self._use(topic, key, number, now + keep.seconds)
        self._order.append((number, topic, key))
        while self.size > self._most:
            self._drop(*self._order.popleft())
        if len(self._order) > self._most_order:
            self._order = deque(filter(self._is_kept, self._order))
            self._most_order = 2 * len(self._order) + 100

    def _begin(self, topic: str, expires: float) -> _Ring:
        dropped, size = self._emptied.last(topic), TOPIC + getsizeof(topic)
        ring = self._rings[topic] = _Ring(dropped, next(self._serial), size)
        self.size += size
        self._await(expires, ring.serial, topic)
        return ring

    def _remove(self, topic: str, ring: _Ring) -> None:
        """Remove a ring that has lost its last entry."""
        self._emptied.note(topic, ring.dropped)
        self.size -= ring.size
        del self._rings[topic]

    def _use(self, topic: str, key: str, number: int, expires: float) -> None:
        self._remove_key(topic, key)
        used = _Key(expires, number, KEY + getsizeof(key), next(self._serial))
        self._keys[topic, key] = used
        self.size += used.size
        self._await(expires, used.serial, topic, key)

    def _remove_key(self, topic: str, key: str) -> None:
        used = self._keys.pop((topic, key), None)
        if used is not None:
            self.size -= used.size

    # The oldest

    def _drop(self, number: int, topic: str, key: str | None) -> None:
        """Drop the oldest entry, and its key, unless they were dropped before."""
        if key is not None and self._is_key_of(number, topic, key):
            self._remove_key(topic, key)
        ring = self._rings.get(topic)
        if ring is not None and ring.first == number:
            before = ring.size
            ring.drop()
            self.size += ring.size - before
            if not ring.entries:
                self._remove(topic, ring)

    def _is_kept(self, item: tuple[int, str, str | None]) -> bool:
        number, topic, key = item
        ring = self._rings.get(topic)
        if ring is not None and ring.first <= number:
            return True
        return key is not None and self._is_key_of(number, topic, key)

    def _is_key_of(self, number: int, topic: str, key: str) -> bool:
        used = self._keys.get((topic, key))
        return used is not None and used.number == number

    # Age

    def _await(
        self, time: float, serial: int, topic: str, key: str | None = None
    ) -> None:
        heappush(self._due, (time, serial, topic, key))
        if len(self._due) > self._most_due:
            self._due = list(filter(self._is_due, self._due))
            heapify(self._due)
            self._most_due = 2 * len(self._due) + 100

    def _is_due(self, item: tuple[float, int, str, str | None]) -> bool:
        _, serial, topic, key = item
        found: _Ring | _Key | None
        found = self._rings.get(topic) if key is None else self._keys.get((topic, key))
        return found is not None and found.serial == serial

    def expire(self, now: float) -> None:
        """Drop some of what is too old."""
        for _ in range(_DROPPED_AT_ONCE):
            if not self._due or self._due[0][0] > now:
                return
            item = heappop(self._due)
            if not self._is_due(item):
                continue
            _, serial, topic, key = item
            if key is not None:
                self._remove_key(topic, key)
                continue
            ring = self._ring(topic, now)
            if ring is not None:
                self._await(ring.expires, serial, topic)

    # Reading

    def _ring(self, topic: str, now: float) -> _Ring | None:
        """The ring of a topic without what is too old; None without entries."""
        ring = self._rings.get(topic)
        if ring is None:
            return None
        before = ring.size
        ring.drop_old(now)
        self.size += ring.size - before
        if ring.entries:
            return ring
        self._remove(topic, ring)
        return None

    def dropped(self, topic: str) -> int:
        """The number of the latest entry that was dropped, or a higher one."""
        ring = self._rings.get(topic)
        return self._emptied.last(topic) if ring is None else ring.dropped

    def after(self, topic: str, number: int, now: float) -> list[Entry]:
        """The entries of a topic after a number."""
        ring = self._ring(topic, now)
        return [] if ring is None else ring.after(number)

    def latest(self, topic: str, count: int, now: float) -> list[Entry]:
        """The last entries of a topic, at most ``count``."""
        ring = self._ring(topic, now)
        return [] if ring is None else ring.latest(count)
