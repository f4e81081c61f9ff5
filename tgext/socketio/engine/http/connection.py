"""HTTP connections: one request after the other, with timeouts and limits."""

from __future__ import annotations

import re
from typing import Any, Literal, cast

import gevent
from gevent.ssl import SSLSocket

from ...wire.escape import escape
from ...wire.limits import MAX_REQUEST_LINE
from ..concurrency.fairness import Turns
from ..concurrency.interruption import Interrupted
from ..io.reader import FairInput, InputTimeout, buffered_input
from ..io.sockets import say_goodbye
from ..logs import get_logger
from .answers import answer_options, refusal, refusal_headers, say_continue
from .begun import Begun
from .body import body_of, no_body
from .environ import complete_variables
from .errors import TOO_LARGE, TOO_LONG, BodyEnded, RequestError
from .headers import Head, check_request_line, parse_head
from .lingering import has_more, linger
from .output import ApplicationError, HTTPOutput
from .refusals import log_invalid_request, without_session
from .server import HTTPServer

log = get_logger(__name__)

#: The end of the head of a request.
END_OF_HEAD = b"\r\n\r\n"

#: A line feed alone. Lenient parsers read it as the end of a line, strict ones do not.
_BARE_LF = re.compile(rb"(?<!\r)\n")

#: Characters of the method and of the target of a request in a log line.
_METHOD, _TARGET = 40, 1000


