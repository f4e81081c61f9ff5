"""What namespaces need from the session of their client.

Applications may use all of :class:`~tgext.socketio.engine.virtsocket.Socket`. The
modules of this room use only the names here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet
from ..concurrency.threads import Home
from ..hub.delivery import Receiver
from ..hub.roomkeys import Room
from ..hub.rooms import Rooms
from .acks import Asked, Reads
from .lines import Carrier, Session


class Reading(Reads, Carrier, Protocol):
    """The transport of a session."""


class Client(Receiver, Asked, Session, Protocol):
    """The session of one client.

    :ivar session: a dict for the application.
    """

    session: dict[str, Any]
    _tgsio_home: Home

    @property
    def transport(self) -> Reading | None: ...

    @property
    def active_ns(self) -> Mapping[str, Any]:
        """The namespaces that the client is in, by name."""

    @property
    def _tgsio_rooms(self) -> Rooms:
        """The members of the namespaces and rooms of its application."""

    @property
    def server(self) -> Any:
        """The server, as applications of gevent-socketio know it."""

    def send_packet(self, pkt: Packet) -> None:
        """Send a packet; raises :class:`TypeError` when it cannot be written."""

    def send_when_room(self, encoded: Encoded, endpoint: str) -> None:
        """Send an encoded packet; a handler of the client waits for back-pressure."""

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until what was sent has left; returns whether it has."""

    def error(
        self,
        error_name: str,
        error_message: Any,
        endpoint: str | None = None,
        msg_id: int | None = None,
        quiet: bool = False,
    ) -> Any:
        """Tell the client of an error, through the application's error handler."""

    def finish(self) -> None:
        """Handle no further events."""

    def disconnect(self, silent: bool = False) -> None:
        """End the connection."""

    def remove_namespace(self, namespace: str) -> None:
        """Forget a namespace that was left."""


class Candidate(Protocol):
    """A client that is not admitted yet: it keeps what its namespace begins.

    :ivar rooms: the rooms that the client is to be in.
    """

    rooms: dict[Any, None]

    @property
    def open(self) -> bool:
        """Whether what the namespace asks for is kept."""

    @property
    def is_own(self) -> bool:
        """Whether the current greenlet runs ``initialize`` or ``recv_connect``."""

    def deciding(self) -> AbstractContextManager[None]:
        """A block whose exceptions refuse the client, even if they are caught."""

    def send_packet(self, packet: Packet) -> None:
        """Keep a packet until the client is admitted."""

    def send(self, encoded: Encoded) -> None:
        """Keep an encoded packet until the client is admitted."""

    def answer(self) -> None:
        """Tell the client that it is connected, before it is admitted."""

    def join(self, room: Room) -> None:
        """Put the client in a room once it is admitted."""

    def leave(self, room: Room) -> None:
        """Take the client out of a room that it would have joined."""

    def undoes(self, undo: Callable[[], object]) -> None:
        """Call a function if the client is not admitted in the end."""

    def when_admitted(self, function: Callable[[], object]) -> None:
        """Call a function once the client is admitted, and in its rooms."""

    def disconnect(self, silent: bool) -> None:
        """Leave the namespace before the client is admitted."""

    def remove(self, silent: bool = True) -> None:
        """As :meth:`disconnect`, but that of the namespace was not called."""
