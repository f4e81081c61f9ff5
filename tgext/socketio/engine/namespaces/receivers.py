"""Who gets a broadcast: one room or several, without the exceptions of ``except_``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..hub.roomkeys import Room, check_room
from ..hub.rooms import Rooms
from ..hub.selection import Receivers, Selection

#: Makes the key by which the hub knows a room of the name that an application gives.
KeyOf = Callable[[Any], Room]

#: The name of a room, or several.
Named = Room | list[Room] | set[Room]

#: Sends a packet to receivers, without one socket.
Sending = Callable[..., None]


def named(room: object, key_of: KeyOf = check_room) -> Receivers:
    """The members of a room or of several.

    :param room: the name of a room; or a list or a set of names.
    :raises TypeError: when a name is neither a ``str`` nor an ``int``.
    :raises ValueError: as :func:`.check_room`.
    """
    if type(room) is str:
        return key_of(room)
    if isinstance(room, (list, set)):
        return Selection(tuple(dict.fromkeys(_key(each, key_of) for each in room)))
    return _key(room, key_of)


def without(
    receivers: Receivers, except_: Any, key_of: KeyOf = check_room
) -> Receivers:
    """Receivers without those that an application excepts.

    :param except_: the name of a room, a socket or a namespace object, or a list or a
        set of these. None excepts nobody.
    :raises TypeError: when it is something else.
    :raises ValueError: as :func:`.check_room`.
    """
    if except_ is None:
        return receivers
    rooms: list[Room] = []
    sockets: list[Any] = []
    for each in except_ if isinstance(except_, (list, set)) else (except_,):
        socket = _socket_of(each)
        if socket is None:
            rooms.append(_key(each, key_of))
        else:
            sockets.append(socket)
    given = receivers if isinstance(receivers, Selection) else Selection((receivers,))
    return Selection(given.rooms, tuple(rooms), tuple(sockets))


def leaves_out(receivers: Receivers, socket: object, rooms: Any) -> bool:
    """Whether a client that is going to be in rooms is excepted."""
    if not isinstance(receivers, Selection):
        return False
    return socket in receivers.skip or any(each in rooms for each in receivers.without)


def sending(rooms: Rooms, local: bool) -> Sending:
    """How a packet is sent: in every process, or in this one alone."""
    return rooms.broadcast_here if local else rooms.broadcast


def _socket_of(value: Any) -> Any:
    """The socket of a socket or a namespace object; None for other values."""
    if hasattr(value, "ns_name"):
        return value.socket
    return value if hasattr(value, "send_packet") else None


def _key(room: object, key_of: KeyOf) -> Room:
    if isinstance(room, (tuple, frozenset)):
        kind = type(room).__name__
        text = f"a room is a str or an int, not {kind}; several are a list or a set"
        raise TypeError(text)
    return key_of(room)
