"""Requests that open a WebSocket: the first transport of a session, or an upgrade."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...wire.escape import escape
from ..http.upgrade import Handshake, HandshakeRefused, read_handshake
from ..session.session import Socket
from ..transports.polling import PollingTransport
from ..transports.upgrade import Upgrade
from ..transports.websocket import WebSocketTransport
from .errors import BAD_REQUEST, TEXT, HTTPError, refusal
from .firstrequest import show_request
from .request import Body, Request


def respond(request: Request, socket: Socket) -> Body:
    """Accept a WebSocket for a session that was opened before.

    :raises HTTPError: when it is refused.
    """
    transport = socket.transport
    if isinstance(transport, WebSocketTransport) or (
        transport is not None and not request.generation.upgrades
    ):
        why = "the session already has a transport"
        raise refusal(request.generation, BAD_REQUEST, why)
    if socket.claimed:
        why = "another WebSocket of the session is being opened"
        raise refusal(request.generation, BAD_REQUEST, why)
    handshake = read(request.environ)
    # It becomes the transport later, in its own greenlet.
    socket.claimed = True
    try:
        sock, early = accept(request, handshake)
    except BaseException:
        socket.claimed = False
        raise
    if not isinstance(transport, PollingTransport):
        return run(request, socket, sock, early)
    hub = request.hub
    hub.registry.transport_came(socket)
    upgrade = Upgrade(transport, sock, early, hub.settings.handshake_timeout)
    request.connection.hand_over(upgrade.run)
    return []


def read(environ: dict[str, Any]) -> Handshake:
    """A WebSocket handshake.

    :raises HTTPError: when it is invalid.
    """
    try:
        return read_handshake(environ)
    except HandshakeRefused as refused:
        headers = [TEXT, *refused.headers]
        why = escape(refused.why, 200)
        text = refused.text.encode()
        raise HTTPError(refused.status, text, headers, why=why) from None


def accept(
    request: Request,
    handshake: Handshake,
    cookies: Iterable[tuple[str, str]] = (),
    first: bytes = b"",
) -> tuple[Any, bytes]:
    """Answer a handshake.

    :param first: a frame that is sent together with the answer.
    :returns: the gevent socket, and the bytes that the client sent before the answer.
    """
    headers = [*cookies]
    # A browser that offers subprotocols closes the connection if none is chosen.
    # Socket.IO defines none; the reference server chooses the first.
    if handshake.subprotocols:
        headers.append(("Sec-WebSocket-Protocol", handshake.subprotocols[0]))
    return request.connection.switch_protocols(handshake.key, headers, first)


def run(request: Request, socket: Socket, sock: Any, early: bytes) -> Body:
    """Make an accepted WebSocket the first transport of a session."""
    transport = WebSocketTransport(request.hub, socket, sock, early)
    show_request(request, socket, transport)
    request.hub.registry.transport_came(socket)
    request.connection.hand_over(transport.open)
    return []
