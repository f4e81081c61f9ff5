"""The log of one process, in memory."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Final

from ...engine.concurrency.failures import ERRORS
from ...engine.logs import get_logger
from ...wire.escape import escape
from ...wire.limits import MAX_LOG
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
from .kept import Kept

log = get_logger(__name__)

#: Topics that were declared.
_DECLARED: Final = 10_000


class MemoryLog:
    """A log in memory.

    :param tell: publishes a message, for subscribers that know no log: it is called
        with a topic, and with each of its messages as :func:`~.entries.write_logged`
        writes it.
    :param now: returns the time in seconds.
    :param most: the bytes of all entries together. Above it the oldest are dropped,
        whatever their topic, and their keys with them.
    """

    def __init__(
        self,
        tell: Callable[[str, str], object] | None = None,
        now: Callable[[], float] = time.monotonic,
        most: int = MAX_LOG,
    ) -> None:
        self.epoch = new_epoch()
        self._tell = tell
        self._now = now
        self._number = 0
        self._kept = Kept(most)
        self._heard: dict[str, list[HeardEntry]] = {}
        self._declared: OrderedDict[str, Keep] = OrderedDict()
        #: Entries that listeners have not been told yet.
        self._untold: deque[Entry] = deque()
        self._telling = False

    @property
    def size(self) -> int:
        """The bytes of its entries, roughly."""
        return self._kept.size

    def append(
        self, topic: str, message: str, keep: Keep, key: str | None = None
    ) -> Position | None:
        now = self._now()
        self._kept.expire(now)
        if key is not None and self._kept.has_key(topic, key, now):
            return None
        self._number += 1
        entry = Entry(self._number, topic, message)
        self._kept.append(entry, keep, key, now)
        self._untold.append(entry)
        self._tell_all()
        return Position(self.epoch, entry.number)

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
        self._declared[topic] = keep
        self._declared.move_to_end(topic)
        if len(self._declared) > _DECLARED:
            self._declared.popitem(last=False)

    def publish(
        self, topic: str, message: str, key: str | None = None, like: str = ""
    ) -> None:
        declared = like or topic
        keep = self._declared.get(declared)
        if keep is not None:
            self._declared.move_to_end(declared)
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
            entries += self._kept.after(topic, start, now)
            complete = complete and self._kept.dropped(topic) <= start
        entries.sort()
        return Replay(entries, self.now(), complete)

    def latest(self, topic: str, count: int) -> Replay:
        entries = self._kept.latest(topic, count, self._now())
        complete = len(entries) == count or not self._kept.dropped(topic)
        return Replay(entries, self.now(), complete)

    def now(self) -> Position:
        return Position(self.epoch, self._number)

    @property
    def heard(self) -> Position:
        return self.now()

    def listen(self, topic: str, heard: HeardEntry) -> int:
        self._heard.setdefault(topic, []).append(heard)
        return self._number

    def unlisten(self, topic: str, heard: HeardEntry) -> None:
        listeners = self._heard.get(topic, [])
        if heard in listeners:
            listeners.remove(heard)
        if not listeners:
            self._heard.pop(topic, None)

    def when_lost(self, told: Callable[[], object]) -> None:
        """Listeners in the same process miss nothing."""
