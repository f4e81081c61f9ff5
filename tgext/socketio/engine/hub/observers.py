"""Who observes rooms: presence, and recovery."""

from __future__ import annotations

from typing import Any, Protocol

from ...wire.socketio.packet import Packet
from .roomkeys import Room
from .selection import Receivers


class Had(Protocol):
    """What clients have from the processes that they were in before."""

    def lacking(self, packet: Packet, room: Receivers) -> Receivers:
        """The receivers of a packet, without those who have it."""


class Journal(Protocol):
    """Keeps what is sent in a namespace whose clients recover.

    :ivar had: what clients have from other processes.
    """

    @property
    def had(self) -> Had: ...

    def number(self, packet: Packet, room: Receivers, skip: Any) -> Packet:
        """Number a packet that is broadcast, and keep it; see
        :meth:`.Rooms.broadcast`."""

    def append(
        self, place: Room | None, packet: Packet, without: tuple[Room, ...] = ()
    ) -> object:
        """Number a packet that is delivered otherwise, and keep it.

        :param place: who gets it.
        :param without: sockets of the place that do not get it.
        :returns: the position.
        """

    def gets_otherwise(self, place: Room, socket: Any, heard: int) -> None:
        """A socket gets what was sent to a place otherwise.

        :param heard: up to this number of the log that all processes share.
        """

    def reaches(self, socket: Any) -> bool:
        """Whether a socket gets what is sent now: it is in the namespace."""

    def may_return(self, socket: Any) -> bool:
        """Whether the client of a socket that has ended may be back, with its id."""

    def joined(self, room: Room | None, socket: Any) -> None:
        """A socket has joined a room, or hears a channel."""

    def left(self, room: Room | None, socket: Any) -> None:
        """A socket has left a room or a channel, and not because it has ended."""

    def take_out(self, target: Room | None, room: Room) -> None:
        """Sockets are taken out of a room: clients that have gone, too."""

    def dismiss(self, target: Room | None) -> None:
        """Sockets are disconnected by the application: clients that have gone, too."""

    def flush(self) -> None:
        """Wait until other processes can know what has changed."""

    def lose(self) -> None:
        """Messages of other processes may be missing that were sent up to now."""

    def close(self) -> None:
        """Forget who has gone; called when the server stops."""

    def __len__(self) -> int:
        """How many clients it knows, with those that have gone."""


class Watcher(Protocol):
    """Is told who comes to rooms and who leaves them. It must not block."""

    def came(self, endpoint: str, room: Room | None, socket: Any) -> None:
        """A socket has joined a room."""

    def left(self, endpoint: str, room: Room | None, socket: Any) -> None:
        """A socket has left a room."""

    def left_all(self, endpoint: str, socket: Any) -> None:
        """A socket leaves a namespace and all its rooms; each is told by itself too."""

    def close(self) -> None:
        """Watch no more; called when the server stops, before the bus is closed."""
