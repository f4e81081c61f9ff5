"""Answers: as pywsgi writes them, but with an end that is known, and in time."""

from __future__ import annotations

import errno
import re
import ssl
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from gevent.pywsgi import WSGIHandler

from ..concurrency.fairness import Turns
from ..io.sockets import below
from .body import RequestBody
from .errors import RequestError
from .server import HTTPServer

HeaderList = list[tuple[str, str]]

#: Bytes of an answer of which a client has to take some in `send_timeout`.
SENT_AT_ONCE = 65536


#: A final answer. What follows an interim one (1xx) would be taken for the final one,
#: and after a 101 a proxy passes on whatever follows.
_STATUS = re.compile(r"[2-9][0-9]{2}(?: [\t -~\x80-\xff]*)?")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_LENGTH = re.compile(r"[0-9]{1,19}")

#: Statuses of answers without a body (RFC 9110, 6.4.1).
_BODILESS = (204, 304)

#: What says where an answer ends.
_ENDS = ("content-length", "transfer-encoding")


class ApplicationError(Exception):
    """An application raised an :class:`OSError`, which is the cause of this.

    pywsgi takes some of them for the client's leaving, and fails where one is empty.
    """


class HTTPOutput(WSGIHandler):
    """The part of the handler that answers."""

    # pywsgi's annotation is its own server.
    server: HTTPServer  # type: ignore[assignment]
    wsgi_input: RequestBody  # type: ignore[assignment]
    #: Makes a client that sends many requests at once, or is sent many pieces of an
    #: answer, give way to others.
    _turns: Turns
    #: What is being put together to leave in one piece.
    _gathered: bytearray | None = None
    #: Whether the client has gone while it was answered.
    lost = False
    #: Bytes of the body that the answer's Content-Length still promises.
    _promised: int | None = None

    def __init__(self, sock: Any, address: Any, server: HTTPServer) -> None:
        super().__init__(sock, address, server)  # type: ignore[arg-type]
        self._below = below(sock)

    def start_response(
        self, status: str, headers: HeaderList, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if self.server.stopping:
            self.close_connection = True
        status = _checked_status(status)
        if check_headers(headers):
            headers = _with_one_end(headers, int(status[:3]) in _BODILESS)
            self.close_connection |= _closes(headers)
        return super().start_response(status, headers, exc_info)

    def write(self, data: bytes) -> None:
        if self.headers_sent:
            # A client that reads as fast as the application writes makes no write wait.
            self._turns.check()
        # pywsgi raises where an answer that has no body is given one.
        super().write(b"" if self.code in _BODILESS else data)

    def run_application(self) -> None:
        try:
            super().run_application()
        except OSError as error:
            if self.lost or isinstance(error, RequestError):
                raise
            raise ApplicationError from error

    def finalize_headers(self) -> None:
        """Complete the headers of the answer, so that its end is known."""
        result, self.result = self.result, None
        self._measure(result)
        try:
            super().finalize_headers()
        finally:
            self.result = result
        body = self.wsgi_input
        body.withhold_continue()
        if body.abandoned:
            self.close_connection = True
        bodiless = self.command == "HEAD" or self.code in _BODILESS
        length = self.provided_content_length
        self._promised = None
        if self.command == "HEAD":
            self.response_use_chunked = False
        elif length is not None and not bodiless:
            self._promised = int(length)
        elif not (bodiless or self.response_use_chunked):
            # To HTTP/1.0 the end of a body is told by that of the connection.
            self.close_connection = True
        if self.close_connection:
            # pywsgi closes without a word, and a client that keeps its connections
            # would see its next request fail.
            self._say_close()

    def _measure(self, result: Any) -> None:
        """State the length of an answer that is all there.

        pywsgi does so for whatever has a ``__len__``, and reads it for that: of what
        can be read once, or differs the next time, the rest would be cut off or missed.
        """
        if (
            self.provided_content_length is None
            and self.code not in _BODILESS
            and isinstance(result, (list, tuple))
        ):
            length = str(sum(map(len, result)))
            headers: list[Any] = self.response_headers or []
            headers.append((b"Content-Length", length.encode()))
            self.response_headers = headers
            self.provided_content_length = length

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
        if not (self.status or self.lost or self.rfile is None):
            # The client would take the next answer for the one that it waits for.
            raise AssertionError("The application did not call start_response()")
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
        except BaseException:
            # What could not be put together has not begun: an error can be answered.
            self.headers_sent = self.response_length > 0
            self.response_use_chunked = False
            raise
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
        self.socket.settimeout(self.server.settings.send_timeout)
        try:
            for at in range(0, len(data), SENT_AT_ONCE):
                part = data[at : at + SENT_AT_ONCE]
                self.socket.sendall(part)
                self.response_length += len(part)
        except (ssl.SSLError, TimeoutError) as error:
            # pywsgi knows one way in which a client leaves while it is answered.
            self.lost = True
            raise ConnectionResetError(errno.ECONNRESET, str(error)) from error
        except OSError:
            self.lost = True
            raise
        finally:
            self.socket.settimeout(None)


@lru_cache(maxsize=256)
def _checked_status(status: str) -> str:
    """A status line, whose reason may be empty but not left out (RFC 9112, 4).

    :raises ValueError: when it is none of a final answer.
    """
    if not _STATUS.fullmatch(status):
        raise ValueError(f"the status {status!r} is none of an answer")
    return status if len(status) > 3 else f"{status} "


def check_headers(headers: Iterable[tuple[str, str]]) -> bool:
    """Make sure that each header of an application is one, and says no more.

    :returns: whether there are some that concern the connection.
    :raises ValueError: when it would end early, or be read in different ways.
    """
    found = False
    for name, value in headers:
        found |= _concerns_connection(name)
        # A value that is no text is left to whoever sends it.
        if isinstance(value, str) and not (
            (value.isascii() and value.isprintable()) or _VALUE.fullmatch(value)
        ):
            raise ValueError(f"the header {name} cannot be {value!r}")
    return found


@lru_cache(maxsize=256)
def _concerns_connection(name: object) -> bool:
    """Whether a header says where the answer ends, or the connection."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header")
    return name.lower() in (*_ENDS, "connection")


def _with_one_end(headers: HeaderList, bodiless: bool) -> HeaderList:
    """An application's headers, but what of them says where the answer ends.

    A length stays where it is one, and the only one. An answer with two, or in chunks
    that are none, would end elsewhere for a proxy, and begin the next one there.
    """
    lengths = {value for name, value in headers if name.lower() == "content-length"}
    kept = [each for each in headers if each[0].lower() not in _ENDS]
    if len(lengths) == 1 and not bodiless:
        length = lengths.pop()
        if isinstance(length, str) and _LENGTH.fullmatch(length):
            kept.append(("Content-Length", length))
    return kept


def _closes(headers: HeaderList) -> bool:
    """Whether an application ends the connection."""
    return any(
        name.lower() == "connection" and "close" in value.lower()
        for name, value in headers
    )
