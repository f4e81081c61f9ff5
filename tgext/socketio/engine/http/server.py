"""What an HTTP connection needs from its server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from .forwarded import ForwardedHeaders


class HTTPSettings(Protocol):
    """Options of the server.

    :ivar max_header_size: bytes of the request line and the headers of a request.
    :ivar header_timeout: seconds that the headers may take.
    :ivar body_timeout: seconds between two pieces of a body; for a Socket.IO POST,
        seconds for the whole body.
    :ivar send_timeout: seconds in which a client has to read some of an answer.
    :ivar keepalive_timeout: seconds between two requests on one connection.
    """

    @property
    def max_header_size(self) -> int: ...
    @property
    def header_timeout(self) -> float: ...
    @property
    def body_timeout(self) -> float: ...
    @property
    def send_timeout(self) -> float: ...
    @property
    def keepalive_timeout(self) -> float: ...


class Idle(Protocol):
    """Connections of the server.

    :ivar idle: the sockets of those that wait for another request.
    """

    idle: set[Any]


class HTTPServer(Protocol):
    """The server of an HTTP connection.

    :ivar settings: its options.
    :ivar application: the WSGI application.
    :ivar resources: the paths of Socket.IO; logs must not show the session ids after
        them.
    :ivar keeps_connections: whether connections stay open after their answers.
    :ivar forwarded: what proxies tell about their clients; None when nothing of it is
        read.
    """

    application: Any
    keeps_connections: bool
    forwarded: ForwardedHeaders | None

    @property
    def connections(self) -> Idle: ...
    @property
    def resources(self) -> Sequence[str]: ...
    @property
    def settings(self) -> HTTPSettings: ...

    def environ_of(self, peer: Any) -> dict[str, Any]:
        """The part of the WSGI environment that all requests of a connection have.

        :param peer: the address of its other end.
        """
