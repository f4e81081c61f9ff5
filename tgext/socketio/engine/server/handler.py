"""HTTP connections of the server: the application's requests."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from ..http import HeaderList, HTTPHandler
from ..http.begun import Begun
from ..http.errors import RequestError
from ..http.forms import FormBody, asks_with_form
from ..http.upgrade import HandshakeRefused, acceptance, asks_for_websocket
from ..logs import get_logger
from ..websocket.application import serve_websocket
from . import astray, health
from .astray import is_handshake, without_session
from .host import Host
from .opening import QUERY
from .routes import find_route_of

log = get_logger(__name__)


class SocketIOHandler(HTTPHandler):
    """Serves one HTTP connection, until it has a request of Socket.IO.

    :ivar ending: how a plain WebSocket ended, for the access log.
    """

    server: Host  # type: ignore[assignment]
    ending = ""
    _asks_for_health = False

    def handle_one_response(self) -> None:
        environ = self.environ
        assert environ is not None
        path = environ["PATH_INFO"]
        query = environ["QUERY_STRING"]
        if find_route_of(self.server.resources, path, query) is not None:
            self._leave()
            return
        if path == self.server.settings.health_path:
            stopping = self.server.hub.registry.stopping
            self.application = partial(health.respond, stopping)
            self._asks_for_health = True
        elif asks_for_websocket(environ):
            self.application = partial(serve_websocket, self)
        if asks_with_form(environ):
            settings = self.server.settings
            FormBody(
                self.wsgi_input, settings.max_form_fields, settings.max_message_size
            ).take_place(environ)
        if is_handshake(path, query):
            answering = self.application or self.server.application
            resources = self.server.resources
            self.application = partial(astray.respond, answering, resources)
        self.server.hub.requests.began()
        try:
            super().handle_one_response()
        finally:
            self.application = None  # it may refer to this handler
            environ.pop(QUERY, None)  # what WebOb parsed refers to the environ
            self.server.hub.requests.ended()

    def format_request(self) -> str:
        line = without_session(super().format_request())
        return f"{line} {self.ending}" if self.ending else line

    def log_request(self) -> None:
        quiet, self._asks_for_health = self._asks_for_health, False
        if not quiet:
            super().log_request()
        elif log.isEnabledFor(logging.DEBUG):
            log.debug("%s", self.format_request())

    def _log_refusal(self, error: RequestError, begun: bytes) -> None:
        self.server.hub.counts.refuse("http", error.status)
        super()._log_refusal(error, begun)

    def _leave(self) -> None:
        """Leave the connection to what serves requests of Socket.IO."""
        try:
            data = bytes(self.head_bytes) + self._read_ahead()
        except OSError:
            self.forget_request()  # the client has left
            return
        begun = Begun(data, self.scheme, self.alone, self.handed)
        # pywsgi closes `self.socket`, if it is set, at the end of the request.
        sock, self.socket = self.socket, None  # type: ignore[assignment]
        self.forget_request()
        self.server.connections.serve(sock, self.peer, begun)

    # WebSockets

    def switch_protocols(self, key: str, headers: HeaderList) -> tuple[Any, bytes]:
        """Answer 101, and release what only HTTP needs.

        :param key: the client's ``Sec-WebSocket-Key``.
        :returns: the gevent socket, and the bytes that the peer sent before the answer.
        :raises HandshakeRefused: when the request has a body, which would be read as
            frames. An application may have hidden it by changing the headers in the
            environ.
        :raises OSError: when the connection failed.
        """
        if not self.wsgi_input.ended:
            raise HandshakeRefused("400 Bad Request")
        sock = self.socket
        early = self._read_ahead()
        self._send(acceptance(key, headers))
        self._orig_status = "101 Switching Protocols"  # for the access log
        self.forget_request()
        return sock, early

    def _read_ahead(self) -> bytes:
        """What has come after the head of the request; it does not wait.

        :raises OSError: when the connection failed.
        """
        self.socket.settimeout(0)
        try:
            # The buffered reader may hold bytes: `peek` returns them.
            ahead: bytes = self.rfile.peek()
        except OSError:
            self.lost = True
            raise
        finally:
            self.socket.settimeout(None)
        return ahead
