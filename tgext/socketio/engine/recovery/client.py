"""What the session of a client needs: its connection, and the log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from ...wire.json import Dumps
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.generations import Generation
from ...wire.socketio.packet import Packet
from ..hub.roomkeys import SocketRoom
from .record import Missed, Place, Position
from .spans import Mark


class Connection(Protocol):
    """The connection of a client, as its session uses it.

    :ivar session: what the application keeps there.
    """

    generation: Generation
    json_dumps: Dumps
    session: dict[str, Any]

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None: ...

    def wait_for_room(self) -> None:
        """Wait until the client has read some of its output, if this greenlet may."""

    def kill(self, *, reason: str) -> None: ...

    def _tgsio_give_up(self, reason: str) -> Any:
        """As :meth:`kill`; does not wait for the application."""


class Client(Connection, Protocol):
    """A connection, as a journal uses it.

    :ivar recovering: its sessions by namespace; None before the first.
    """

    recovering: Mapping[str, Any] | None


class Log(Protocol):
    """The journal of a namespace, as its sessions use it.

    :ivar endpoint: the name of the namespace.
    :ivar position: what was sent last in this process.
    :ivar now: the same, and up to where the log that all processes share was heard.
    :ivar is_shared: whether other processes can have its sessions.
    :ivar most: the most bytes that one client is sent when it recovers.
    """

    endpoint: str
    position: Position
    most: int

    @property
    def now(self) -> Mark: ...

    @property
    def is_shared(self) -> bool: ...

    def append(self, room: SocketRoom, packet: Packet) -> Position: ...

    def send_on(self, sid: str, packet: Packet) -> None:
        """Send a packet to a client that is at another process by now."""

    def read(self, places: Collection[Place], after: Position) -> Missed: ...

    def wait_for(self, session: Any) -> None: ...

    def renew(self, session: Any) -> None: ...

    def settled(self, session: Any) -> None: ...

    def changed(self, session: Any) -> None: ...

    def drop(self, session: Any) -> None: ...
