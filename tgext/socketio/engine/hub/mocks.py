"""Rooms of a server that is a mock: an object of a test, with a dict ``sockets``."""

from __future__ import annotations

from typing import Any

from ...wire.socketio.packet import Packet
from ..io.batcher import Batcher
from .delivery import Receiver, deliver
from .rooms import Rooms
from .selection import Receivers, Selection


class MockRooms(Rooms):
    """Broadcasts as gevent-socketio does, to the sockets that the server lists.

    Nobody has admitted these to a namespace: their ``session['rooms']`` counts.

    :param server: the mock.
    """

    def __init__(self, batcher: Batcher, server: Any) -> None:
        super().__init__(batcher)
        self._server = server
        self._output = batcher

    def deliver(
        self, packet: Packet, room: Receivers = None, skip: Receiver | None = None
    ) -> None:
        """Send a packet to a room; a mock gets it through ``send_packet``."""
        endpoint = packet["endpoint"]
        listed = list(getattr(self._server, "sockets", {}).values())
        for socket in listed:
            if socket is not skip and self._selects(room, endpoint, socket):
                socket.send_packet(packet)
        members = self.members(endpoint, room)
        rest = [each for each in members if each not in (*listed, skip)]
        deliver(rest, packet, self._output)

    def _selects(self, room: Receivers, endpoint: str, socket: Any) -> bool:
        if isinstance(room, Selection):
            return (
                socket not in room.skip
                and any(self._selects(each, endpoint, socket) for each in room.rooms)
                and not any(
                    self._selects(each, endpoint, socket) for each in room.without
                )
            )
        # With an overridden _get_room_name, the room is the name that it returned.
        names = {f"{endpoint}_{room}", room}
        return room is None or not names.isdisjoint(socket.session.get("rooms", ()))
