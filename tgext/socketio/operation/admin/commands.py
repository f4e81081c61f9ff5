"""What administrators do with sockets, in all processes."""

from __future__ import annotations

from typing import Any

from ...engine.hub.roomkeys import Room, check_room, socket_room
from ...engine.hub.rooms import Rooms
from ...engine.hub.selection import Selection
from ...engine.namespaces.commands import Command, Kind
from ...engine.namespaces.targets import Here
from ...wire.socketio.packet import event_packet
from ...wire.socketio.reasons import SERVER_LEFT
from .descriptions import endpoint_of


class Commands:
    """Reaches the sockets that the UI names: by a namespace, and a room or an id.

    The UI has one word for both, the filter: in the reference server, each socket is in
    a room of its id. Without one, all sockets of the namespace are meant.

    :param rooms: those of the controller.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._reach = Here([rooms])

    def emit(self, nsp: object, given: object, event: str, args: Any) -> None:
        """Send an event."""
        receivers = Selection(tuple(_meant(given)))
        packet = event_packet(endpoint_of(nsp), event, args)
        self._reach.broadcast(packet, receivers)

    def join(self, nsp: object, given: object, room: object) -> None:
        """Put sockets in a room."""
        self._command(nsp, given, "join", check_room(room))

    def leave(self, nsp: object, given: object, room: object) -> None:
        """Take sockets out of a room."""
        self._command(nsp, given, "leave", check_room(room))

    def disconnect(self, nsp: object, given: object, close: bool) -> None:
        """Disconnect sockets from the namespace.

        :param close: whether their connections end.
        """
        self._command(nsp, given, "close" if close else "disconnect", SERVER_LEFT)

    def _command(self, nsp: object, given: object, kind: Kind, value: Any) -> None:
        for each in _meant(given):
            self._reach.command(endpoint_of(nsp), each, Command(kind, value))


def _meant(given: object) -> list[Room | None]:
    if given is None or given == "":
        return [None]
    room = check_room(given)
    return [room, socket_room(room)] if isinstance(room, str) else [room]
