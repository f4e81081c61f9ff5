"""Who is where: the sockets of a server by namespace and room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..wire.packet import Packet
from .outbox import Encoded

if TYPE_CHECKING:
    from .virtsocket import Socket

Key = tuple[str, "str | None"]


class Rooms:
    """The members of each namespace, and of each room in it.

    The room ``None`` is the namespace itself: everyone who is connected to it.
    """

    def __init__(self) -> None:
        self._members: dict[Key, dict[Socket, None]] = {}
        self._keys: dict[Socket, set[Key]] = {}

    def join(self, endpoint: str, room: str | None, socket: Socket) -> None:
        """Add ``socket``; again has no effect."""
        key = (endpoint, room)
        self._members.setdefault(key, {})[socket] = None
        self._keys.setdefault(socket, set()).add(key)

    def leave(self, endpoint: str, room: str | None, socket: Socket) -> None:
        """Remove ``socket``; one that is not there has no effect."""
        self._remove((endpoint, room), socket)

    def leave_all(self, endpoint: str, socket: Socket) -> None:
        """Remove ``socket`` from the namespace and all its rooms."""
        for key in [key for key in self._keys.get(socket, ()) if key[0] == endpoint]:
            self._remove(key, socket)

    def members(self, endpoint: str, room: str | None = None) -> list[Socket]:
        """The sockets in a room, in the order in which they joined."""
        return list(self._members.get((endpoint, room), ()))

    def _remove(self, key: Key, socket: Socket) -> None:
        members = self._members.get(key)
        if members is None or socket not in members:
            return
        del members[socket]
        if not members:
            del self._members[key]
        keys = self._keys[socket]
        keys.discard(key)
        if not keys:
            del self._keys[socket]


def deliver(sockets: Iterable[Socket], packet: Packet) -> None:
    """Send one packet to many, encoding it once per generation of clients.

    :raises TypeError: when a generation among them cannot be sent the packet, such as
        bytes to 0.9, after it has gone to all others.
    """
    versions: dict[object, Encoded | TypeError] = {}
    for socket in sockets:
        key = (socket.generation, socket.json_dumps)
        encoded = versions.get(key)
        if encoded is None:
            encoded = versions[key] = _encode(socket, packet)
        if isinstance(encoded, Encoded):
            socket.send_encoded(encoded, packet["endpoint"])
    for each in versions.values():
        if isinstance(each, TypeError):
            raise each


def _encode(socket: Socket, packet: Packet) -> Encoded | TypeError:
    try:
        return socket.encode(packet)
    except TypeError as error:
        return error
