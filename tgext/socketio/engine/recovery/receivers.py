"""Who gets a broadcast, in terms that hold when the clients are back."""

from __future__ import annotations

from collections.abc import Callable

from ...wire.socketio.packet import Packet
from ..hub.delivery import Receiver
from ..hub.roomkeys import SocketRoom
from ..hub.selection import Receivers, Selection
from .recoverable import Recoverable


def named(
    packet: Packet,
    room: Receivers,
    skip: Receiver | None,
    session_of: Callable[[Receiver], Recoverable | None],
) -> Selection:
    """The receivers of a broadcast, with public ids for the sockets it leaves out.

    :param room: as :meth:`.Rooms.broadcast` takes it.
    :param skip: a socket that it is not sent to.
    :param session_of: returns the session of a socket.
    """
    if not isinstance(room, Selection):
        room = Selection((room,))
    sockets = room.skip if skip is None else (*room.skip, skip)
    sessions = map(session_of, sockets)
    left_out = [SocketRoom(each.sid) for each in sessions if each is not None]
    # Those that another process leaves out may be back in this one.
    left_out += map(SocketRoom, packet.get("left_out", ()))
    return Selection(room.rooms, (*room.without, *left_out))


def given(room: Receivers) -> int:
    """How many rooms a selection leaves out."""
    return len(room.without) if isinstance(room, Selection) else 0
