"""The keys by which the members of a namespace are found: rooms, users and ids."""

from __future__ import annotations

from ...wire.escape import escape

Room = str | int

#: The most characters of a room's name, and the most hexadecimal digits of its number.
#: Applications may let clients choose names.
MOST = 1024


def check_room(room: object) -> Room:
    """Check the name of a room, and convert it to the form that all processes use.

    ``1`` and ``'1'`` are two rooms. A member of a ``StrEnum`` or an ``IntEnum`` is the
    room of its value.

    :returns: the room as a plain ``str`` or ``int``.
    :raises TypeError: when it is neither. Other values, such as a UUID or a date, are
        not the same value after they were sent to another process. ``True`` and
        ``False`` are invalid too.
    :raises ValueError: when it has a lone surrogate, which UTF-8 cannot encode, or more
        than :data:`MOST` characters or hexadecimal digits. Python writes no longer
        numbers than that in decimal, either.
    """
    if type(room) is str and room.isascii() and len(room) <= MOST:
        return room
    if isinstance(room, str):
        room = str.__str__(room)
        if len(room) > MOST:
            text = f"the room '{escape(room)}' has more than {MOST} characters"
            raise ValueError(text)
        try:
            room.encode()
        except UnicodeEncodeError:
            text = f"the room '{escape(room)}' cannot be encoded as UTF-8"
            raise ValueError(text) from None
        return room
    if isinstance(room, int) and not isinstance(room, bool):
        if int.bit_length(room) > 4 * MOST:
            raise ValueError(f"a room's number has more than {MOST} hexadecimal digits")
        return int.__int__(room)
    raise TypeError(f"a room is a str or an int, not {type(room).__name__}")


class OwnRoom(str):
    """The base of room keys that are no room of an application, whatever their text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), str.__str__(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str.__repr__(self)})"


class UserRoom(OwnRoom):
    """The sockets of a user in a namespace: his ``repoze.who.userid`` as text."""

    __slots__ = ()


class SocketRoom(OwnRoom):
    """The socket with a public id in a namespace."""

    __slots__ = ()


class ChannelRoom(OwnRoom):
    """The clients in a namespace that hear a channel. The channel knows them."""

    __slots__ = ()


def channel_room(name: object) -> ChannelRoom:
    """The room key of a channel.

    :raises TypeError: when the name is not a ``str``.
    :raises ValueError: as :func:`check_room`.
    """
    if not isinstance(name, str):
        raise TypeError(f"a channel is a str, not {type(name).__name__}")
    return ChannelRoom(check_room(name))


def user_room(user: object) -> UserRoom:
    """The room key of a user.

    :param user: ``repoze.who.userid``; ``7`` and ``'7'`` are the same user.
    :raises TypeError: when it is neither a ``str`` nor an ``int``.
    :raises ValueError: as :func:`check_room`.
    """
    try:
        return UserRoom(check_room(user))
    except TypeError:
        text = f"a user is a str or an int, not {type(user).__name__}"
        raise TypeError(text) from None


def socket_room(sid: object) -> SocketRoom:
    """The room key of a socket.

    :param sid: its public id.
    :raises TypeError: when it is not a ``str``.
    :raises ValueError: as :func:`check_room`.
    """
    if not isinstance(sid, str):
        raise TypeError(f"the id of a socket is a str, not {type(sid).__name__}")
    return SocketRoom(check_room(sid))
