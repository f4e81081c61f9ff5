"""What a client missed, encoded for it."""

from __future__ import annotations

from collections.abc import Collection

from ...wire.socketio.encoded import Encoded, message_size
from ...wire.socketio.packet import ReservedName
from .client import Connection, Log
from .positions import with_position
from .record import Place, Position
from .spans import NOWHERE, Spans


class MissedPackets:
    """Packets for a client that is back, in the order in which it gets them.

    :param journal: that of the namespace.

    :ivar read: up to here, the client has been sent all, or what it missed is here.
    """

    def __init__(self, journal: Log, read: Position) -> None:
        self._journal = journal
        self.read = read
        self._found: list[tuple[Place | object, Encoded]] = []
        self._size = 0

    def begin(self, after: Position) -> None:
        """The client has received all up to a position."""
        self.read = after
        self.clear()

    def clear(self) -> None:
        """Forget the packets."""
        self._found, self._size = [], 0

    def find(self, spans: Spans, connection: Connection) -> bool:
        """Find what was sent since :attr:`read`.

        :param spans: where the client was.
        :returns: whether all of it is there, and is not too much.
        """
        missed = self._journal.read(spans.after(self.read.number), self.read)
        # It may have given a position that never was.
        behind = missed.position.number < self.read.number
        if not missed.complete or behind or missed.position.epoch != self.read.epoch:
            return False
        for number, receivers, packet, heard in missed.entries:
            place = spans.place_of(receivers, number)
            if place is NOWHERE:
                continue
            position = str(Position(self.read.epoch, number, heard))
            try:
                encoded = connection.generation.encode(
                    with_position(packet, position), connection.json_dumps
                )
            except ReservedName:
                continue
            except TypeError:
                return False
            self._found.append((place, encoded))
            self._size += message_size(encoded.text)
            self._size += sum(map(len, encoded.attachments))
            if self._size > self._journal.most:
                return False
        self.read = missed.position
        return True

    def take(self, left: Collection[Place]) -> list[Encoded]:
        """Take the packets.

        :param left: places that the client has left since; what was sent there is not
            for it any more.
        """
        found = self._found
        self.clear()
        return [encoded for place, encoded in found if place not in left]
