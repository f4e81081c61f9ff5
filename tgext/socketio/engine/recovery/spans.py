"""Which messages a client was there for.

A client that recovers gets what was sent to a room while it was in the room: not what
was sent before it joined or after it left, although the log has that too.
"""

from __future__ import annotations

from collections.abc import Collection
from sys import getsizeof

from .record import Place

#: The most ended spans that are kept. A client that lost a message of an older one
#: cannot recover.
MOST_ENDED = 256

#: Bytes of a span, in addition to the name of its place.
SPAN = 150


class Spans:
    """The places of one client, each with the numbers between which it was there.

    :ivar since: the number after which all ended spans are known.
    """

    __slots__ = ("_ended", "_open", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self._open: dict[Place, int] = {}
        self._ended: list[tuple[Place, int, int]] = []

    @property
    def places(self) -> Collection[Place]:
        """Where the client is now."""
        return self._open.keys()

    @property
    def weight(self) -> int:
        """The bytes of all spans, roughly."""
        ended = [place for place, *_ in self._ended]
        return sum(SPAN + getsizeof(each) for each in (*self._open, *ended))

    def begin(self, place: Place, number: int) -> None:
        """The client has joined; no effect when it is there.

        :param number: of the last message that it did not get.
        """
        self._open.setdefault(place, number)

    def end(self, place: Place, number: int) -> None:
        """The client has left.

        :param number: of the last message that it got.
        """
        begun = self._open.pop(place, None)
        if begun is None or begun >= number:
            return
        self._ended.append((place, begun, number))
        if len(self._ended) > MOST_ENDED:
            self.since = max(self.since, self._ended.pop(0)[2])

    def keep(self, places: Collection[Place], number: int) -> None:
        """End the spans of all other places."""
        for place in [each for each in self._open if each not in places]:
            self.end(place, number)

    def after(self, number: int) -> set[Place]:
        """The places where the client was at any time after a number."""
        left = {place for place, _, end in self._ended if end > number}
        return {*self._open, *left}

    def has(self, place: Place, number: int) -> bool:
        """Whether the client was there when a message was sent."""
        begun = self._open.get(place)
        if begun is not None and number > begun:
            return True
        return any(
            there == place and begin < number <= end
            for there, begin, end in self._ended
        )
