"""Sending events to a namespace from elsewhere: a page, a job, a signal handler."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, cast

from tg import config

from .engine.hub.rooms import Room, check_room
from .engine.server.server import SocketIOServer
from .engine.session.session import Socket
from .messaging.cluster import publish_elsewhere
from .wire.socketio.packet import event_packet, text_of_name

__all__ = ["NamespaceHandle"]


class NamespaceHandle:
    """Sends to all clients of one namespace.

    :param endpoint: the name of the namespace: ``'/chat'``, ``''`` for the main one.
    :param servers: the servers of this process that may have clients in it.
    """

    def __init__(self, endpoint: str, servers: Iterable[SocketIOServer]) -> None:
        self.endpoint = endpoint
        self._servers = servers

    def __repr__(self) -> str:
        return f"<NamespaceHandle {self.endpoint or '/'}>"

    @property
    def sockets(self) -> list[Socket]:
        """The connections of this process that are in the namespace now."""
        rooms = [each.rooms for each in list(self._servers)]
        members = chain.from_iterable(each.members(self.endpoint) for each in rooms)
        return cast("list[Socket]", list(members))

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to all in the namespace.

        :raises TypeError: when an argument cannot be written as JSON. Also when it has
            bytes and a receiver is a 0.9 client; the other clients get the event.
        """
        self._broadcast(None, event, args)

    def emit_to_room(self, room: Room, event: str, *args: Any) -> None:
        """Send an event to all in a room of the namespace.

        :raises TypeError: as :meth:`emit`, and when the room is neither a ``str`` nor
            an ``int``.
        :raises ValueError: when the room's name is too long, or cannot be encoded as
            UTF-8.
        """
        self._broadcast(check_room(room), event, args)

    def _broadcast(self, room: Room | None, event: str, args: tuple[Any, ...]) -> None:
        packet = event_packet(self.endpoint, text_of_name(event), args)
        servers = list(self._servers)
        for server in servers:
            server.rooms.broadcast(packet, room)
        if not servers:
            # No client has connected to this process yet. Other processes may have
            # clients.
            publish_elsewhere(packet, room, config)
