"""Requests that open a session, and with Engine.IO its first transport."""

from __future__ import annotations

from ...wire.escape import escape
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.generations import Opening
from ...wire.socketio.reasons import TRANSPORT_CLOSE
from ..http import HeaderList
from ..session.session import Socket
from ..transports.polling import PollingTransport
from . import payloads, websockets
from .errors import BAD_REQUEST, TRANSPORT_UNKNOWN, HTTPError, refusal
from .opening import open_session
from .request import Body, Request


def respond(request: Request) -> Body:
    """Answer a handshake.

    :raises HTTPError: when it is refused.
    :raises Refused: when the application or a limit refused it.
    """
    if not request.generation.opens_with_transport:
        return _open_alone(request)
    transport = request.route.transport
    if transport not in request.hub.transports_of(request.generation):
        raise unknown_transport(request)
    if transport == "websocket":
        return _open_websocket(request)
    return _open_polling(request)


def unknown_transport(request: Request) -> HTTPError:
    """The error for a transport that is not served."""
    served = request.hub.transports_of(request.generation)
    return refusal(
        request.generation,
        TRANSPORT_UNKNOWN,
        f"transport {escape(request.route.transport)} is not served",
        f"transports is {', '.join(served)}",
    )


def _open_alone(request: Request) -> Body:
    socket, cookies = _open(request)
    request.hub.registry.await_transport(socket)
    text = _opening(request, socket).encode()
    headers, body = payloads.text_answer(request.route, request.generation, text)
    request.start("200 OK", [*headers, *cookies])
    return [body]


def _open_polling(request: Request) -> Body:
    socket, cookies = _open(request)
    socket.base64 = request.route.base64
    polling = PollingTransport(request.hub, socket)
    try:
        polling.open()
    except BaseException:
        socket.kill(reason=TRANSPORT_CLOSE)  # nobody knows of it
        raise
    # Only now: the client cannot go on before it has this answer.
    if not socket.ended:
        request.hub.registry.await_transport(socket)
    packets = [_opening(request, socket), *polling.outbox.take()]
    headers, body = payloads.answer(request.route, socket, packets)
    request.start("200 OK", [*headers, *cookies])
    return [body]


def _open_websocket(request: Request) -> Body:
    handshake = websockets.read(request.environ)
    server = request.connection.server
    socket, cookies = open_session(
        server, request.environ, request.generation, request.route
    )
    socket.base64 = request.route.base64
    first = Encoded(_opening(request, socket)).frame
    try:
        sock, early = websockets.accept(request, handshake, cookies, first)
    except BaseException:
        socket.kill(reason=TRANSPORT_CLOSE)  # no other transport will come
        raise
    return websockets.run(request, socket, sock, early)


def _open(request: Request) -> tuple[Socket, HeaderList]:
    """Open a session, which has to be ended if its client does not come back.

    :returns: the session, and the application's cookies.
    :raises HTTPError: when the client has closed the connection meanwhile.
    """
    connection = request.connection
    socket, cookies = open_session(
        connection.server,
        request.environ,
        request.generation,
        request.route,
    )
    if connection.has_left():
        # The client does not know the session id, so it cannot use the session.
        socket.kill(reason=TRANSPORT_CLOSE)
        why = "the client left before the application accepted it"
        raise refusal(request.generation, BAD_REQUEST, why)
    return socket, cookies


def _opening(request: Request, socket: Socket) -> str:
    """The first packet, which describes the session to the client."""
    hub, generation = request.hub, request.generation
    transports = hub.transports_of(generation)
    polls = isinstance(socket.transport, PollingTransport)
    opening = Opening(
        socket.sessid,
        transports,
        ["websocket"] if polls and "websocket" in transports else [],
        hub.settings.heartbeat_interval,
        hub.heartbeat_timeout(generation),
        hub.settings.close_timeout,
        hub.settings.max_message_size,
    )
    return generation.opening(opening)
