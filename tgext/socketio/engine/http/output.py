"""Answers: as pywsgi writes them, but with an end that is known, and in time."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gevent.pywsgi import WSGIHandler

from ..tls import below
from .body import RequestBody

if TYPE_CHECKING:
    from ..server import SocketIOServer

HeaderList = list[tuple[str, str]]

#: Bytes of an answer of which a client has to take some in `send_timeout`.
SENT_AT_ONCE = 65536


class HTTPOutput(WSGIHandler):
    """The part of the handler that answers."""

    server: SocketIOServer
    wsgi_input: RequestBody  # type: ignore[assignment]
    #: What is being put together to leave in one piece.
    _gathered: bytearray | None = None
    #: Bytes of the body that the answer's Content-Length still promises.
    _promised: int | None = None

    def __init__(self, sock: Any, address: Any, server: SocketIOServer) -> None:
        super().__init__(sock, address, server)
        self._below = below(sock)

    def start_response(
        self, status: str, headers: HeaderList, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if self.server.stopping:
            self.close_connection = True
        return super().start_response(status, headers, exc_info)

    def finalize_headers(self) -> None:
        """Complete the headers of the answer, so that its end is known."""
        super().finalize_headers()
        body = self.wsgi_input
        body.withhold_continue()
        if body.abandoned:
            self.close_connection = True
        bodiless = self.command == "HEAD" or self.code in (204, 304)
        length = self.provided_content_length
        self._promised = None
        if self.command == "HEAD":
            self.response_use_chunked = False
        elif length is not None and not bodiless:
            if length.isascii() and length.isdigit():
                self._promised = int(length)
            else:
                self.close_connection = True
        elif not (bodiless or self.response_use_chunked or _has_length(self.result)):
            # To HTTP/1.0 the end of a body is told by that of the connection.
            self.close_connection = True
        if self.close_connection:
            # pywsgi closes without a word, and a client that keeps its connections
            # would see its next request fail.
            self._say_close()

    def _say_close(self) -> None:
        said: list[Any] = self.response_headers or []
        kept: list[Any] = [
            (name, value)
            for name, value in said
            if name.lower() != b"connection"
            or value.lower() not in (b"close", b"keep-alive")
        ]
        kept.append((b"Connection", b"close"))
        self.response_headers = kept

    def process_result(self) -> None:
        super().process_result()
        if self._promised:
            # The client would take the next answer for the rest of this one.
            self.close_connection = True

    def _write(self, data: bytes) -> None:
        promised = self._promised
        if promised is not None:
            if len(data) > promised:
                data = data[:promised]
                self.close_connection = True
            self._promised = promised - len(data)
        elif self.command == "HEAD":
            return
        super()._write(data)  # type: ignore[misc]

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


def _has_length(result: Any) -> bool:
    """Whether pywsgi states the length of an answer that the application returned."""
    return hasattr(result, "__len__")
