"""The WebSocket of a session in ``environ['wsgi.websocket']``, for applications."""

from __future__ import annotations

from typing import Any, NoReturn
from weakref import ref

from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.websocket import MSG_SOCKET_DEAD

from .websocket import WebSocketTransport


class WebSocketView:
    """What an application sees of the WebSocket of a 0.9 client.

    The session reads it. Its names are those of gevent-websocket.

    :param environ: the WSGI environment of the request for it.

    :ivar path: the path of the request.
    :ivar origin: its ``Origin``, or None.
    :ivar version: the version of the WebSocket protocol.
    """

    __slots__ = ("_transport", "origin", "path", "version")

    def __init__(self, transport: WebSocketTransport, environ: dict[str, Any]) -> None:
        # The transport keeps the session, which keeps the environment, and that this.
        self._transport = ref(transport)
        self.path: str = environ["PATH_INFO"]
        self.origin: str | None = environ.get("HTTP_ORIGIN")
        self.version: str | None = environ.get("HTTP_SEC_WEBSOCKET_VERSION")

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        transport = self._transport()
        return transport is None or transport.socket.ended

    def send(self, message: str, binary: bool | None = None) -> None:
        """Send a text as it is: a packet of Socket.IO 0.9.

        :raises WebSocketError: when the connection has ended.
        """
        transport = self._transport()
        if transport is None or transport.socket.ended:
            raise WebSocketError(MSG_SOCKET_DEAD)
        transport.send_text(message)

    def receive(self) -> NoReturn:
        """Not possible.

        :raises WebSocketError: always.
        """
        raise WebSocketError("the session reads this WebSocket; define recv_message")

    def close(self, code: int = 1000, message: str | bytes = b"") -> None:
        """End the connection.

        :raises ValueError: when the code is invalid.
        """
        transport = self._transport()
        if transport is not None:
            transport.socket.kill(code=code)
