"""A session as other processes find it, and what they need for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol

from ...wire.socketio.packet import Packet
from ..hub.roomkeys import Room, SocketRoom
from .record import Place, Position, Start
from .spans import Spans

#: Whether the events of channels carry the name of the channel, and the position.
Form = tuple[bool, bool]


#: A message that a client missed, and where it would have got it.
Found = tuple[Place, Packet]


class Kept(NamedTuple):
    """A session, without its connection.

    :param user: the id of its user: a text, a number, or None.
    :param sid: the public id of the client's socket.
    :param start: where it began.
    :param since: a client that has not received all up to this number cannot recover
        in another process.
    :param spans: where its client was, and when.
    :param values: what the application kept in the connection's ``session``.
    :param channels: see :attr:`.Recoverable.channels`.
    :param names_rooms: see :attr:`.Recoverable.names_rooms`.
    :param form: of the events of channels.
    :param tracked: see :attr:`.Recoverable.tracked`.
    :param epoch: that of the log that all processes share.
    :param read_up_to: the epoch and the number of that log up to which the process has
        read what others sent to the client alone.
    :param local: messages that the process had for the client alone, after ``start``;
        each has its position there.
    """

    user: str | int | None
    sid: str
    start: Start
    since: int
    spans: Spans
    values: Mapping[str, Any]
    channels: Mapping[str, str]
    names_rooms: bool
    form: Form = (False, False)
    tracked: Collection[Any] = ()
    epoch: str = ""
    read_up_to: tuple[str, int] = ("", 0)
    local: Collection[Found] = ()


class Read(NamedTuple):
    """What was sent to a client.

    :param found: the messages.
    :param up_to: see :attr:`Kept.read_up_to`.
    """

    found: list[Found]
    up_to: tuple[str, int]


class Shared(Protocol):
    """Keeps the sessions of a namespace where other processes find them."""

    def save(self, session: Any) -> None:
        """A session has changed; it is written soon. Does not block."""

    def remove(self, session: Any) -> None:
        """A session cannot be recovered any more. Does not block."""

    def keep(self, room: SocketRoom, packet: Packet) -> None:
        """Keep a packet for one client, soon. Does not block."""

    def command(self, target: Place, room: Room | None) -> None:
        """Clients are taken out of a room, or dismissed. Does not block.

        It concerns those, too, whose process was killed.

        :param target: as :func:`.absent.take_out` takes it.
        :param room: None when they are disconnected.
        """

    def wait(self) -> None:
        """Wait until what has changed is written; some seconds at most."""

    def has(self, session: Any) -> bool:
        """Whether no other process has taken a session of this one. May block."""

    def take(self, pid: str, user: object) -> Kept | None:
        """Take a session from the process that has it, or had it before it ended.

        :param user: the id of the client's user, who must be the one of the session.
        :returns: None if there is no such session.
        """

    def hear(self, kept: Kept) -> Callable[[], object] | None:
        """Hear the channels of a client that has gone. May block.

        :returns: a function that ends it; None if they cannot be heard now.
        """

    def forget(self, pid: str) -> None:
        """Remove a session that :meth:`take` has returned. Does not block."""

    def read(
        self, kept: Kept, places: Collection[Place], after: Position, until: Position
    ) -> Read | None:
        """What was sent to a client after a position.

        :param after: the client's position, in the process that had its session.
        :param until: a position of this process. What it sent or heard later is
            skipped.
        :returns: None if not all of it is there.
        """

    def close(self) -> None:
        """Write what has changed, and end; called when the server stops."""


def is_shared(user: object) -> bool:
    """Whether sessions of a user can be kept for other processes."""
    return user is None or type(user) in (str, int)
