"""What clients have received from the processes that they were in before.

A process sends to its own clients first. Others may hear the same message much later,
when their broker was away meanwhile: a client that has moved has it then.
"""

from __future__ import annotations

from ...wire.socketio.packet import Packet
from ..hub.roomkeys import SocketRoom
from ..hub.selection import Receivers, Selection
from .record import Position
from .recoverable import Recoverable


class Had:
    """The positions that clients had reached in other processes."""

    def __init__(self) -> None:
        #: By the epoch of the process.
        self._reached: dict[str, dict[Recoverable, int]] = {}

    def note(self, session: Recoverable, position: Position) -> None:
        """A client has received all up to a position of another process."""
        self._reached.setdefault(position.epoch, {})[session] = position.number

    def forget(self, session: Recoverable) -> None:
        """A session has ended. No effect when nothing was noted."""
        for epoch, reached in list(self._reached.items()):
            reached.pop(session, None)
            if not reached:
                del self._reached[epoch]

    def lacking(self, packet: Packet, room: Receivers) -> Receivers:
        """The receivers of a packet of another process, without those who have it."""
        text = packet.get("position")
        if not self._reached or text is None:
            return room
        try:
            position = Position.read(text)
        except ValueError:
            return room
        reached = self._reached.get(position.epoch, {})
        have = [
            SocketRoom(session.sid)
            for session, number in reached.items()
            if number >= position.number
        ]
        if not have:
            return room
        if not isinstance(room, Selection):
            room = Selection((room,))
        return room._replace(without=(*room.without, *have))
