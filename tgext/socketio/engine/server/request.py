"""One request of a Socket.IO client, and its HTTP connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from ...wire.socketio.generations import Generation
from ..handover.offers import Origin
from ..http import HeaderList
from ..http.body import RequestBody
from ..hub.hub import Hub
from .host import Host, Run
from .routes import Route

#: Begins an answer: by default with the status ``200 OK``, and as text.
Start = Callable[..., Any]
Body = Iterable[bytes]


class Connection(Protocol):
    """The HTTP connection, while it serves the request.

    :ivar server: the server.
    :ivar socket: the gevent socket.
    :ivar wsgi_input: the body of the request.
    :ivar handed: whether another process has read the request, and handed it over.
    :ivar wake: called when a poll that waits can be answered; must not block.
    """

    server: Host
    socket: Any
    handed: bool
    wake: Callable[[], object]

    def has_left(self) -> bool:
        """Whether the client closed the connection, as far as the kernel can tell."""

    @property
    def wsgi_input(self) -> RequestBody: ...

    def take_body(self) -> bytes | None:
        """The body, if all of it has come with the head; else None."""

    def when_ready(
        self, function: Callable[[], Body], abandon: Callable[[], object]
    ) -> None:
        """Let the client wait; see :meth:`.Exchange.when_ready`."""

    def when_answered(self, call: Callable[[bool], object]) -> None:
        """Call a function after the answer, with True if all of it was sent."""

    def switch_protocols(
        self, key: str, headers: HeaderList, first: bytes = b""
    ) -> tuple[Any, bytes]:
        """Answer 101; see :meth:`.Exchange.switch_protocols`."""

    def hand_over(self, run: Run) -> None:
        """Run the WebSocket, and close the connection then."""

    def leave_to(self, give: Callable[[Any, Origin, bytes], Any]) -> None:
        """Leave the connection, with this request, to another process.

        :param give: as :meth:`.HandOver.give`; if it raises an exception, the
            connection stays here.
        """


@dataclass(slots=True)
class Request:
    """A request, and how to answer it.

    :ivar connection: the HTTP connection.
    :ivar route: what the URL contains.
    :ivar generation: the generation of the client.
    :ivar environ: the WSGI environment.
    :ivar start: begins the answer.
    """

    connection: Connection
    route: Route
    generation: Generation
    environ: dict[str, Any]
    start: Start

    @property
    def hub(self) -> Hub:
        """What all connections of the server share."""
        return self.connection.server.hub

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return str(self.environ["REQUEST_METHOD"])
