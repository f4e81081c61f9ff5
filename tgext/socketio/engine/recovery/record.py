"""What recovery needs from the log of a namespace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from ...wire.socketio.packet import Packet
from ..hub.roomkeys import Room
from ..hub.selection import Selection


class Position(NamedTuple):
    """A place in the log: everything up to ``number`` has been sent.

    :param epoch: changes when the log was lost and counts anew.
    """

    epoch: str
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"

    @classmethod
    def read(cls, text: str) -> Position:
        """The position that a client gives back.

        :raises ValueError: when it is invalid.
        """
        epoch, dash, digits = text.rpartition("-")
        if not (epoch and dash and digits.isascii() and digits.isdecimal()):
            raise ValueError("it is not a position")
        if len(digits) > DIGITS:
            raise ValueError("its number has too many digits")
        return cls(epoch, int(digits))


#: The most digits of a position's number.
DIGITS = 18


#: Where a message went: a room, a user, one socket, or the whole namespace (None).
Place = Room | None


class Entry(NamedTuple):
    """A message in the log."""

    number: int
    receivers: Selection
    packet: Packet


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
    """The log of one namespace. Its methods may block, and fail."""

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
