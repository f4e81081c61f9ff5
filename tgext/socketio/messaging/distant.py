"""The sockets of a cluster, from a process that has none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..backends.errors import BackendOptionError
from ..engine.concurrency.threads import where_served
from ..engine.hub.roomkeys import Room
from ..engine.namespaces.commands import Command
from ..engine.namespaces.gathering import Answers
from ..wire.socketio.packet import Packet
from .cluster import guest_of, publish_elsewhere
from .roll import Roll
from .targets import OtherSockets


class Distant:
    """Reaches the sockets of the other processes; this one has none.

    :param settings: the application's configuration, or the options of a process
        without one, with ``socketio.cluster``.
    :param controllers: the names of the controllers whose clients are meant; an empty
        name for those of all controllers.
    """

    def __init__(self, settings: Mapping[str, Any], controllers: Sequence[str]) -> None:
        self._settings = settings
        self._controllers = controllers

    def broadcast(self, packet: Packet, room: Any) -> None:
        """Send a packet to a room."""
        publish_elsewhere(packet, room, self._settings, self._controllers)

    def command(self, endpoint: str, room: Room | None, command: Command) -> None:
        """Do something with the sockets of a room.

        With Redis, it returns when that is done.
        """
        where_served(self._command, endpoint, room, command)

    def count(self, endpoint: str, room: Room | None) -> int:
        """How many sockets of a room there are."""
        return where_served(self._count, endpoint, room)

    def roll(self, endpoint: str, room: Room | None) -> Roll:
        """Which sockets of a room there are."""
        return where_served(self._roll, endpoint, room)

    def gather(self, packet: Packet, room: Room | None, seconds: float) -> Answers:
        """Let the sockets of a room be asked for acks."""
        return where_served(self._gather, packet, room, seconds)

    def _command(self, endpoint: str, room: Room | None, command: Command) -> None:
        elsewhere = OtherSockets(guest_of(self._settings))
        elsewhere.command(self._controllers, endpoint, room, command)

    def _count(self, endpoint: str, room: Room | None) -> int:
        return self._asking().count(self._controllers, endpoint, room)

    def _roll(self, endpoint: str, room: Room | None) -> Roll:
        return self._asking().roll(self._controllers, endpoint, room)

    def _gather(self, packet: Packet, room: Room | None, seconds: float) -> Answers:
        return self._asking().gather(self._controllers, packet, room, seconds)

    def _asking(self) -> OtherSockets:
        """:raises BackendOptionError: when the backend carries no answers."""
        guest = guest_of(self._settings)
        if not guest.is_answered:
            raise BackendOptionError(
                "anypubsub.backend",
                "a process without clients can ask the others only with redis",
            )
        return OtherSockets(guest)
