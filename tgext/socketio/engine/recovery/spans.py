"""Which messages a client was there for.

A client that recovers gets what was sent to a room while it was in the room: not what
was sent before it joined or after it left, although the log has that too.
"""

from __future__ import annotations

from collections.abc import Collection
from sys import getsizeof
from typing import Final, NamedTuple

from ..hub.selection import Selection
from .record import Place

#: The most ended spans that are kept. A client that lost a message of an older one
#: cannot recover.
MOST_ENDED = 256

#: Bytes of a span, in addition to the name of its place.
SPAN = 150


class Mark(NamedTuple):
    """When something happened: after the messages with these numbers.

    :param number: in the log of this process.
    :param heard: in the log that all processes share; see :class:`.Position`.
    """

    number: int
    heard: int = 0


#: Which of the numbers of a mark a message has.
OWN: Final = 0
SHARED: Final = 1


#: The place of a message that the client does not get.
NOWHERE: Final = object()


class Span(NamedTuple):
    """A time that a client spent in a place.

    :param end: None while it is there.
    """

    place: Place
    begin: Mark
    end: Mark | None


class Spans:
    """The places of one client, each with the numbers between which it was there.

    :ivar since: the number after which all ended spans are known.
    """

    __slots__ = ("_ended", "_open", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self._open: dict[Place, Mark] = {}
        self._ended: list[tuple[Place, Mark, Mark]] = []

    @property
    def places(self) -> Collection[Place]:
        """Where the client is now."""
        return self._open.keys()

    @property
    def weight(self) -> int:
        """The bytes of all spans, roughly."""
        ended = [place for place, *_ in self._ended]
        return sum(SPAN + getsizeof(each) for each in (*self._open, *ended))

    @property
    def all(self) -> list[Span]:
        """All that are known."""
        ended = [Span(*each) for each in self._ended]
        return [*ended, *(Span(*each, None) for each in self._open.items())]

    def add(self, span: Span) -> None:
        """Add one, as :attr:`all` has it."""
        if span.end is None:
            self._open[span.place] = span.begin
        else:
            self._ended.append((span.place, span.begin, span.end))

    def begin(self, place: Place, number: int, heard: int = 0) -> None:
        """The client has joined; no effect when it is there.

        :param number: of the last message that it did not get.
        """
        self._open.setdefault(place, Mark(number, heard))

    def hears(self, place: Place, heard: int) -> None:
        """A place has been heard since a number of the log that all share."""
        begun = self._open.get(place)
        if begun is not None and begun.heard < heard:
            self._open[place] = begun._replace(heard=heard)

    def end(self, place: Place, number: int, heard: int = 0) -> None:
        """The client has left.

        :param number: of the last message that it got.
        """
        begun = self._open.pop(place, None)
        if begun is None or begun.number >= number:
            return
        self._ended.append((place, begun, Mark(number, heard)))
        if len(self._ended) > MOST_ENDED:
            self.since = max(self.since, self._ended.pop(0)[2].number)

    def keep(self, places: Collection[Place], number: int, heard: int = 0) -> None:
        """End the spans of all other places."""
        for place in [each for each in self._open if each not in places]:
            self.end(place, number, heard)

    def after(self, number: int) -> set[Place]:
        """The places where the client was at any time after a number."""
        left = {place for place, _, end in self._ended if end.number > number}
        return {*self._open, *left}

    def has(self, place: Place, number: int, clock: int = OWN) -> bool:
        """Whether the client was there when a message was sent.

        :param clock: :data:`OWN` or :data:`SHARED`: the log that the number is of.
        """
        begun = self._open.get(place)
        if begun is not None and number > begun[clock]:
            return True
        return any(
            there == place and begin[clock] < number <= end[clock]
            for there, begin, end in self._ended
        )

    def place_of(
        self, receivers: Selection, number: int, clock: int = OWN
    ) -> Place | object:
        """Where the client would have got a message; :data:`NOWHERE` if it would not.

        It gets a message once that is for several rooms.
        """
        if any(self.has(each, number, clock) for each in receivers.without):
            return NOWHERE
        found = (each for each in receivers.rooms if self.has(each, number, clock))
        return next(found, NOWHERE)
