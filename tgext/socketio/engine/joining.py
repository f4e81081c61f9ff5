"""A client's way into a namespace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..wire.packet import Packet
from .failures import FAILURES
from .foreign import adapt, is_foreign
from .handlers import EventRefused, log_failure
from .interruption import Interrupted
from .namespace import BaseNamespace, ConnectionRefused
from .outbox import Encoded

if TYPE_CHECKING:
    from .virtsocket import Socket

log = logging.getLogger(__name__)


#: The packets that handlers are called for, and whose answers are acks.
EVENTS = frozenset(("event", "message", "json"))


class Joining:
    """Connects one client to namespaces, which may refuse it, and to the main one.

    While ``recv_connect`` may still do so, what is sent to the client is held: one that
    is refused must not have been connected.

    :param socket: the client's connection.

    :ivar in_main: whether the client is in the main namespace where that is none of the
        application's.
    """

    __slots__ = ("_knocked", "_socket", "held", "in_main")

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.in_main = False
        #: Whether the client has asked to connect to any namespace.
        self._knocked = False
        #: By namespace, what waits to be sent.
        self.held: dict[str, list[Encoded]] = {}

    def dispatch(self, packet: Packet) -> None:
        """Handle a packet for a namespace that the client is not in."""
        socket = self._socket
        kind = packet["type"]
        endpoint = packet["endpoint"]
        if kind == "connect":
            self._connect(packet)
        elif not (self._knocked or socket.generation.implicit_main):
            # Socket.IO 5, "Connection to a namespace": such a client is sent away.
            log.info("The first packet of a client is no connect, but: %s", kind)
            socket.kill(reason="parse error", code=1002)
        elif kind == "disconnect" and endpoint == socket.GLOBAL_NS:
            self.in_main = False
            if not socket.active_ns:
                socket.server.await_namespace(socket)
        elif kind in EVENTS:
            info = f"The endpoint you tried to connect to doesn't exist: {endpoint}"
            socket.fail(packet, "no_such_namespace", info)

    def _connect(self, packet: Packet) -> None:
        self._knocked = True
        socket = self._socket
        endpoint = packet["endpoint"]
        namespaces = socket.namespaces or {}
        if endpoint in namespaces:
            self._join(namespaces[endpoint], packet)
        elif endpoint == socket.GLOBAL_NS:
            # Clients connect here before they connect to the namespace they want.
            self.in_main = True
            socket.server.namespace_came(socket)
            socket.send_packet(packet)
        else:
            socket.send_packet(socket.generation.unknown_namespace(endpoint))

    def _join(self, cls: type[BaseNamespace], packet: Packet) -> None:
        """Connect the client to a namespace, or tell it that it was refused."""
        socket = self._socket
        endpoint = packet["endpoint"]
        if is_foreign(cls):
            cls = adapt(cls)
        try:
            namespace = socket.around(self._make, cls, packet)
        except ConnectionRefused as refused:
            self._refuse(endpoint, refused.message, refused.data)
        except EventRefused as refused:
            self._refuse(endpoint, str(refused.info), None)
        except Interrupted:
            raise
        except FAILURES:
            where = (endpoint or "/", socket.log_name)
            log_failure(log, "Connecting a client to %s failed (session %s)", *where)
            self._refuse(endpoint, "Internal server error", None)
        else:
            if socket.connected:
                self._let_in(namespace, packet)
            else:
                self.abandon(namespace)

    def holds(self, encoded: Encoded, endpoint: str) -> bool:
        """Keep what is for a namespace that may still refuse the client."""
        held = self.held.get(endpoint)
        if held is None:
            return False
        held.append(encoded)
        return True

    def release_all(self) -> None:
        """Send what is held."""
        for endpoint in list(self.held):
            self._release(endpoint)

    def abandon(self, namespace: BaseNamespace) -> None:
        """End what a namespace may have begun to which the client won't connect."""
        namespace._forget_rooms()
        self._socket.server.rooms.leave_all(namespace.ns_name, self._socket)
        namespace.kill_local_jobs()

    def _make(self, cls: type[BaseNamespace], packet: Packet) -> BaseNamespace:
        socket = self._socket
        environ = socket.environ_for(packet)
        namespace = cls(environ, packet["endpoint"], request=socket.request)
        try:
            namespace.auth = packet.get("data")
            namespace.authorize_connect()
            for each in type(namespace).__mro__:
                if "initialize" in vars(each):
                    vars(each)["initialize"](namespace)
        except BaseException:
            self.abandon(namespace)
            raise
        return namespace

    def _let_in(self, namespace: BaseNamespace, packet: Packet) -> None:
        socket = self._socket
        endpoint = namespace.ns_name
        socket.active_ns[endpoint] = namespace
        socket.server.rooms.join(endpoint, None, socket)
        socket.server.namespace_came(socket)
        try:
            socket.around(self._greet, namespace, packet)
        except ConnectionRefused as refused:
            self._turn_away(namespace, refused.message, refused.data)
        except EventRefused as refused:
            self._turn_away(namespace, str(refused.info), None)
        finally:
            self._release(endpoint)

    def _greet(self, namespace: BaseNamespace, packet: Packet) -> None:
        self.held[namespace.ns_name] = []  # and again, where a transaction is retried
        self._socket.find_outbox()
        namespace.process_packet(packet)

    def _turn_away(self, namespace: BaseNamespace, message: str, data: Any) -> None:
        self.held.pop(namespace.ns_name, None)
        self._socket.find_outbox()
        namespace._refused()
        self._refuse(namespace.ns_name, message, data)

    def _release(self, endpoint: str) -> None:
        held = self.held.pop(endpoint, ())
        self._socket.find_outbox()
        for encoded in held:
            self._socket.send_encoded(encoded, endpoint)

    def _refuse(self, endpoint: str, message: str, data: Any) -> None:
        socket = self._socket
        socket.send_packet(socket.generation.refusal(endpoint, message, data))
