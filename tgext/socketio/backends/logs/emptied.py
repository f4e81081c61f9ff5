"""When topics that have no entries any more had their last one."""

from __future__ import annotations

from array import array
from typing import Final

#: Topics whose hashes lead to one bucket; the next ones replace those of the lowest
#: numbers.
_WAYS: Final = 8

#: Buckets. The table has 1 MiB, and is made with the first topic.
_BUCKETS: Final = 8192

_HASH: Final = (1 << 63) - 1


class Emptied:
    """The last number of each topic that has no entries: of any number of topics.

    A set-associative table of hashes and numbers. A topic that is replaced leaves its
    number to its bucket, so only topics of this bucket may be given a number that is
    too high; no topic is given one that is too low.

    :param buckets: their number.
    """

    def __init__(self, buckets: int = _BUCKETS) -> None:
        self._buckets = buckets
        self._hashes = self._numbers = self._replaced = array("q")

    def note(self, topic: str, number: int) -> None:
        """A topic has lost its last entry, which had this number."""
        if not self._hashes:
            self._hashes, self._numbers = self._zeros(_WAYS), self._zeros(_WAYS)
            self._replaced = self._zeros(1)
        hashed, bucket = self._find(topic)
        slots = range(bucket * _WAYS, (bucket + 1) * _WAYS)
        try:
            slot = self._hashes.index(hashed, slots.start, slots.stop)
        except ValueError:
            slot = min(slots, key=self._numbers.__getitem__)
            earlier = self._replaced[bucket]  # the topic's own may be among them
            self._replaced[bucket] = max(earlier, self._numbers[slot])
            self._hashes[slot], self._numbers[slot] = hashed, earlier
        self._numbers[slot] = max(self._numbers[slot], number)

    def last(self, topic: str) -> int:
        """The number of a topic's last entry, or a higher one; 0 if it had none."""
        if not self._hashes:
            return 0
        hashed, bucket = self._find(topic)
        first = bucket * _WAYS
        try:
            slot = self._hashes.index(hashed, first, first + _WAYS)
        except ValueError:
            return self._replaced[bucket]
        return self._numbers[slot]

    def _zeros(self, each: int) -> array[int]:
        return array("q", bytes(8 * each * self._buckets))

    def _find(self, topic: str) -> tuple[int, int]:
        """The hash of a topic, which is not 0, and its bucket."""
        hashed = hash(topic) & _HASH
        return hashed | 1, (hashed >> 1) % self._buckets
