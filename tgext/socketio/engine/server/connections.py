"""The connections of a server. Each has one owner, which ends it.

A connection begins without a greenlet (:mod:`.direct`). From there it goes to the
handler of the server (:mod:`.handler`) for pages, and back for a request of Socket.IO;
or it becomes a WebSocket (:mod:`.upgraded`).
"""

from __future__ import annotations

from typing import Any, Protocol

from ..http.begun import FRESH, Begun
from ..io.sockets import end_input
from .direct import DirectConnection
from .host import Host, Run
from .upgraded import UpgradedConnections


class Server(Host, Protocol):
    """The server of the connections."""

    #: Makes the handler of a connection, from its socket, its address and the server.
    handler_class: Any

    def do_close(self, sock: Any) -> None:
        """Close a connection that nobody owns."""


class Connections:
    """Who owns which connection.

    :param server: the server.

    :ivar direct: those that need no greenlet while they wait, by their sockets.
    :ivar upgraded: those that have become WebSockets.
    :ivar idle: the sockets of those that wait for another request in a greenlet.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.direct: dict[Any, DirectConnection] = {}
        self.upgraded = UpgradedConnections(server)
        self.idle: set[Any] = set()

    def __contains__(self, sock: object) -> bool:
        """Whether a connection ends by itself, so that nobody else may close it."""
        return sock in self.direct or sock in self.upgraded

    def serve(self, sock: Any, peer: Any, begun: Begun = FRESH) -> None:
        """Serve a connection.

        :param peer: the address of its other end.
        :param begun: what has been read of it.
        """
        server = self._server
        if server.balance is not None:
            server.balance.opened(sock)  # over TLS, it is not the one that was accepted
        connection = self.direct[sock] = DirectConnection(server, sock, peer, begun)
        connection.begin()

    def forget(self, sock: Any) -> None:
        """A connection has ended, or goes on with a greenlet."""
        del self.direct[sock]

    def serve_pages(self, sock: Any, peer: Any, begun: Begun) -> None:
        """Serve a connection in a greenlet, until it has a request of Socket.IO."""
        # As pywsgi does it for each connection: the application may have its own pool.
        spawn = self._server._spawn  # type: ignore[attr-defined]
        spawn(self._serve_pages, sock, peer, begun)

    def _serve_pages(self, sock: Any, peer: Any, begun: Begun) -> None:
        server = self._server
        try:
            handler = server.handler_class(sock, peer, server)
            handler.begin_with(begun)
            handler.handle()
        finally:
            server.do_close(sock)

    def upgrade(self, sock: Any, run: Run) -> None:
        """Run a WebSocket in a greenlet of the pool, and close the connection then.

        :param run: returns when the WebSocket has ended, or what goes on with it.
        """
        self.upgraded.add(sock, run)

    def end_idle(self) -> None:
        """Close the connections that wait for another request: the server stops."""
        for each in list(self.idle):
            end_input(each)
        for connection in list(self.direct.values()):
            connection.end_if_idle()

    def close(self) -> None:
        """End those that only the server's own greenlets serve."""
        for each in list(self.direct.values()):
            each.end()
