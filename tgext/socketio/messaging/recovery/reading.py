"""What one client missed, of what is in the log that all processes share."""

from __future__ import annotations

from typing import Any

from ...engine.hub.roomkeys import SocketRoom
from ...engine.hub.selection import Selection
from ...engine.recovery.kept import Found, Kept
from ...engine.recovery.record import Position
from ...engine.recovery.spans import NOWHERE, OWN, SHARED
from ...wire.socketio.packet import Packet


class Reading:
    """Finds what one client missed.

    Messages of the process that had its session have the numbers of that process, which
    its client got them with; all others have those of the shared log.
    """

    def __init__(self, kept: Kept, after: Position, until: Position) -> None:
        self._kept = kept
        self._after = after
        self._until = until
        #: What was found, with the order in which that process sent or heard it.
        self._found: list[tuple[tuple[int, int, int], Found]] = []
        #: By their numbers there: one that failed may have been written twice.
        self._own: dict[int, tuple[Position, Found]] = {}

    def take(self, number: int, packet: Packet, receivers: Any, late: bool) -> None:
        """Take a message of the log.

        :param late: whether this process hears it later than :attr:`until`.
        :raises ValueError: when its position is invalid.
        """
        if packet.get("volatile"):
            return
        if not isinstance(receivers, Selection):
            receivers = Selection((receivers,))
        left_out = map(SocketRoom, packet.get("left_out", ()))
        receivers = Selection(receivers.rooms, (*receivers.without, *left_out))
        position = packet.get("position")
        sent = Position.read(position) if position else Position("", 0)
        is_own = sent.epoch == self._kept.start.position.epoch
        if is_own:
            if sent.number <= self._after.number:
                return
            number_there, clock = sent.number, OWN
        else:
            number_there, clock = number, SHARED
        if self._is_late(sent, late):
            return
        place: Any = self._kept.spans.place_of(receivers, number_there, clock)
        if place is NOWHERE:
            return
        if is_own:
            self._own[sent.number] = sent, (place, packet)
        else:
            self._found.append(((number, 0, 0), (place, packet)))

    def _is_late(self, sent: Position, late: bool) -> bool:
        """Whether this process has a message in its own log."""
        if sent.epoch == self._until.epoch:
            return sent.number > self._until.number
        return late

    def found(self) -> list[Found]:
        """What was found, in the order that its client would have got it in."""
        found, heard = list(self._found), -1
        for _, (sent, each) in sorted(self._own.items()):
            # It came after all that its process had heard then.
            heard = max(heard, sent.heard)
            found.append(((heard, 1, sent.number), each))
        found.sort(key=lambda each: each[0])
        return [each for _, each in found]
