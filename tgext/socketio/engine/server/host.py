"""What request handlers need from their server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..handover.handover import HandOver
from ..http.begun import FRESH, Begun
from ..http.server import HTTPServer
from ..hub.hub import Hub
from ..hub.settings import Settings
from ..session.session import Socket
from .balance import Balance


class GoesOn(Protocol):
    """A connection that needs no greenlet while it waits."""

    def when_ended(self, function: Callable[[], object]) -> None:
        """Call a function when it has ended."""


#: Runs a WebSocket. Returns None when it has ended, or what goes on with it.
Run = Callable[[], "GoesOn | None"]


class Owner(Protocol):
    """Who owns which connection; see :class:`.connections.Connections`."""

    idle: set[Any]

    def serve(self, sock: Any, peer: Any, begun: Begun = FRESH) -> None:
        """Serve a connection; it needs no greenlet while it waits."""

    def serve_pages(self, sock: Any, peer: Any, begun: Begun) -> None:
        """Serve a connection in a greenlet."""

    def upgrade(self, sock: Any, run: Run) -> None:
        """Run a WebSocket in a greenlet of the pool, and close the connection then."""

    def forget(self, sock: Any) -> None:
        """A connection without a greenlet has ended, or has one now."""


class Host(HTTPServer, Protocol):
    """The server of a handler.

    :ivar hub: what the connections share.
    :ivar balance: the connections of the processes that share the listening socket.
    :ivar connections: who owns which connection.
    :ivar elsewhere: hands requests over to other processes; None if there are none.
    :ivar config: gevent-socketio's options.
    :ivar opening_environ: added to the WSGI environment of requests that open a
        connection.
    """

    hub: Hub
    balance: Balance | None
    config: dict[str, Any]
    opening_environ: dict[str, Any]
    elsewhere: HandOver | None

    @property
    def settings(self) -> Settings: ...

    @property
    def connections(self) -> Owner: ...

    def get_socket(self, sessid: str = "") -> Socket | None:
        """The connection with a session id, or None."""
