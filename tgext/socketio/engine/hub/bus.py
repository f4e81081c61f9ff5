"""What the rooms of a process need from the bus to the other processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ...wire.socketio.packet import Packet
from .roomkeys import Room
from .selection import Receivers


class Bus(Protocol):
    """Carries broadcasts to the other processes that serve the same application.

    It calls :meth:`.Rooms.hear` for each broadcast of another process, and listens
    to the rooms that have members in this one.
    """

    def __len__(self) -> int:
        """How many topics it listens to."""

    def publish(self, packet: Packet, receivers: Receivers) -> None:
        """Send a packet to the other processes. May raise any exception."""

    def listen(self, endpoint: str, room: Room | None) -> None:
        """A room has its first member. Neither blocks nor raises."""

    def unlisten(self, endpoint: str, room: Room | None) -> None:
        """The last member has left, or the end of another :meth:`listen`."""

    def wait(self, endpoint: str, rooms: Iterable[Room | None]) -> bool:
        """Wait until rooms are heard; some seconds, if the broker does not answer.

        :returns: whether they are.
        """

    def since(self, endpoint: str, room: Room | None) -> int:
        """The number of the last message before this process heard a room.

        It is that of the log that all processes share; 0 without one.
        """

    def flush(self) -> None:
        """Wait until the broker has, or has refused, what is being published."""

    def close(self) -> None:
        """Stop listening to the other processes; called when the server stops."""
