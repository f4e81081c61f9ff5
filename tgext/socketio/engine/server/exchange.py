"""One request of a Socket.IO client, and its answer."""

from __future__ import annotations

import logging
import socket as native_socket
from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from functools import partial
from typing import Any

from gevent.ssl import SSLSocket

from ...wire.escape import escape
from ..concurrency.failures import FAILURES
from ..concurrency.heartbeat import nothing
from ..concurrency.interruption import Interrupted
from ..handover.offers import Origin
from ..handover.relay import relay
from ..http import HeaderList
from ..http.body import RequestBody, no_body
from ..http.environ import complete_variables
from ..http.errors import BodyEnded, RequestError
from ..http.forwarded import scheme_of
from ..http.headers import Head
from ..http.incoming import Incoming
from ..http.refusals import log_invalid_request, without_session
from ..http.upgrade import HandshakeRefused, acceptance
from ..http.writer import AnswerWriter
from ..io.sending import send_all
from ..logs import get_logger
from .answering import Answering
from .host import Host, Run
from .request import Body
from .routes import Route

log = get_logger(__name__)


class Outcome(Enum):
    """How a connection goes on after a request."""

    #: Another request may follow.
    ANSWERED = auto()
    #: The answer follows when there is a message.
    WAITS = auto()
    #: It has to be closed.
    ENDS = auto()
    #: It belongs to somebody else now.
    GIVEN = auto()


