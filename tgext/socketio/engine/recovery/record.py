"""What recovery needs from the log of a namespace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from ...wire.socketio.packet import Packet
from ..hub.roomkeys import Room
from ..hub.selection import Selection


class Position(NamedTuple):
    """A place in the log: everything up to ``number`` has been sent.

    :param epoch: changes when the log was lost and counts anew. It is that of one
        process.
    :param heard: up to this number of the log that all processes share, this one had
        heard what others sent; -1 if the position holds in this process only.
    """

    epoch: str
    number: int
    heard: int = -1

    def __str__(self) -> str:
        if self.heard >= 0:
            return f"{self.epoch}-{self.number}-{self.heard}"
        return f"{self.epoch}-{self.number}"

    @classmethod
    def read(cls, text: str) -> Position:
        """The position that a client gives back.

        :raises ValueError: when it is invalid.
        """
        match = _POSITION.fullmatch(text)
        if match is None:
            raise ValueError("it is not a position")
        epoch, number, heard = match.groups("-1")
        return cls(epoch, int(number), int(heard))


#: An epoch, and one or two numbers of up to 18 digits.
_POSITION = re.compile(r"([0-9A-Za-z]+)-([0-9]{1,18})(?:-([0-9]{1,18}))?")


#: Where a message went: a room, a user, one socket, or the whole namespace (None).
Place = Room | None


class Entry(NamedTuple):
    """A message in the log.

    :param heard: see :class:`Position`.
    """

    number: int
    receivers: Selection
    packet: Packet
    heard: int = -1


def position_of(offset: object) -> Position | None:
    """The position that a client gives; None if it gives none, or it is invalid."""
    try:
        return Position.read(str(offset))
    except ValueError:
        return None


class Start(NamedTuple):
    """Where the session of a client began.

    :param position: in the process that had it.
    :param given: the position that its client gave then, of an earlier session or of
        another process. It gives this again until it receives an event.
    """

    position: Position
    given: Position | None = None

    def reached(self, offset: object) -> Position | None:
        """The position that the client has reached.

        :param offset: what it gives; None if it has received no event.
        :returns: None when it is invalid, or when another process, which had the
            session too, has sent the client what is not known here.
        """
        if offset is None:
            return self.position
        position = position_of(offset)
        if position is None:
            return None
        start = self.position
        if position.epoch == start.epoch and position.number >= start.number:
            return position
        return start if position == self.given else None


class Missed(NamedTuple):
    """What was sent after a position.

    :param entries: in the order of their numbers.
    :param position: where the log was when it was read.
    :param complete: whether the log reaches back to the position.
    """

    entries: list[Entry]
    position: Position
    complete: bool


class Record(Protocol):
    """The log of one namespace. Its methods may block, and fail.

    :ivar heard: up to where this process has heard the log that all share; see
        :class:`Position`.
    """

    @property
    def heard(self) -> int: ...

    def append(self, place: Place, packet: Packet, receivers: Selection) -> Position:
        """Number a packet, and keep it.

        :param place: where those look for it who have missed it.
        :raises TypeError: when the packet cannot be written as JSON, or has more
            attachments than clients accept. It is not kept then.
        """

    def read(self, places: Iterable[Place], after: Position) -> Missed:
        """What was sent to any of some places after a position."""

    def now(self) -> Position:
        """The position of what was sent last."""
