"""A client's way into a namespace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..wire.packet import Packet
from .foreign import adapt, is_foreign
from .handlers import FAILURES, EventRefused, log_failure
from .namespace import BaseNamespace, ConnectionRefused
from .outbox import Encoded

if TYPE_CHECKING:
    from .virtsocket import Socket

log = logging.getLogger(__name__)


class Joining:
    """Connects one client to namespaces, which may refuse it.

    While ``recv_connect`` may still do so, what is sent to the client is held: one that
    is refused must not have been connected.

    :param socket: the client's connection.
    """

    __slots__ = ("_socket", "held")

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        #: By namespace, what waits to be sent.
        self.held: dict[str, list[Encoded]] = {}

    def join(self, cls: type[BaseNamespace], packet: Packet) -> None:
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
        namespace.process_packet(packet)

    def _turn_away(self, namespace: BaseNamespace, message: str, data: Any) -> None:
        self.held.pop(namespace.ns_name, None)
        namespace._refused()
        self._refuse(namespace.ns_name, message, data)

    def _release(self, endpoint: str) -> None:
        for encoded in self.held.pop(endpoint, ()):
            self._socket.send_encoded(encoded, endpoint)

    def _refuse(self, endpoint: str, message: str, data: Any) -> None:
        socket = self._socket
        socket.send_packet(socket.generation.refusal(endpoint, message, data))
