"""Sending events to a namespace from elsewhere: a page, a job, a signal handler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, cast

from tg import config

from .engine.hub.rooms import Room, Rooms, check_room
from .engine.session.session import Socket
from .messaging.cluster import publish_elsewhere
from .request.context import current
from .request.mounts import is_mounted
from .wire.socketio.packet import event_packet, text_of_name

__all__ = ["NamespaceHandle"]


class NamespaceHandle:
    """Sends to all clients of one namespace.

    :param endpoint: the name of the namespace: ``'/chat'``, ``''`` for the main one.
    In a page or an event of an application that has the controller, the clients of that
    application.

    :param controller: the class of the controller.
    :param rooms: those of this process that may have clients in the namespace, each
        with the ``id`` of the configuration of its application.
    :param names: of the controllers that have the namespace, for the other processes;
        an empty name for all controllers.
    """

    def __init__(
        self,
        endpoint: str,
        controller: type,
        rooms: Mapping[Rooms, int],
        names: Sequence[str],
    ) -> None:
        self.endpoint = endpoint
        self._controller = controller
        self._rooms = rooms
        self._names = names

    def __repr__(self) -> str:
        return f"<NamespaceHandle {self.endpoint or '/'}>"

    @property
    def sockets(self) -> list[Socket]:
        """The connections of this process that are in the namespace now."""
        found = (each.members(self.endpoint) for each in self._reached())
        members = chain.from_iterable(found)
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
        rooms = self._reached()
        for each in rooms:
            each.broadcast(packet, room)
        if not rooms:
            # No client has connected to this process yet. Other processes may have
            # clients.
            publish_elsewhere(packet, room, config, self._names)

    def _reached(self) -> list[Rooms]:
        """The rooms of this process that are sent to."""
        known, context = list(self._rooms.items()), current()
        if context is None or not known:
            return [rooms for rooms, _ in known]
        own = [rooms for rooms, owner in known if owner == id(context.config)]
        if own or is_mounted(self._controller, context.config):
            return own
        return [rooms for rooms, _ in known]