class HTTPHandler(HTTPOutput):
    """Serves one HTTP connection."""

    #: The head of the current request, and its bytes.
    head: Head
    head_bytes: bytes | bytearray = b""
    #: ``http`` or ``https``, if another process has accepted the connection.
    scheme = ""
    #: Whether the connection has one request only.
    alone = False
    #: Whether another process has read the request, and handed it over.
    handed = False
    _kept_alive = False

    def __init__(self, sock: Any, address: Any, server: HTTPServer) -> None:
        super().__init__(sock, address, server)
        self.peer = address  # `client_address` may be another one for each request
        self.rfile = buffered_input(sock, server.settings.body_timeout)

    def begin_with(self, begun: Begun) -> None:
        """Somebody else has begun to read the connection."""
        self.scheme, self.alone = begun.scheme, begun.alone
        seconds = self.server.settings.body_timeout
        self.rfile = buffered_input(self.socket, seconds, begun.data)
        self.handed = begun.handed

    def handle(self) -> None:
        try:
            super().handle()
        finally:
            self.environ = None  # its input refers to this handler

    def handle_one_request(self) -> Literal[True] | None:
        """Serve one request; None when the connection has to be closed."""
        if self._serve_request():
            return True
        if isinstance(self.socket, SSLSocket):
            say_goodbye(self.socket)  # pywsgi is about to close it
        return None

    def _serve_request(self) -> bool:
        data: bytes | bytearray = b""
        try:
            data = self._read_head()
            if not data:
                return False
            head = self.head = parse_head(data)
            if self.server.forwarded is not None:
                self.server.forwarded.apply_to(self)
        except RequestError as error:
            self._refuse(error, bytes(data or error.begun))
            return False
        except OSError:
            return False
        self.requestline = f"{head.method} {head.target} {head.version}"
        if len(self.requestline) > _TARGET:
            # Shortened for logs, or a client could fill the disk.
            method, target = escape(head.method, _METHOD), escape(head.target, _TARGET)
            self.requestline = f"{method} {target} {head.version}"
        self.command, self.path = head.method, head.target
        self.request_version = head.version
        self.close_connection = self.alone or not head.keep_alive
        self.head_bytes = data
        self.environ = self.get_environ()
        anywhere = head.path == "*"
        self.application = answer_options if anywhere else self.server.application
        body = self.wsgi_input
        self.handle_one_response()
        # An idle connection keeps nothing of its last request.
        self.environ = None
        self.handed = False
        self.client_address = self.peer
        del self.head, self.head_bytes
        if body.error is not None and not isinstance(body.error, BodyEnded):
            self._log_refusal(body.error, self.requestline.encode())
        if body.ended and self.server.keeps_connections and not self.close_connection:
            return True
        # A connection that became a WebSocket has no reader here any more.
        answered = self.socket is not None and self.rfile is not None
        if answered and (
            not body.ended or head.upgrades or has_more(self.socket, self.rfile)
        ):
            linger(self.socket, self.rfile, self.server.settings.body_timeout)
        return False

    # The head of a request

    def _read_head(self) -> bytes | bytearray:
        """The head of the next request; empty when none comes.

        :raises RequestError: when the request is refused before its head is complete.
        :raises OSError: when the connection fails.
        """
        begun = self._await_request()
        end = begun.find(END_OF_HEAD)
        if end > 0 and end + len(END_OF_HEAD) <= self.server.settings.max_header_size:
            data: bytes = self.rfile.read(end + len(END_OF_HEAD))
            return data
        return self._gather_head() if begun else b""

    def _await_request(self) -> bytes:
        """Wait for the next request, and return those of its bytes that have come."""
        settings = self.server.settings
        source = cast(FairInput, self.rfile.raw)
        kept, self._kept_alive = self._kept_alive, True
        source.patience = (
            settings.keepalive_timeout if kept else settings.header_timeout
        )
        reads, idle = source.reads, self.server.connections.idle
        if kept:
            idle.add(self.socket)
        try:
            begun: bytes = self.rfile.peek()
        except InputTimeout:
            return b""
        finally:
            idle.discard(self.socket)
            source.patience = settings.body_timeout
        if source.reads == reads and kept:
            self._turns.check()  # pipelined: it was read with the request before
        else:
            self._turns = Turns()
        return begun

    def _gather_head(self) -> bytearray:
        """Read a head that is large or comes in pieces; it may be refused early."""
        head = bytearray()
        late = RequestError("the headers take too long")
        try:
            with gevent.Timeout(self.server.settings.header_timeout, late):
                while self._gather_more(head):
                    pass
        except RequestError as error:
            if error is late and head.find(b"\n", 2) < 0:
                return bytearray()  # not even a request line came: nothing to answer
            error.begun = bytes(head)
            raise
        return head

    def _gather_more(self, head: bytearray) -> bool:
        """Add the next piece to the head; True while the head is incomplete."""
        piece = self.rfile.peek()
        if not piece:
            head.clear()
            return False
        known = len(head)
        before = head.find(b"\r\n", 1)
        head += piece
        end = head.find(END_OF_HEAD, max(1, known - len(END_OF_HEAD)))
        if end > 0:
            del head[end + len(END_OF_HEAD) :]
        self.rfile.read(len(head) - known)
        if _BARE_LF.search(head, known):
            raise RequestError("a line ends without a carriage return")
        line = head.find(b"\r\n", 1)
        if (len(head) if line < 0 else line) > MAX_REQUEST_LINE:
            raise RequestError(
                f"the request line has more than {MAX_REQUEST_LINE} bytes", TOO_LONG
            )
        if len(head) > self.server.settings.max_header_size:
            raise RequestError(
                "the headers have more than max_header_size bytes", TOO_LARGE
            )
        if before < 0 <= line:
            check_request_line(head)
        return end <= 0

    # Its body

    def get_environ(self) -> dict[str, Any]:
        environ = self.server.environ_of(self.peer)
        if self.scheme:
            environ["wsgi.url_scheme"] = self.scheme
        environ.update(complete_variables(self.head, self.client_address))
        seconds = self.server.settings.body_timeout
        body = body_of(self.head, self.rfile, seconds, self._say_continue)
        self.wsgi_input = environ["wsgi.input"] = body
        # Applications may read to the end without knowing the length.
        environ["wsgi.input_terminated"] = True
        return environ

    def forget_request(self) -> None:
        """The connection has become a WebSocket: no answer follows."""
        self.close_connection = True
        self.wsgi_input = no_body()
        self.rfile = self.headers = None  # type: ignore[assignment]
        self.environ = {}

    def _say_continue(self) -> None:
        say_continue(self.socket, self.server.settings.send_timeout)

    # Refusals and errors

    def handle_error(self, kind: Any, error: Any, traceback: Any) -> None:
        # Called in an `except` clause. pywsgi would pass the error to the event loop,
        # which ends the process for some exceptions.
        if isinstance(error, Interrupted):
            self.close_connection = True
            raise error
        if isinstance(error, ApplicationError):
            error = error.__cause__
        shown = self._shown(f"{self.command} {self.path}")
        log.error("%s failed", shown, exc_info=error)
        self._send_error_response_if_possible(500)

    def _refuse(self, error: RequestError, begun: bytes) -> None:
        """Answer an invalid request; no other is read after it."""
        self._log_refusal(error, begun)
        try:
            self._send(refusal(error))
        except OSError:
            return
        linger(self.socket, self.rfile, self.server.settings.body_timeout)

    def _log_refusal(self, error: RequestError, begun: bytes) -> None:
        address = self.client_address
        address = address[0] if isinstance(address, tuple) else address
        shown = self._shown(begun.decode("latin-1"))
        log_invalid_request(address or None, shown, error.status, error.why)

    def _shown(self, text: str) -> str:
        return without_session(text, self.server.resources)

    def _handle_client_error(self, ex: Exception) -> None:
        """No effect: an invalid body is logged after the answer."""

    def _send_error_response_if_possible(self, error_code: int) -> None:
        error = self.wsgi_input.error
        if error_code != 400 or error is None or self.response_length:
            super()._send_error_response_if_possible(error_code)  # type: ignore[misc]
            return
        text = f"{error.reason}\n"
        try:
            self.start_response(error.status, refusal_headers(text))
            self.write(text.encode())
        except OSError:
            self.close_connection = True
