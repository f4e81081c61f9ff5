"""Commands for clients of a namespace concern those that have gone, too."""

from __future__ import annotations

from collections.abc import Iterable

from ..hub.roomkeys import Room
from .record import Place
from .recoverable import Recoverable
from .spans import Mark
from .states import State


def take_out(
    sessions: Iterable[Recoverable], target: Place, room: Room, now: Mark
) -> list[Recoverable]:
    """Clients are taken out of a room: those that have gone, too.

    :param sessions: of the namespace.
    :param target: where they are: a room, a user, or one socket.
    :returns: the sessions that have changed.
    """
    changed = []
    for session in [each for each in sessions if each.is_at(target)]:
        is_in = session.state is State.IN
        if not session.names_rooms and (is_in or session.state is State.GONE):
            session.spans.end(room, *now)
            changed.append(session)
        elif not is_in:
            # It is coming back into the room, or only its namespace knows the room.
            session.forget()
    return changed


def dismiss(sessions: Iterable[Recoverable], target: Place) -> None:
    """Clients are disconnected by the application: those that have gone, too.

    :param sessions: of the namespace.
    :param target: as :func:`take_out` takes it.
    """
    for session in [each for each in sessions if each.is_at(target)]:
        if session.state is State.IN:
            session.is_last = True  # its connection may end before it has left
        else:
            session.forget()
