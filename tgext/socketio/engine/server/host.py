"""What request handlers need from their server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..handover.handover import HandOver
from ..http.server import HTTPServer
from ..hub.hub import Hub
from ..hub.settings import Settings
from ..session.session import Socket


class GoesOn(Protocol):
    """A connection that needs no greenlet while it waits."""

    def when_ended(self, function: Callable[[], object]) -> None:
        """Call a function when it has ended."""


#: Runs a WebSocket. Returns None when it has ended, or what goes on with it.
Run = Callable[[], "GoesOn | None"]


class Host(HTTPServer, Protocol):
    """The server of a handler.

    :ivar hub: what the connections share.
    :ivar elsewhere: hands requests over to other processes; None if there are none.
    :ivar config: gevent-socketio's options.
    :ivar opening_environ: added to the WSGI environment of requests that open a
        connection.
    """

    hub: Hub
    config: dict[str, Any]
    opening_environ: dict[str, Any]
    elsewhere: HandOver | None

    @property
    def settings(self) -> Settings: ...

    def get_socket(self, sessid: str = "") -> Socket | None:
        """The connection with a session id, or None."""

    def hand_over(self, sock: Any, run: Run) -> None:
        """Run a WebSocket in a greenlet of its own, which closes the connection."""
