"""What a server knows of its connections."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import gevent

from .handlers import SERVER_LEFT
from .heartbeat import Deadline, Wheel
from .transports import PollingTransport
from .virtsocket import Socket

if TYPE_CHECKING:
    from .wsgiwebsocket import WebSocket

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

    def __init__(self) -> None:
        self.sockets: dict[str, Socket] = {}
        self.websockets: set[WebSocket] = set()
        self.wheel = Wheel()
        self.stopping = False
        self._addresses: dict[str, str] = {}
        self._per_address: Counter[str] = Counter()
        self._lingering: dict[str, tuple[PollingTransport, Deadline]] = {}

    def get_socket(self, sessid: str = "") -> Socket | None:
        """The connection with a session id, or None."""
        return self.sockets.get(sessid)

    def is_full(self, address: str) -> bool:
        """Whether a connection from ``address`` would be one too many."""
        if self.stopping:
            return True
        most, each = self.max_connections, self.max_connections_per_address
        if most is not None and len(self.sockets) + len(self.websockets) >= most:
            return True
        return each is not None and self._per_address[address] >= each

    def remember(self, socket: Socket, address: str) -> None:
        """Take in a connection that was accepted, and await its first transport."""
        self.sockets[socket.sessid] = socket
        self._addresses[socket.sessid] = address
        self._per_address[address] += 1
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
            self._leave_address(self._addresses.pop(socket.sessid))

    def remember_websocket(self, websocket: WebSocket, address: str) -> None:
        """Take in a plain WebSocket that was accepted."""
        self.websockets.add(websocket)
        self._per_address[address] += 1

    def forget_websocket(self, websocket: WebSocket, address: str) -> None:
        """Let go of a plain WebSocket."""
        self.websockets.discard(websocket)
        self._leave_address(address)

    def _leave_address(self, address: str) -> None:
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]

    def linger(self, transport: PollingTransport, seconds: float) -> None:
        """Let a client fetch the last packets of a connection that ended."""
        deadline = Deadline(partial(self.stop_lingering, transport))
        self._lingering[transport.socket.sessid] = transport, deadline
        self.wheel.add(deadline, seconds)

    def lingering(self, sessid: str) -> PollingTransport | None:
        """The transport of a connection that ended, with packets still to fetch."""
        return self._lingering.get(sessid, (None, None))[0]

    def stop_lingering(self, transport: PollingTransport) -> None:
        """All packets were fetched, or nobody came for them."""
        _, deadline = self._lingering.pop(transport.socket.sessid, (None, None))
        if deadline is not None:
            self.wheel.discard(deadline)
