"""HTTP: the requests of Socket.IO, beside those of the application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ...wire.escape import escape
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.generations import Generation, Opening
from ...wire.socketio.reasons import CLIENT_LEFT
from ...wire.websocket.handshake import accept_key
from ..http import HeaderList, cors, origins
from ..http.refusals import log_refusal
from ..http.upgrade import (
    Handshake,
    HandshakeRefused,
    asks_for_websocket,
    read_handshake,
)
from ..logs import get_logger
from ..session.session import Socket
from ..transports.polling import PollingTransport
from ..transports.upgrade import Upgrade
from ..transports.websocket import WebSocketTransport
from ..websocket.application import serve_websocket
from . import payloads
from .errors import (
    BAD_METHOD,
    BAD_REQUEST,
    FORBIDDEN,
    NOSNIFF,
    TEXT,
    TRANSPORT_UNKNOWN,
    UNKNOWN_SID,
    UNSUPPORTED,
    HTTPError,
    engine_error,
    refusal,
)
from .opening import Refused, open_session
from .polling import Body, PollingHandler, StartResponse
from .routes import Route, find_route

log = get_logger(__name__)

#: What the log says of an id that opens no session here.
SESSION_ENDED = "the session has ended, or is another process'"


class SocketIOHandler(PollingHandler):
    """Serves one HTTP connection."""

    _route: Route | None = None
    #: How a plain WebSocket ended: what the access log has about it.
    ending = ""

    def handle_one_response(self) -> None:
        assert self.environ is not None
        path = self.environ["PATH_INFO"]
        query = self.environ["QUERY_STRING"]
        self._route = find_route(self.server.resource, path, query)
        if self._route is not None:
            # pywsgi's own machinery answers, with this in the application's place.
            self.application = partial(self._serve, self._route)
        elif asks_for_websocket(self.environ):
            self.application = partial(serve_websocket, self)
        self.server.hub.requests.began()
        try:
            super().handle_one_response()
        finally:
            self.application = None  # it may hold this handler
            self.server.hub.requests.ended()

    def format_request(self) -> str:
        line: str = super().format_request()
        return f"{line} {self.ending}" if self.ending else line

    def log_request(self) -> None:
        if self._route is None:
            super().log_request()
        elif log.isEnabledFor(logging.DEBUG):
            # The line holds the session id, which opens the session to who reads it.
            log.debug("%s", self.format_request())

    def _serve(
        self, route: Route, environ: dict[str, Any], start_response: StartResponse
    ) -> Body:
        allowed = self.server.settings.allowed_origins
        always = [NOSNIFF, *cors.cors_headers(environ, allowed)]
        try:
            origin = origins.origin_of(
                environ,
                script=route.jsonp is not None,
                frame=route.transport == "htmlfile",
            )
            if not origins.is_allowed(origin, environ, allowed):
                origins.log_refused(origin, environ, allowed)
                raise engine_error(FORBIDDEN, "403 Forbidden", why=None)
            if not origins.is_trusted(origin, environ, allowed):
                origins.drop_credentials(environ)
            start = partial(self._start, start_response, always)
            return self._respond(route, environ, start)
        except Refused as refused:
            self._log_refused(route, environ, refused)
            start_response(refused.status, _without_twins(refused.headers, always))
            return [refused.body]
        except HTTPError as error:
            self._log_refused(route, environ, error)
            start_response(error.status, [*error.headers, *always])
            return [error.body]

    def _log_refused(
        self, route: Route, environ: dict[str, Any], refused: Refused | HTTPError
    ) -> None:
        if refused.why is None:
            return
        log_refusal(
            environ, self._told_path(route), refused.status, refused.why, refused.allow
        )

    def _told_path(self, route: Route) -> str:
        """The path of a request, without what opens the session."""
        return f"/{self.server.resource}/{route.shown}"

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

    def _respond(
        self, route: Route, environ: dict[str, Any], start: StartResponse
    ) -> Body:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            start("204 No Content", cors.preflight_headers(environ))
            return []
        generation = route.generation
        opens = generation is not None and generation.opens_with_transport
        handshake = opens and not route.sid
        if method not in ("GET", "POST") and not handshake:
            allow = [TEXT, ("Allow", "GET, POST, OPTIONS")]
            why = "the method is none of GET, POST and OPTIONS"
            raise HTTPError("405 Method Not Allowed", b"", allow, why=why)
        if generation is None:
            raise engine_error(UNSUPPORTED, allow="EIO is 3 or 4")
        if route.jsonp is not None and not payloads.is_callback(route.jsonp):
            why = f"the callback {escape(route.jsonp)} of JSONP is no number"
            raise refusal(generation, BAD_REQUEST, why)
        if not route.sid:
            if not generation.opens_with_transport:
                # Its specification has a POST here, its client sends a GET.
                return self._handshake_alone(route, generation, environ, start)
            if method != "GET":
                raise refusal(generation, BAD_METHOD)
            return self._handshake(route, generation, environ, start)
        return self._continue(route, generation, environ, start)

    # Handshakes

    def _handshake_alone(
        self,
        route: Route,
        generation: Generation,
        environ: dict[str, Any],
        start: StartResponse,
    ) -> Body:
        socket, cookies = self._open_session(environ, generation)
        opening = self._opening(socket)
        headers, body = payloads.text_answer(route, generation, opening.encode())
        start("200 OK", [*headers, *cookies])
        return [body]

    def _handshake(
        self,
        route: Route,
        generation: Generation,
        environ: dict[str, Any],
        start: StartResponse,
    ) -> Body:
        server = self.server
        if route.transport not in server.hub.transports_of(generation):
            raise self._unknown_transport(route, generation)
        if route.transport == "websocket":
            handshake = _read_handshake(environ)
            socket, cookies = open_session(server, environ, generation)
            socket.base64 = route.base64
            first = Encoded(self._opening(socket)).frame
            sock, early = self._switch_protocols(handshake, cookies, first)
            return self._run_websocket(socket, sock, early)
        socket, cookies = self._open_session(environ, generation)
        socket.base64 = route.base64
        polling = PollingTransport(server.hub, socket)
        polling.open()
        packets = [self._opening(socket), *polling.outbox.take()]
        headers, body = payloads.answer(route, socket, packets)
        start("200 OK", [*headers, *cookies])
        return [body]

    def _open_session(
        self, environ: dict[str, Any], generation: Generation
    ) -> tuple[Socket, HeaderList]:
        socket, cookies = open_session(self.server, environ, generation)
        if self.has_left():
            # Nobody will come for the session.
            socket.kill(reason="transport close")
            why = "the client left while the application decided about it"
            raise refusal(generation, BAD_REQUEST, why)
        return socket, cookies

    def _opening(self, socket: Socket) -> str:
        hub = self.server.hub
        generation = socket.generation
        transports = hub.transports_of(generation)
        polls = isinstance(socket.transport, PollingTransport)
        upgrades = ["websocket"] if polls and "websocket" in transports else []
        opening = Opening(
            socket.sessid,
            transports,
            upgrades,
            hub.settings.heartbeat_interval,
            hub.heartbeat_timeout(generation),
            hub.settings.close_timeout,
            hub.settings.max_message_size,
        )
        return generation.opening(opening)

    # Requests with a session id

    def _continue(
        self,
        route: Route,
        generation: Generation,
        environ: dict[str, Any],
        start: StartResponse,
    ) -> Body:
        if not route.disconnect and (
            route.transport not in self.server.hub.transports_of(generation)
        ):
            raise self._unknown_transport(route, generation)
        socket = self.server.get_socket(route.sid)
        if socket is None or socket.generation is not generation:
            return self._unknown_session(route, generation, environ, start)
        if route.disconnect:
            socket.kill(reason=CLIENT_LEFT)
            start("200 OK")
            return []
        if route.transport == "websocket":
            return self._websocket(socket, environ)
        return self._polling(route, socket, environ, start)

    def _unknown_session(
        self,
        route: Route,
        generation: Generation,
        environ: dict[str, Any],
        start: StartResponse,
    ) -> Body:
        lingering = self.server.hub.lingering.get(route.sid)
        if lingering is not None and environ["REQUEST_METHOD"] == "GET":
            assert isinstance(lingering, PollingTransport)
            packets = self._take(lingering)
            headers, body = payloads.answer(route, lingering.socket, packets)
            start("200 OK", headers)
            return [body]
        told = generation.unknown_session
        if told is not None and (route.disconnect or route.transport != "websocket"):
            if not route.disconnect:
                why = f"{SESSION_ENDED}; told to reconnect"
                log_refusal(environ, self._told_path(route), "200", why)
            headers, body = payloads.text_answer(route, generation, told.encode())
            start("200 OK", headers)
            return [body]
        raise refusal(generation, UNKNOWN_SID, SESSION_ENDED)

    def _unknown_transport(self, route: Route, generation: Generation) -> HTTPError:
        return refusal(
            generation,
            TRANSPORT_UNKNOWN,
            f"transport {escape(route.transport)} is not served",
            f"transports is {', '.join(self.server.hub.transports_of(generation))}",
        )

    # WebSockets

    def _websocket(self, socket: Socket, environ: dict[str, Any]) -> Body:
        transport = socket.transport
        if isinstance(transport, WebSocketTransport) or (
            transport is not None and not socket.generation.upgrades
        ):
            why = "the session has a transport"
            raise refusal(socket.generation, BAD_REQUEST, why)
        if socket.claimed:
            why = "another WebSocket of the session is being opened"
            raise refusal(socket.generation, BAD_REQUEST, why)
        handshake = _read_handshake(environ)
        # It is the transport only when its own greenlet runs.
        socket.claimed = True
        try:
            sock, early = self._switch_protocols(handshake)
        except BaseException:
            socket.claimed = False
            raise
        if isinstance(transport, PollingTransport):
            self.server.hub.registry.transport_came(socket)
            upgrade = Upgrade(
                transport, sock, early, self.server.settings.handshake_timeout
            )
            return self._hand_over(sock, upgrade.run)
        return self._run_websocket(socket, sock, early)

    def _run_websocket(self, socket: Socket, sock: Any, early: bytes) -> Body:
        transport = WebSocketTransport(self.server.hub, socket, sock, early)
        self.server.hub.registry.transport_came(socket)
        return self._hand_over(sock, transport.open)

    def _hand_over(self, sock: Any, run: Callable[[], object]) -> Body:
        self.socket = None  # type: ignore[assignment]  # or it would be closed at the end of the request
        self.server.hand_over(sock, run)
        return []

    def _switch_protocols(
        self,
        handshake: Handshake,
        cookies: Iterable[tuple[str, str]] = (),
        first: bytes = b"",
    ) -> tuple[Any, bytes]:
        headers = [*cookies]
        # A browser that offers some fails where none is chosen. Socket.IO knows none,
        # so it is the first, as in the reference server.
        if handshake.subprotocols:
            headers.append(("Sec-WebSocket-Protocol", handshake.subprotocols[0]))
        return self.switch_protocols(handshake.key, headers, first)

    def switch_protocols(
        self, key: str, headers: HeaderList, first: bytes = b""
    ) -> tuple[Any, bytes]:
        """Answer 101 and let go of everything that HTTP needed.

        :param first: the first frame, which leaves with the answer.
        :returns: the gevent socket, and what the peer sent ahead of the answer.
        :raises HandshakeRefused: when the request has a body, whatever became of its
            headers in the environ: it would be taken for frames.
        """
        if not self.wsgi_input.ended:
            raise HandshakeRefused("400 Bad Request")
        sock = self.socket
        # The buffered reader may hold bytes already: `peek` gives them, not waiting.
        sock.settimeout(0)
        try:
            early = self.rfile.peek()
        except OSError:
            self.lost = True
            raise
        finally:
            sock.settimeout(None)
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


def _without_twins(headers: HeaderList, always: HeaderList) -> HeaderList:
    """An application's headers, and ours in place of those with the same names."""
    names = {name.lower() for name, _ in always} - {"vary"}
    return [*(each for each in headers if each[0].lower() not in names), *always]


def _read_handshake(environ: dict[str, Any]) -> Handshake:
    """A WebSocket handshake.

    :raises HTTPError: when the request is none that can be accepted.
    """
    try:
        return read_handshake(environ)
    except HandshakeRefused as refused:
        headers = [TEXT, *refused.headers]
        raise HTTPError(
            refused.status, refused.text.encode(), headers, why=escape(refused.why, 200)
        ) from None
