"""The requests of clients that poll: a GET waits for messages, a POST brings them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gevent

from ...wire.errors import MessageTooBig, PayloadError, PayloadTooLarge
from ...wire.escape import escape
from ...wire.socketio.generations import Generation
from ..http import HTTPHandler
from ..http.errors import TIMEOUT, RequestError
from ..session.session import Socket
from ..transports.polling import PollingTransport
from ..transports.streaming import STREAMS
from . import payloads
from .errors import BAD_REQUEST, TEXT, HTTPError, refusal
from .host import Host
from .routes import Route

#: POSTs of one session at a time: clients 0.9 do not wait for the answer to one, but
#: they never send more than a few.
MOST_POSTS = 16

StartResponse = Callable[..., Any]
Body = Iterable[bytes]


class PollingHandler(HTTPHandler):
    """The part of the handler that serves them."""

    server: Host  # type: ignore[assignment]
    #: What the answer to a poll has, until it has been sent.
    _taken: tuple[PollingTransport, list[str | bytes], Any] | None = None

    def _polling(
        self,
        route: Route,
        socket: Socket,
        environ: dict[str, Any],
        start: StartResponse,
    ) -> Body:
        get = environ["REQUEST_METHOD"] == "GET"
        if socket.transport is None and get and not socket.claimed:
            polling = PollingTransport(self.server.hub, socket)
            polling.open()
        transport = socket.transport
        if not isinstance(transport, PollingTransport):
            why = "the session does not poll (any more)"
            raise refusal(socket.generation, BAD_REQUEST, why)
        self.server.hub.registry.transport_came(socket)
        generation = socket.generation
        if get:
            self._check_overlap(socket, transport)
            if route.transport in STREAMS:
                content_type, stream = STREAMS[route.transport]
                start("200 OK", [("Content-Type", content_type)])
                return stream(transport, self.socket)
            packets = self._take(transport)
            if transport.refused:
                return self._unknown_session(route, generation, environ, start)
            headers, body = payloads.answer(route, socket, packets)
            start("200 OK", headers)
            return [body]
        else:
            if transport.posting and not generation.overlaps:
                # Nobody knows which of the two came first.
                socket.kill(reason="transport error")
                why = "another POST of the session is under way"
                raise refusal(generation, BAD_REQUEST, why)
            if transport.posting >= MOST_POSTS:
                text = b"Too many requests at once"
                refused = self._unread("503 Service Unavailable", text)
                refused.allow = f"a session has at most {MOST_POSTS}"
                raise refused
            with transport.one_post():
                if socket.account.closed:
                    text = b"The session has ended"
                    raise self._unread("400 Bad Request", text)
                self._post(route, socket, transport, environ)
            headers, body = [TEXT], generation.post_answer
        start("200 OK", headers)
        return [body]

    def _unknown_session(
        self,
        route: Route,
        generation: Generation,
        environ: dict[str, Any],
        start: StartResponse,
    ) -> Body:
        raise NotImplementedError

    def _post(
        self,
        route: Route,
        socket: Socket,
        transport: PollingTransport,
        environ: dict[str, Any],
    ) -> None:
        limits = self.server.hub.limits
        content_type = environ.get("CONTENT_TYPE", "")
        try:
            body = self._read_body(environ)
            if socket.base64 and not socket.encodes_twice and not body.isascii():
                socket.encodes_twice = socket.generation.is_encoded_twice(body)
            transport.post(
                payloads.read(route, socket.generation, body, content_type, limits)
            )
        except (PayloadTooLarge, MessageTooBig) as error:
            transport.refuse()
            text = b"Payload too large"
            refused = self._unread("413 Payload Too Large", text)
            refused.why = escape(error.reason, 200)
            refused.allow = f"max_message_size is {limits.max_message_size}"
            raise refused from error
        except PayloadError as error:
            socket.kill(reason="parse error")
            why = escape(error.reason, 200)
            raise refusal(socket.generation, (3, error.reason), why) from error

    def _take(self, transport: PollingTransport) -> list[str | bytes]:
        """What a poll is answered with; kept until the answer has been sent."""
        messages = transport.poll(self.socket)
        self._taken = transport, messages, self.socket
        transport.answer_begins(self.socket)
        return messages

    def run_application(self) -> None:
        sent = False
        try:
            super().run_application()
            sent = True
        finally:
            if self._taken is not None:
                transport, messages, sock = self._taken
                self._taken = None
                if not sent:
                    transport.put_back(messages)
                transport.answer_ends(sock)

    def _check_overlap(self, socket: Socket, transport: PollingTransport) -> None:
        if not transport.polling or transport.waits_in_vain:
            return
        if socket.generation.overlaps:
            # The client gave up on a poll that still hangs here.
            transport.outbox.wake()
            return
        socket.kill(reason="transport error")
        why = "another poll of the session is under way"
        raise refusal(socket.generation, BAD_REQUEST, why)

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        limit = self.server.settings.max_message_size
        if int(environ.get("CONTENT_LENGTH") or 0) > limit:
            raise PayloadTooLarge("the body is larger than max_message_size")
        late = RequestError("the body takes too long", TIMEOUT)
        try:
            with gevent.Timeout(self.server.settings.body_timeout, late):
                body: bytes = environ["wsgi.input"].read(limit + 1)
        except RequestError as error:
            refused = self._unread(error.status, error.reason.encode())
            if error is late:
                refused.allow = f"body_timeout is {self.server.settings.body_timeout:g}"
            raise refused from error
        except OSError as error:
            raise self._unread("400 Bad Request", b"the body ended early") from error
        if len(body) > limit:
            raise PayloadTooLarge("the body is larger than max_message_size")
        return body

    def _unread(self, status: str, text: bytes) -> HTTPError:
        """The answer to a request whose body is not read to its end."""
        self.wsgi_input.abandon()
        headers = [TEXT, ("Connection", "close")]
        return HTTPError(status, text, headers)
