"""HTTP connections: what pywsgi does, within times and bounds, and with fewer calls."""

from __future__ import annotations

import errno
import logging
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import gevent
from gevent.pywsgi import Input, WSGIHandler
from gevent.ssl import SSLSocket

from ..wire.escape import escape
from .headers import Headers, read_headers
from .input import FairInput, InputTimeout, RequestBody, buffered_input
from .interruption import Interrupted
from .tls import below, say_goodbye

if TYPE_CHECKING:
    from .server import SocketIOServer

log = logging.getLogger(__name__)

HeaderList = list[tuple[str, str]]

#: Bytes of an answer of which a client has to take some in `send_timeout`.
SENT_AT_ONCE = 65536

#: What ends the headers of a request.
END_OF_HEADERS = b"\r\n\r\n"


class HeaderTimeout(OSError, ValueError):
    """The headers of a request take too long; pywsgi knows both its bases."""


class HTTPHandler(WSGIHandler):
    """Serves one HTTP connection."""

    server: SocketIOServer
    headers: Headers  # type: ignore[assignment]
    _kept_alive = False
    _header_timer: gevent.Timeout | None = None
    #: What is being put together to leave in one piece.
    _gathered: bytearray | None = None

    def __init__(self, sock: Any, address: Any, server: SocketIOServer) -> None:
        super().__init__(sock, address, server)
        self.rfile = buffered_input(sock, server.body_timeout)
        self._below = below(sock)

    def handle(self) -> None:
        try:
            super().handle()
        finally:
            self.environ = None  # its input holds this handler

    # In

    def read_requestline(self) -> str:
        begun = self._await_request()
        if not begun:
            return ""
        if END_OF_HEADERS not in begun:
            self._header_timer = gevent.Timeout.start_new(
                self.server.header_timeout, HeaderTimeout("the headers take too long")
            )
        line = ""
        try:
            line = super().read_requestline()
        finally:
            if not line:
                self._stop_timer()
        return line

    def _await_request(self) -> bytes:
        """Wait for the next request on the connection; what there is of it."""
        server = self.server
        source = cast(FairInput, self.rfile.raw)
        kept, self._kept_alive = self._kept_alive, True
        source.patience = server.keepalive_timeout if kept else server.header_timeout
        try:
            begun: bytes = self.rfile.peek()
        except InputTimeout:
            return b""
        finally:
            source.patience = server.body_timeout
        return begun

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.close()
            self._header_timer = None

    def read_request(self, raw_requestline: str) -> Any:
        try:
            return super().read_request(raw_requestline)
        finally:
            self._stop_timer()

    def MessageClass(self, rfile: Any, *args: Any) -> Headers:  # type: ignore[override]
        return read_headers(rfile)

    def _headers(self) -> Iterator[tuple[str, str]]:
        return self.headers.variables()

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        body = environ["wsgi.input"]
        if isinstance(body, Input) and (body.content_length or body.chunked_input):
            seconds = self.server.body_timeout
            give_up = partial(setattr, self, "close_connection", True)
            body = RequestBody(body, seconds, give_up)
            self.wsgi_input = environ["wsgi.input"] = body
        return environ

    def handle_one_request(self) -> Any:
        result = super().handle_one_request()
        if result is None and isinstance(self.socket, SSLSocket):
            say_goodbye(self.socket)  # pywsgi is about to close it
        return result

    def handle_error(self, kind: Any, error: Any, traceback: Any) -> None:
        # Called where it is being handled. pywsgi hands it to the event loop, which
        # ends the process for some.
        if isinstance(error, Interrupted):
            self.close_connection = True
            raise error
        log.exception("%s failed", self._subject())
        self._send_error_response_if_possible(500)  # type: ignore[attr-defined]

    def _subject(self) -> str:
        """Names the request in a log, without its query."""
        path = (self.path or "").partition("?")[0]
        return f"{escape(self.command)} {escape(path)}"

    # Out

    def start_response(
        self, status: str, headers: HeaderList, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if self.server.stopping:
            self.close_connection = True
        # pywsgi closes without a word, and a client that keeps its connections would
        # see its next request fail.
        said = any(name.lower() == "connection" for name, _ in headers)
        if self.close_connection and not said:
            headers = [*headers, ("Connection", "close")]
        return super().start_response(status, headers, exc_info)

    def _write_with_headers(self, data: bytes) -> None:
        self._gathered = bytearray()
        try:
            super()._write_with_headers(data)  # type: ignore[misc]
            gathered = self._gathered
        finally:
            self._gathered = None
        if gathered:
            self._send(gathered)

    def _sendall(self, data: bytes) -> None:
        gathered = self._gathered
        if gathered is None:
            self._send(data)
        elif len(data) <= SENT_AT_ONCE:
            gathered += data
        else:
            self._send(gathered)
            gathered.clear()
            self._send(data)

    def _send(self, data: bytes | bytearray) -> None:
        try:
            sent = self._below.send(data)
        except OSError:
            sent = 0  # whoever waits for the client meets it again
        self.response_length += sent
        if sent < len(data):
            self._send_in_time(memoryview(data)[sent:])

    def _send_in_time(self, data: memoryview) -> None:
        self.socket.settimeout(self.server.send_timeout)
        try:
            for at in range(0, len(data), SENT_AT_ONCE):
                part = data[at : at + SENT_AT_ONCE]
                self.socket.sendall(part)
                self.response_length += len(part)
        except (ssl.SSLError, TimeoutError) as error:
            # pywsgi knows one way in which a client leaves while it is answered.
            raise ConnectionResetError(errno.ECONNRESET, str(error)) from error
        finally:
            self.socket.settimeout(None)
