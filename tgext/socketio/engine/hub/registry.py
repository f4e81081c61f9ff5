"""What a server knows of its connections."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import gevent

from ...wire.socketio.reasons import SERVER_LEFT
from ..concurrency.heartbeat import Deadline, Wheel
from ..session.ending import Ending
from ..session.session import Socket
from ..transports.polling import PollingTransport
from .places import Full, Place, Places

if TYPE_CHECKING:
    from ..websocket.wsgi import WebSocket

#: Bytes that are kept for clients whose connections have ended, for all together.
MOST_LINGERING = 16 * 1024 * 1024

#: Seconds that a client may be in no namespace after it has left one.
NAMESPACE_TIMEOUT = 1.0


class Connections:
    """The connections of a server, of which it is a part.

    :ivar sockets: the connections by session id.
    :ivar websockets: the plain WebSockets, which have no session.
    :ivar stopping: whether the server stops, and takes no more of them.
    """

    max_connections: int | None
    max_connections_per_address: int | None
    handshake_timeout: float
    shutdown_timeout: float

    def __init__(self) -> None:
        self.sockets: dict[str, Socket] = {}
        self.websockets: set[WebSocket] = set()
        self.wheel = Wheel()
        self.stopping = False
        self._places = Places()
        self._per_address = self._places.per_address
        #: Those of the sockets and of the plain WebSockets.
        self._place_of: dict[Socket | WebSocket, Place] = {}
        #: Connections that end, or have ended while a handler still runs.
        self.endings: set[Ending] = set()
        #: How many handlers were interrupted because their clients had gone.
        self.interrupted = 0
        #: Those whose last packets can be fetched, and the bytes that they began with.
        self._lingering: dict[str, tuple[PollingTransport, Deadline, int]] = {}
        self._lingering_bytes = 0

    def get_socket(self, sessid: str = "") -> Socket | None:
        """The connection with a session id, or None."""
        return self.sockets.get(sessid)

    def is_full(self, address: str) -> bool:
        """Whether a connection from ``address`` would be one too many."""
        most, each = self.max_connections, self.max_connections_per_address
        full = self._places.why_full(address, most, each)
        return self.stopping or full is not None

    def reserve(self, address: str) -> Place:
        """A place for a connection that is being opened: it counts from now on.

        :raises Full: when there is none, or the server stops.
        """
        if self.stopping:
            raise Full("the server stops")
        most, each = self.max_connections, self.max_connections_per_address
        return self._places.take(address, most, each)

    def remember(self, socket: Socket, place: Place) -> None:
        """Take in a connection that was accepted, and await its first transport."""
        place.keep()
        self.sockets[socket.sessid] = socket
        self._place_of[socket] = place
        socket.awaits_transport = True
        self._expect(socket, self.handshake_timeout, "transport close")

    def _expect(self, socket: Socket, seconds: float, reason: str) -> None:
        def expire() -> None:
            gevent.spawn(socket.kill, reason=reason)

        self._unexpect(socket)
        socket.deadline = Deadline(expire)
        self.wheel.add(socket.deadline, seconds)

    def _unexpect(self, socket: Socket) -> None:
        if socket.deadline is not None:
            self.wheel.discard(socket.deadline)
            socket.deadline = None

    def transport_came(self, socket: Socket) -> None:
        """The handshake was followed by a transport."""
        if socket.awaits_transport:
            socket.awaits_transport = False
            self._unexpect(socket)

    def await_namespace(self, socket: Socket) -> None:
        """End a connection that is in no namespace, unless it joins one in a moment."""
        self._expect(socket, NAMESPACE_TIMEOUT, SERVER_LEFT)

    def namespace_came(self, socket: Socket) -> None:
        """The client joined a namespace."""
        if not socket.awaits_transport:
            self._unexpect(socket)

    def forget(self, socket: Socket) -> None:
        """Let go of a connection; one that isn't here has no effect."""
        self._unexpect(socket)
        if self.sockets.pop(socket.sessid, None) is not None:
            self._place_of.pop(socket).release()

    def remember_websocket(self, websocket: WebSocket, place: Place) -> None:
        """Take in a plain WebSocket that was accepted."""
        place.keep()
        self.websockets.add(websocket)
        self._place_of[websocket] = place

    def forget_websocket(self, websocket: WebSocket) -> None:
        """Let go of a plain WebSocket."""
        self.websockets.discard(websocket)
        place = self._place_of.pop(websocket, None)
        if place is not None:
            place.release()

    def linger(self, transport: PollingTransport, seconds: float) -> None:
        """Let a client fetch the last packets of a connection that ended.

        The connection counts no more, and its client may have begun the next one: what
        all of them have left is bounded, and who ended first loses it first.
        """
        deadline = Deadline(partial(self.stop_lingering, transport))
        size = transport.outbox.size
        self._lingering[transport.socket.sessid] = transport, deadline, size
        self._lingering_bytes += size
        self.wheel.add(deadline, seconds)
        while self._lingering_bytes > MOST_LINGERING:
            oldest = next(iter(self._lingering.values()))[0]
            oldest.outbox.drop()
            self.stop_lingering(oldest)

    def lingering(self, sessid: str) -> PollingTransport | None:
        """The transport of a connection that ended, with packets still to fetch."""
        found = self._lingering.get(sessid)
        return None if found is None else found[0]

    def stop_lingering(self, transport: PollingTransport) -> None:
        """All packets were fetched, or nobody came for them."""
        found = self._lingering.pop(transport.socket.sessid, None)
        if found is not None:
            _, deadline, size = found
            self._lingering_bytes -= size
            self.wheel.discard(deadline)
