"""HTTP connections of the server: Socket.IO's requests and the application's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ...wire.websocket.handshake import accept_key
from ..handover.offers import Origin
from ..handover.relay import relay
from ..http import HeaderList, HTTPHandler
from ..http.cors import cors_headers
from ..http.errors import RequestError
from ..http.forms import FormBody, asks_with_form
from ..http.forwarded import scheme_of
from ..http.origins import (
    drop_credentials,
    is_allowed,
    is_trusted,
    log_refused,
    origin_of,
)
from ..http.refusals import log_refusal
from ..http.upgrade import HandshakeRefused, asks_for_websocket
from ..logs import get_logger
from ..websocket.application import serve_websocket
from . import astray, health
from .astray import is_handshake, without_session
from .dispatch import respond
from .errors import FORBIDDEN, NOSNIFF, TEXT, HTTPError, engine_error
from .host import Host, Run
from .opening import QUERY, Refused
from .request import Body
from .routes import Route, find_route_of

log = get_logger(__name__)

StartResponse = Callable[..., Any]


class SocketIOHandler(HTTPHandler):
    """Serves one HTTP connection.

    :ivar ending: how a plain WebSocket ended, for the access log.
    """

    server: Host  # type: ignore[assignment]
    ending = ""
    _route: Route | None = None
    _asks_for_health = False
    _when_answered: Callable[[bool], object] | None = None

    def handle_one_response(self) -> None:
        environ = self.environ
        assert environ is not None
        path = environ["PATH_INFO"]
        query = environ["QUERY_STRING"]
        self._route = find_route_of(self.server.resources, path, query)
        if self._route is not None:
            # pywsgi calls it instead of the application, and writes the answer.
            self.application = partial(self._serve, self._route)
        elif path == self.server.settings.health_path:
            stopping = self.server.hub.registry.stopping
            self.application = partial(health.respond, stopping)
            self._asks_for_health = True
        elif asks_for_websocket(environ):
            self.application = partial(serve_websocket, self)
        if self._route is None and asks_with_form(environ):
            settings = self.server.settings
            FormBody(
                self.wsgi_input, settings.max_form_fields, settings.max_message_size
            ).take_place(environ)
        if self._route is None and is_handshake(path, query):
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

    def run_application(self) -> None:
        sent = False
        try:
            super().run_application()
            sent = True
        finally:
            call, self._when_answered = self._when_answered, None
            if call is not None:
                call(sent)

    def when_answered(self, call: Callable[[bool], object]) -> None:
        """Call a function after the answer, with True if all of it was sent."""
        self._when_answered = call

    def format_request(self) -> str:
        line: str = super().format_request()
        if self._route is None:  # else only DEBUG shows it
            line = without_session(line)
        return f"{line} {self.ending}" if self.ending else line

    def log_request(self) -> None:
        quiet, self._asks_for_health = self._asks_for_health, False
        if self._route is None and not quiet:
            super().log_request()
        elif log.isEnabledFor(logging.DEBUG):
            # The line has the session id, with which anybody could use the session.
            log.debug("%s", self.format_request())

    # Requests of Socket.IO

    def _serve(
        self, route: Route, environ: dict[str, Any], start_response: StartResponse
    ) -> Body:
        always = [NOSNIFF, *cors_headers(environ, self.server.settings.allowed_origins)]
        try:
            self._check_origin(route, environ)
            start = partial(self._start, start_response, always)
            return respond(self, route, environ, start)
        except Refused as refused:
            self._log_refused(route, environ, refused)
            start_response(refused.status, _without_twins(refused.headers, always))
            return [refused.body]
        except HTTPError as error:
            self._log_refused(route, environ, error)
            start_response(error.status, [*error.headers, *always])
            return [error.body]

    def _check_origin(self, route: Route, environ: dict[str, Any]) -> None:
        """Refuse a page that may not connect; drop the credentials of an untrusted one.

        :raises HTTPError: when the page may not connect.
        """
        allowed = self.server.settings.allowed_origins
        script, frame = route.jsonp is not None, route.transport == "htmlfile"
        origin = origin_of(environ, script=script, frame=frame)
        if not is_allowed(origin, environ, allowed):
            log_refused(origin, environ, allowed)
            raise engine_error(FORBIDDEN, "403 Forbidden", why=None)
        if not is_trusted(origin, environ, allowed):
            drop_credentials(environ)

    def _log_refused(
        self, route: Route, environ: dict[str, Any], refused: Refused | HTTPError
    ) -> None:
        what = "request" if refused.why is not None else "origin"
        self.server.hub.counts.refuse(what, refused.status)
        if refused.why is not None:
            path = f"/{route.resource}/{route.shown}"
            log_refusal(environ, path, refused.status, refused.why, refused.allow)

    def _log_refusal(self, error: RequestError, begun: bytes) -> None:
        self.server.hub.counts.refuse("http", error.status)
        super()._log_refusal(error, begun)

    def _start(
        self,
        start_response: StartResponse,
        always: HeaderList,
        status: str = "200 OK",
        headers: Iterable[tuple[str, str]] = (TEXT,),
    ) -> None:
        # Polls and handshakes are never cached.
        no_store = ("Cache-Control", "no-store")
        start_response(status, [*headers, no_store, *always])

    # WebSockets

    def switch_protocols(
        self, key: str, headers: HeaderList, first: bytes = b""
    ) -> tuple[Any, bytes]:
        """Answer 101, and release what only HTTP needs.

        :param key: the client's ``Sec-WebSocket-Key``.
        :param first: the first frame, which is sent together with the answer.
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
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_key(key)}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._send(head + first)
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

    def hand_over(self, run: Run) -> None:
        """Run the WebSocket in a new greenlet, which closes the connection."""
        # pywsgi closes `self.socket`, if it is set, at the end of the request.
        sock, self.socket = self.socket, None  # type: ignore[assignment]
        self.server.hand_over(sock, run)

    # Requests of sessions of other processes

    def leave_to(self, give: Callable[[Any, Origin, bytes], Any]) -> None:
        """Leave the connection to another process; see :class:`.request.Connection`."""
        begun = bytes(self.head_bytes) + self._read_ahead()
        sock = self.socket
        # The other process reads itself what proxies tell in the request.
        process = give(sock, Origin(self.peer, scheme_of(self)), begun)
        if process is not None:
            seconds = self.server.settings.send_timeout
            self.hand_over(partial(relay, sock, process, seconds))
        # The descriptor here is closed; nothing was answered on it.
        self.socket = None  # type: ignore[assignment]
        self.forget_request()


def _without_twins(headers: HeaderList, always: HeaderList) -> HeaderList:
    """An application's headers and ours. Except ``Vary``, ours replace its own."""
    names = {name.lower() for name, _ in always} - {"vary"}
    return [*(each for each in headers if each[0].lower() not in names), *always]
