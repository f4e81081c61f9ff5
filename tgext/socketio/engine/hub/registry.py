"""The connections of a server: sessions, plain WebSockets, and those being opened."""

from __future__ import annotations

from typing import Protocol

import gevent

from ...wire.socketio.reasons import SERVER_LEFT, TRANSPORT_CLOSE
from ..concurrency.heartbeat import Deadline, Wheel
from .places import Full, Place, Places
from .settings import Settings

#: Seconds that a client may be in no namespace after it has left its last one.
NAMESPACE_TIMEOUT = 1.0


class Endable(Protocol):
    """A session. The registry ends it when the client does not continue in time.

    :ivar sessid: the session id.
    :ivar awaits_transport: whether no transport has come since the handshake.
    :ivar deadline: set by the registry: when it ends the session; None when it does not
        wait for the client.
    """

    sessid: str
    awaits_transport: bool
    deadline: Deadline | None

    @property
    def busy(self) -> bool:
        """Whether something that the client sent is being handled."""

    def finish(self) -> None:
        """Handle no further events of the client."""

    def kill(self, *, reason: str, code: int = 1000) -> None:
        """End the session."""


class Closable(Protocol):
    """A plain WebSocket."""

    def close(self, code: int, message: str) -> None:
        """Begin the closing handshake."""

    def interrupt(self) -> None:
        """End the greenlet of the application that uses it."""


class Interruptible(Protocol):
    """The end of a connection whose handlers may still run."""

    def interrupt(self) -> object:
        """Interrupt what runs."""


class Registry:
    """The connections of a server.

    :param settings: the limits, such as ``max_connections``.
    :param timers: the timer wheel of the server.

    :ivar sockets: the sessions by session id.
    :ivar token: what new session ids begin with: names this process among others.
    :ivar websockets: the plain WebSockets, which have no session id.
    :ivar endings: the ends of connections whose handlers may still run.
    :ivar interrupted: how many handlers were interrupted after their clients had left.
    :ivar stopping: whether new connections are refused, because the server stops.
    :ivar places: the places that the connections take, those being opened included.
    """

    def __init__(self, settings: Settings, timers: Wheel) -> None:
        self._settings = settings
        self._timers = timers
        self.sockets: dict[str, Endable] = {}
        self.token = ""
        self.websockets: set[Closable] = set()
        self.endings: set[Interruptible] = set()
        self.interrupted = 0
        self.stopping = False
        self.places = Places()
        self._place_of: dict[Endable | Closable, Place] = {}

    def is_full(self, address: str) -> bool:
        """Whether a new connection from a client address would be refused."""
        return self.stopping or self._why_full(address) is not None

    def _why_full(self, address: str) -> str | None:
        most = self._settings.max_connections
        per_address = self._settings.max_connections_per_address
        return self.places.why_full(address, most, per_address)

    def reserve(self, address: str) -> Place:
        """Take a place for a connection that is being opened.

        :raises Full: when there are too many, or the server stops.
        """
        if self.stopping:
            raise Full("the server stops")
        most = self._settings.max_connections
        per_address = self._settings.max_connections_per_address
        return self.places.take(address, most, per_address)

    # Sessions

    def add(self, socket: Endable, place: Place) -> None:
        """Add a session that was accepted."""
        place.keep()
        self.sockets[socket.sessid] = socket
        self._place_of[socket] = place

    def await_transport(self, socket: Endable) -> None:
        """End a session if no transport comes in time."""
        socket.awaits_transport = True
        self._expect(socket, self._settings.handshake_timeout, TRANSPORT_CLOSE)

    def transport_came(self, socket: Endable) -> None:
        """A transport has come after the handshake: cancel the deadline."""
        if socket.awaits_transport:
            socket.awaits_transport = False
            self._unexpect(socket)

    def await_namespace(self, socket: Endable) -> None:
        """End a session that enters no namespace within :data:`NAMESPACE_TIMEOUT`."""
        self._expect(socket, NAMESPACE_TIMEOUT, SERVER_LEFT)

    def namespace_came(self, socket: Endable) -> None:
        """The client has entered a namespace: cancel the deadline."""
        if not socket.awaits_transport:
            self._unexpect(socket)

    def remove(self, socket: Endable) -> None:
        """Remove a session, and release its place if it has one."""
        self._unexpect(socket)
        if self.sockets.pop(socket.sessid, None) is not None:
            self._place_of.pop(socket).release()

    def _expect(self, socket: Endable, seconds: float, reason: str) -> None:
        def expire() -> None:
            gevent.spawn(socket.kill, reason=reason)

        self._unexpect(socket)
        socket.deadline = Deadline(expire)
        self._timers.add(socket.deadline, seconds)

    def _unexpect(self, socket: Endable) -> None:
        if socket.deadline is not None:
            self._timers.discard(socket.deadline)
            socket.deadline = None

    # Plain WebSockets

    def add_websocket(self, websocket: Closable, place: Place) -> None:
        """Add a plain WebSocket that was accepted."""
        place.keep()
        self.websockets.add(websocket)
        self._place_of[websocket] = place

    def remove_websocket(self, websocket: Closable) -> None:
        """Remove a plain WebSocket, and release its place if it has one."""
        self.websockets.discard(websocket)
        place = self._place_of.pop(websocket, None)
        if place is not None:
            place.release()
