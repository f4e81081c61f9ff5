"""Requests of clients that poll: a GET receives messages, a POST sends them."""

from __future__ import annotations

from functools import partial
from typing import Any

import gevent

from ...wire.errors import MessageTooBig, PayloadError, PayloadTooLarge
from ...wire.escape import escape
from ...wire.socketio.reasons import PARSE_ERROR, TRANSPORT_ERROR
from ..http.errors import TIMEOUT, RequestError
from ..http.refusals import log_refusal
from ..session.session import Socket
from ..transports.polling import PollingTransport, PostLost
from ..transports.streaming import STREAMS
from . import payloads
from .errors import BAD_REQUEST, TEXT, UNKNOWN_SID, HTTPError, refusal
from .firstrequest import show_request
from .request import Body, Request

#: The most POSTs of one session at a time. Clients 0.9 send a POST before the last one
#: is answered, but never more than a few.
MOST_POSTS = 16

#: What the log tells of a request: while a poll waits, nothing else of it is kept.
_LOGGED = ("REQUEST_METHOD", "REMOTE_ADDR", "REMOTE_USER")

#: Why a session id is unknown, for the log.
SESSION_ENDED = "the session has ended, or belongs to another process"


def respond(request: Request, socket: Socket) -> Body | None:
    """Answer a poll or a POST of a session; None if the answer comes later.

    :raises HTTPError: when it is refused.
    """
    get = request.method == "GET"
    if socket.transport is None and get and not socket.claimed:
        # Connecting may take longer than the client may take until its first poll.
        request.hub.registry.transport_came(socket)
        show_request(request, socket)
        PollingTransport(request.hub, socket).open()
    transport = socket.transport
    if not isinstance(transport, PollingTransport):
        why = "the transport of the session is not polling"
        raise refusal(request.generation, BAD_REQUEST, why)
    request.hub.registry.transport_came(socket)
    return _poll(request, transport) if get else _post(request, transport)


def respond_unknown(
    request: Request, why: str = SESSION_ENDED, allow: str = ""
) -> Body:
    """Answer a request with the id of a session that has ended or never existed.

    :param why: the reason, for the log.
    :param allow: what would allow the request, for the log.
    :raises HTTPError: when its generation answers an unknown id with an error.
    """
    route, generation = request.route, request.generation
    lingering = request.hub.lingering.get(route.sid)
    if lingering is not None and request.method == "GET":
        assert isinstance(lingering, PollingTransport)
        messages = lingering.poll(request.connection.socket)
        _answer_begins(request, lingering, messages)
        return _answer(request, lingering, messages)
    told = generation.unknown_session
    if told is None or (route.transport == "websocket" and not route.disconnect):
        raise refusal(generation, UNKNOWN_SID, why, allow)
    if not route.disconnect:
        path = f"/{route.resource}/{route.shown}"
        why = f"{why}; the client is told to reconnect"
        log_refusal(request.environ, path, "200", why, allow)
    headers, body = payloads.text_answer(route, generation, told.encode())
    request.start("200 OK", headers)
    return [body]


# Polls


def _poll(request: Request, transport: PollingTransport) -> Body | None:
    _check_overlap(request, transport)
    if request.route.transport in STREAMS:
        content_type, stream = STREAMS[request.route.transport]
        request.start("200 OK", [("Content-Type", content_type)])
        return stream(transport, request.connection.socket)
    sock, wake = request.connection.socket, request.connection.wake
    if transport.begin_poll(sock, wake):
        return _fetch(request, transport)
    environ = request.environ
    logged = {name: environ[name] for name in _LOGGED if name in environ}
    environ.clear()  # others refer to it, too
    environ.update(logged)
    request.connection.when_ready(
        partial(_fetch, request, transport), partial(transport.forget_poll, wake)
    )
    return None


def _fetch(request: Request, transport: PollingTransport) -> Body:
    """Answer a poll that does not have to wait any more."""
    connection = request.connection
    messages = transport.end_poll(connection.socket, connection.wake)
    _answer_begins(request, transport, messages)
    if transport.refused:
        return respond_unknown(request)
    return _answer(request, transport, messages)


