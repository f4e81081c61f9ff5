"""Events that do not come from a namespace: from a page, a job, a signal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tg import config

from .engine.hub.rooms import Room, check_room
from .engine.server.server import SocketIOServer
from .engine.session.session import Socket
from .messaging.cluster import publish_elsewhere
from .wire.socketio.packet import event_packet, text_of_name

__all__ = ["NamespaceHandle"]


class NamespaceHandle:
    """All clients of one namespace, to whoever serves a page or runs a job.

    :param endpoint: the name of the namespace: ``'/chat'``, ``''`` for the main one.
    :param servers: the servers of this process that may have clients of it.
    """

    def __init__(self, endpoint: str, servers: Iterable[SocketIOServer]) -> None:
        self.endpoint = endpoint
        self._servers = servers

    def __repr__(self) -> str:
        return f"<NamespaceHandle {self.endpoint or '/'}>"

    @property
    def sockets(self) -> list[Socket]:
        """The connections that are in the namespace now, in this process."""
        return [
            socket
            for server in list(self._servers)
            for socket in server.rooms.members(self.endpoint)
        ]

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to all in the namespace.

        :raises TypeError: when an argument cannot be written as JSON, or is bytes and
            a client among them of generation 0.9; all others have the event then.
        """
        self._broadcast(None, event, args)

    def emit_to_room(self, room: Room, event: str, *args: Any) -> None:
        """Send an event to all in a room of the namespace; raises as :meth:`emit`.

        :raises TypeError: also when the room is no ``str`` or ``int``.
        """
        self._broadcast(check_room(room), event, args)

    def _broadcast(self, room: Room | None, event: str, args: tuple[Any, ...]) -> None:
        packet = event_packet(self.endpoint, text_of_name(event), args)
        servers = list(self._servers)
        for server in servers:
            server.rooms.broadcast(packet, room)
        if not servers:
            # Nobody came to this process yet; to others they may have.
            publish_elsewhere(packet, room, config)