class Exchange:
    """Serves one request, as :class:`.request.Connection`.

    :param server: the server.
    :param sock: the gevent socket.
    :param below: see :func:`.io.sockets.below`.
    :param peer: the address of the other end of the connection.
    :param head: the head of the request.
    :param raw: its bytes.
    :param rest: the bytes that were read after it.
    :param scheme: of the connection, if another process has accepted it; else "".
    :param handed: whether another process has read the request, and handed it over.

    :ivar incoming: the rest of the request.
    :ivar client_address: the address of the client.
    :ivar wake: called when a poll that waits can be answered; must not block.
    """

    __slots__ = (
        "_abandon",
        "_answering",
        "_below",
        "_given",
        "_pending",
        "_raw",
        "_when_answered",
        "client_address",
        "handed",
        "head",
        "incoming",
        "peer",
        "scheme",
        "server",
        "socket",
        "wake",
        "writer",
    )

    def __init__(
        self,
        server: Host,
        sock: Any,
        below: Any,
        peer: Any,
        head: Head,
        raw: bytes,
        rest: bytes,
        scheme: str,
        handed: bool,
    ) -> None:
        self.server = server
        self.socket = sock
        self._below = below
        self.peer = self.client_address = peer
        self.head = head
        self._raw = raw
        self.scheme = scheme
        self.handed = handed
        self.writer = AnswerWriter(sock, below, head, server.settings.send_timeout)
        self.incoming = Incoming(sock, head, rest, server.settings)
        self._given: Outcome | None = None
        self._answering: Answering | None = None
        self._pending: Callable[[], Body] | None = None
        self._abandon: Callable[[], object] | None = None
        self._when_answered: Callable[[bool], object] | None = None
        self.wake: Callable[[], object] = nothing

    # The request

    def environ(self, route: Route) -> dict[str, Any]:
        """The WSGI environment; that of the request alone if the route has a session.

        Only the application needs what the server and the connection add.
        """
        variables = complete_variables(self.head, self.client_address)
        if route.sid:
            variables.setdefault("wsgi.url_scheme", scheme_of(self))
            return variables
        environ = self.server.environ_of(self.peer)
        if self.scheme:
            environ["wsgi.url_scheme"] = self.scheme
        environ.update(variables)
        empty = self.head.length == 0
        environ["wsgi.input"] = no_body() if empty else self.wsgi_input
        environ["wsgi.input_terminated"] = True
        return environ

    @property
    def wsgi_input(self) -> RequestBody:
        """The body of the request, which is read from the connection."""
        return self.incoming.body

    def take_body(self) -> bytes | None:
        """The body, if all of it has come with the head; else None."""
        return self.incoming.take()

    def has_left(self) -> bool:
        """Whether the client closed the connection, as far as the kernel knows."""
        if isinstance(self.socket, SSLSocket):
            return False  # MSG_PEEK cannot look into TLS records
        try:
            ahead: bytes = self._below.recv(1, native_socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not ahead

    # The answer

    def serve(self, route: Route) -> Outcome:
        """Answer the request.

        :raises OSError: when the connection failed.
        """
        environ = self.environ(route)
        self._answering = Answering(self, route, environ, self.writer.start)
        self.server.hub.requests.began()
        return self._go_on(self._answering.begin)

    def when_ready(
        self, function: Callable[[], Body], abandon: Callable[[], object]
    ) -> None:
        """Let the client wait. One of two functions is called later.

        :param function: returns the body, by :meth:`go_on`.
        :param abandon: called when the connection has ended.
        """
        self._pending, self._abandon = function, abandon
        self._raw = b""

    def abandon(self) -> None:
        """The connection of a poll that waits has ended."""
        abandon, self._pending, self._abandon = self._abandon, None, None
        if abandon is not None:
            abandon()
        self._tell(False)

    def go_on(self) -> Outcome:
        """Answer a poll that has waited.

        :raises OSError: when the connection failed.
        """
        function, self._pending, self._abandon = self._pending, None, None
        answering = self._answering
        assert function is not None
        assert answering is not None
        return self._go_on(partial(answering.answer, function))

    def when_answered(self, call: Callable[[bool], object]) -> None:
        """Call a function after the answer, with True if all of it was sent."""
        self._when_answered = call

    def _go_on(self, function: Callable[[], Body | None]) -> Outcome:
        sent = waits = False
        try:
            body = self._body_of(function)
            if body is None:
                waits = True
                return Outcome.WAITS
            if self._given is None:
                self._write(body)
            sent = True
        finally:
            if not waits:
                self._tell(sent)
        return self._given or self._finish()

    def _tell(self, sent: bool) -> None:
        self._answering = None  # it refers to this exchange
        self.server.hub.requests.ended()
        call, self._when_answered = self._when_answered, None
        if call is not None:
            call(sent)

    def _body_of(self, function: Callable[[], Body | None]) -> Body | None:
        try:
            return function()
        except Interrupted:
            raise
        except FAILURES as error:
            if self._given is not None:
                raise  # accepting a WebSocket failed: the client has left
            shown = self._shown()
            log.error("%s failed", shown, exc_info=error)
            self.writer.close = True
            text = [("Content-Type", "text/plain")]
            self.writer.start("500 Internal Server Error", text)
            return [b"Internal Server Error"]

    def _write(self, body: Body) -> None:
        writer = self.writer
        if not self.server.keeps_connections:
            writer.close = True
        if self.incoming.close_after_answer():
            writer.close = True
        writer.write(body)
        self._log()

    def _finish(self) -> Outcome:
        """Read what is left of the body; if it is too long, nothing may follow."""
        incoming = self.incoming
        if not incoming.ended:
            incoming.discard()
            error = incoming.body.error
            if error is not None and not isinstance(error, BodyEnded):
                self._log_invalid_body(error)
        if incoming.ended and not self.writer.close:
            return Outcome.ANSWERED
        incoming.linger()
        return Outcome.ENDS

    # WebSockets, and other processes

    def switch_protocols(
        self, key: str, headers: HeaderList, first: bytes = b""
    ) -> tuple[Any, bytes]:
        """Answer 101.

        :param key: the client's ``Sec-WebSocket-Key``.
        :param first: the first frame, which is sent together with the answer.
        :returns: the gevent socket, and the bytes that the peer sent before the answer.
        :raises HandshakeRefused: when the request has a body, which would be read as
            frames.
        :raises OSError: when the connection failed.
        """
        if not self.incoming.ended:
            raise HandshakeRefused("400 Bad Request")
        self._given = Outcome.ENDS  # if sending fails
        seconds = self.server.settings.send_timeout
        answer = acceptance(key, headers) + first
        send_all(self.socket, self._below, answer, seconds)
        self.writer.status = "101 Switching Protocols"
        self._log()
        return self.socket, self.incoming.rest

    def hand_over(self, run: Run) -> None:
        """Leave the connection to a WebSocket, or to what it is relayed to."""
        self._given = Outcome.GIVEN
        self.server.connections.upgrade(self.socket, run)

    def leave_to(self, give: Callable[[Any, Origin, bytes], Any]) -> None:
        """Leave the connection to another process; see :class:`.request.Connection`."""
        sock = self.socket
        # The other process reads itself what proxies tell in the request.
        origin = Origin(self.peer, scheme_of(self))
        process = give(sock, origin, self._raw + self.incoming.rest)
        self._given = Outcome.ENDS  # the descriptor here is closed
        if process is not None:
            seconds = self.server.settings.send_timeout
            self.hand_over(partial(relay, sock, process, seconds))

    # The log

    def _shown(self) -> str:
        line = f"{self.head.method} {self.head.target}"
        return without_session(line, self.server.resources)

    def _log_invalid_body(self, error: RequestError) -> None:
        self.server.hub.counts.refuse("http", error.status)
        address = self.client_address
        address = address[0] if isinstance(address, tuple) else address
        log_invalid_request(address or None, self._shown(), error.status, error.why)

    def _log(self) -> None:
        if not log.isEnabledFor(logging.DEBUG):
            return
        head, writer, address = self.head, self.writer, self.client_address
        # The line has the session id, with which anybody could use the session.
        log.debug(
            '%s - - [%s] "%s %s %s" %s %s',
            (address[0] if isinstance(address, tuple) else address) or "-",
            datetime.now().replace(microsecond=0),
            escape(head.method, 40),
            escape(head.target, 1000),
            head.version,
            writer.status[:3],
            writer.sent or "-",
        )