def _check_overlap(request: Request, transport: PollingTransport) -> None:
    """Refuse a poll while another poll waits on an open connection.

    For a generation whose polls may overlap, the other poll is answered instead.
    """
    if not transport.polling or transport.waits_in_vain:
        return
    if request.generation.overlaps:
        transport.outbox.wake()
        return
    transport.socket.kill(reason=TRANSPORT_ERROR)
    why = "another poll of the session is under way"
    raise refusal(request.generation, BAD_REQUEST, why)


def _answer_begins(
    request: Request, transport: PollingTransport, messages: list[str | bytes]
) -> None:
    """If the answer cannot be sent, the messages are put back."""
    connection = request.connection
    sock = connection.socket
    transport.answer_begins(sock)
    connection.when_answered(partial(_answered, transport, messages, sock))


def _answered(
    transport: PollingTransport, messages: list[str | bytes], sock: Any, sent: bool
) -> None:
    if not sent:
        transport.put_back(messages)
    transport.answer_ends(sock)


def _answer(
    request: Request, transport: PollingTransport, messages: list[str | bytes]
) -> Body:
    headers, body = payloads.answer(request.route, transport.socket, messages)
    request.start("200 OK", headers)
    return [body]


# POSTs


def _post(request: Request, transport: PollingTransport) -> Body:
    generation = request.generation
    if transport.posting and not generation.overlaps:
        # The order of their messages is not known.
        transport.socket.kill(reason=TRANSPORT_ERROR)
        why = "another POST of the session is under way"
        raise refusal(generation, BAD_REQUEST, why)
    if transport.posting >= MOST_POSTS:
        text = b"Too many requests at once"
        refused = _unread(request, "503 Service Unavailable", text)
        refused.allow = f"a session has at most {MOST_POSTS}"
        raise refused
    try:
        transport.begin_post(request.connection.socket)
    except PostLost as error:
        raise _unread(request, "400 Bad Request", b"the body ended early") from error
    try:
        if transport.socket.account.closed:
            raise _unread(request, "400 Bad Request", b"The session has ended")
        _read(request, transport)
    finally:
        transport.end_post()
    request.start("200 OK", [TEXT])
    return [generation.post_answer]


def _read(request: Request, transport: PollingTransport) -> None:
    """Read the messages of a POST and hand them to the session."""
    socket, generation = transport.socket, request.generation
    limits = request.hub.limits
    content_type = request.environ.get("CONTENT_TYPE", "")
    try:
        body = _read_body(request)
        if socket.base64 and not socket.encodes_twice and not body.isascii():
            socket.encodes_twice = generation.is_encoded_twice(body)
        messages = payloads.read(request.route, generation, body, content_type, limits)
        transport.post(messages, len(body))
    except (PayloadTooLarge, MessageTooBig) as error:
        transport.refuse()
        refused = _unread(request, "413 Payload Too Large", b"Payload too large")
        refused.why = escape(error.reason, 200)
        refused.allow = f"max_message_size is {limits.max_message_size}"
        raise refused from error
    except PayloadError as error:
        socket.kill(reason=PARSE_ERROR)
        why = escape(error.reason, 200)
        raise refusal(generation, (BAD_REQUEST[0], error.reason), why) from error


def _read_body(request: Request) -> bytes:
    """The body of a POST.

    :raises PayloadTooLarge: when it has more than ``max_message_size`` bytes.
    :raises HTTPError: when it is invalid, takes too long, or is incomplete.
    """
    settings = request.hub.settings
    limit = settings.max_message_size
    if int(request.environ.get("CONTENT_LENGTH") or 0) > limit:
        raise PayloadTooLarge("the body is larger than max_message_size")
    whole = request.connection.take_body()
    if whole is not None:
        return whole
    late = RequestError("the body takes too long", TIMEOUT)
    try:
        with gevent.Timeout(settings.body_timeout, late):
            body: bytes = request.connection.wsgi_input.read(limit + 1)
    except RequestError as error:
        refused = _unread(request, error.status, error.reason.encode())
        if error is late:
            refused.allow = f"body_timeout is {settings.body_timeout:g}"
        raise refused from error
    except OSError as error:
        raise _unread(request, "400 Bad Request", b"the body ended early") from error
    if len(body) > limit:
        raise PayloadTooLarge("the body is larger than max_message_size")
    return body


def _unread(request: Request, status: str, text: bytes) -> HTTPError:
    """An error that closes the connection, without reading the rest of the body."""
    request.connection.wsgi_input.abandon()
    return HTTPError(status, text, [TEXT, ("Connection", "close")])
