"""Answers Socket.IO requests, which open, use or end a session."""

from __future__ import annotations

from typing import Any

from ...wire.escape import escape
from ...wire.socketio.reasons import CLIENT_LEFT
from ..http.cors import preflight_headers
from . import elsewhere, handshakes, payloads, polling, websockets
from .errors import (
    BAD_METHOD,
    BAD_REQUEST,
    TEXT,
    UNSUPPORTED,
    HTTPError,
    engine_error,
    refusal,
)
from .request import Body, Connection, Request, Start
from .routes import Route


def respond(
    connection: Connection, route: Route, environ: dict[str, Any], start: Start
) -> Body | None:
    """Answer a request whose origin is allowed; None if the answer comes later.

    :raises HTTPError: when the request is refused.
    :raises Refused: when the application or a limit refuses a new session.
    """
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        start("204 No Content", preflight_headers(environ))
        return []
    generation = route.generation
    # A handshake of Engine.IO with another method than GET has its own error.
    checked = bool(generation and generation.opens_with_transport and not route.sid)
    if method not in ("GET", "POST") and not checked:
        allow = [TEXT, ("Allow", "GET, POST, OPTIONS")]
        why = "the method is not GET, POST or OPTIONS"
        raise HTTPError("405 Method Not Allowed", b"", allow, why=why)
    if generation is None:
        raise engine_error(UNSUPPORTED, allow="EIO is 3 or 4")
    if route.jsonp is not None and not payloads.is_callback(route.jsonp):
        why = f"the JSONP callback {escape(route.jsonp)} is not a number"
        raise refusal(generation, BAD_REQUEST, why)
    request = Request(connection, route, generation, environ, start)
    if route.sid:
        return _continue(request)
    if checked and method != "GET":
        raise refusal(generation, BAD_METHOD)
    return handshakes.respond(request)


def _continue(request: Request) -> Body | None:
    """Answer a request that names a session."""
    route, generation = request.route, request.generation
    served = request.hub.transports_of(generation)
    if not route.disconnect and route.transport not in served:
        raise handshakes.unknown_transport(request)
    socket = request.connection.server.get_socket(route.sid)
    if socket is None or socket.generation is not generation:
        return elsewhere.respond(request)
    if route.disconnect:
        socket.kill(reason=CLIENT_LEFT)
        request.start("200 OK")
        return []
    if route.transport == "websocket":
        return websockets.respond(request, socket)
    return polling.respond(request, socket)
