"""What namespaces need of the session of their client.

The :class:`~tgext.socketio.engine.virtsocket.Socket` has more, and all of it is there
for applications; the names here are those that this room uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet
from ..concurrency.threads import Home
from ..hub.account import Account
from ..hub.hub import Hub
from ..hub.rooms import Receiver, Room
from .acks import AckBook
from .runner import EventRunner


class Client(Receiver, Protocol):
    """The session of one client.

    :ivar session: a dict for the application.
    :ivar hub: what the connections of its server share.
    :ivar acks: the callbacks that wait for the client's acks.
    :ivar account: what the client makes the process keep.
    :ivar runner: runs what the application defined.
    """

    session: dict[str, Any]
    hub: Hub
    acks: AckBook
    account: Account
    runner: EventRunner
    _home: Home

    @property
    def active_ns(self) -> Mapping[str, Any]:
        """The namespaces that the client is in, by name."""

    @property
    def server(self) -> Any:
        """The server, as applications of gevent-socketio know it."""

    def send_packet(self, pkt: Packet) -> None:
        """Send a packet; raises :class:`TypeError` when it cannot be written."""

    def send_when_room(self, encoded: Encoded, endpoint: str) -> None:
        """Send an encoded packet; a handler of the client waits for back-pressure."""

    def error(
        self,
        error_name: str,
        error_message: Any,
        endpoint: str | None = None,
        msg_id: int | None = None,
        quiet: bool = False,
    ) -> Any:
        """Tell the client of an error, through the application's error handler."""

    def remove_namespace(self, namespace: str) -> None:
        """Forget a namespace that was left."""

    def start_own_job(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function in a greenlet, unless the connection has ended."""

    def _get_next_msgid(self) -> int: ...

    def _save_ack_callback(
        self, msgid: int, callback: Callable[..., Any], owner: object = None
    ) -> None: ...


class Candidate(Protocol):
    """A client on its way into a namespace: it keeps what the namespace asks for.

    :ivar rooms: the rooms that the client is to be in.
    """

    rooms: dict[Any, None]

    @property
    def open(self) -> bool:
        """Whether what the namespace asks for is kept."""

    @property
    def is_own(self) -> bool:
        """Whether the current greenlet runs ``initialize`` or ``recv_connect``."""

    def send_packet(self, packet: Packet) -> None:
        """Keep a packet until the client is admitted."""

    def send(self, encoded: Encoded) -> None:
        """Keep an encoded packet until the client is admitted."""

    def answer(self) -> None:
        """Tell the client that it is connected, before it is admitted."""

    def join(self, room: Room) -> None:
        """Put the client in a room once it is admitted."""

    def leave(self, room: Room) -> None:
        """Don't."""

    def undoes(self, undo: Callable[[], object]) -> None:
        """Call a function unless the client is admitted."""

    def disconnect(self, silent: bool) -> None:
        """Leave the namespace before the client is admitted."""
