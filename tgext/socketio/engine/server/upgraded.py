"""Connections that have become WebSockets, and go on after their request."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from gevent.ssl import SSLSocket

from ..hub.hub import Hub
from ..io.sockets import say_goodbye
from .balance import Balance
from .host import Run


class Owner(Protocol):
    """The server of the connections."""

    hub: Hub
    balance: Balance | None


class UpgradedConnections:
    """Runs WebSockets, and closes their connections when they have ended.

    :param server: the server.
    """

    def __init__(self, server: Owner) -> None:
        self._server = server
        self._sockets: set[Any] = set()

    def __len__(self) -> int:
        return len(self._sockets)

    def __contains__(self, sock: object) -> bool:
        return sock in self._sockets

    def add(self, sock: Any, run: Run) -> None:
        """Run a WebSocket in a greenlet that is not the request's.

        :param sock: the gevent socket of the connection.
        :param run: returns when the WebSocket has ended, or what goes on with it.
        """
        server = self._server
        self._sockets.add(sock)
        if server.balance is not None:
            server.balance.opened(sock)  # over TLS, it is not the one that was accepted
        server.hub.requests.began()
        server.hub.pool.add(partial(self._run, sock, run))

    def _run(self, sock: Any, run: Run) -> None:
        goes_on = None
        try:
            goes_on = run()
        finally:
            if goes_on is None:
                self._end(sock)
            else:
                goes_on.when_ended(partial(self._end, sock))

    def _end(self, sock: Any) -> None:
        server = self._server
        self._sockets.discard(sock)
        close(sock)
        if server.balance is not None:
            server.balance.closed(sock)
        server.hub.requests.ended()


def close(sock: Any) -> None:
    """Close a connection; over TLS, say so first."""
    if isinstance(sock, SSLSocket):
        say_goodbye(sock)
    sock.close()
