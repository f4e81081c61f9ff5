"""HTTP answers: adds a definite end and a timeout for sending to those of pywsgi."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from gevent.pywsgi import WSGIHandler

from ..concurrency.fairness import Turns
from ..io.sending import SENT_AT_ONCE, send_in_pieces
from ..io.sockets import below
from .body import RequestBody
from .errors import RequestError
from .server import HTTPServer

HeaderList = list[tuple[str, str]]

#: The status of a final answer. After an interim one (1xx) the client waits for the
#: final one, and after a 101 a proxy passes on any bytes that follow.
_STATUS = re.compile(r"[2-9][0-9]{2}(?: [\t -~\x80-\xff]*)?")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_LENGTH = re.compile(r"[0-9]{1,19}")

#: Statuses of answers without a body (RFC 9110, section 6.4.1).
BODILESS = (204, 304)

#: Headers that tell where an answer ends.
_ENDS = ("content-length", "transfer-encoding")


class ApplicationError(Exception):
    """An application raised an :class:`OSError`, which is the cause of this.

    pywsgi would treat some of these as errors of the connection, and fails for one
    without arguments.
    """


class HTTPOutput(WSGIHandler):
    """The part of the handler that writes answers."""

    # pywsgi's annotation is its own server.
    server: HTTPServer  # type: ignore[assignment]
    wsgi_input: RequestBody  # type: ignore[assignment]
    #: Lets other greenlets run when the client pipelines requests, or when it reads an
    #: answer of many pieces.
    _turns: Turns
    #: The headers and the first bytes of the body, which are sent together.
    _gathered: bytearray | None = None
    #: Whether the client disconnected during the answer.
    lost = False
    #: Bytes of the body still to be sent, by the answer's Content-Length.
    _promised: int | None = None

    def __init__(self, sock: Any, address: Any, server: HTTPServer) -> None:
        super().__init__(sock, address, server)  # type: ignore[arg-type]
        self._below = below(sock)

    def start_response(
        self, status: str, headers: HeaderList, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if not self.server.keeps_connections:
            self.close_connection = True
        status = checked_status(status)
        if check_headers(headers):
            headers = with_one_end(headers, int(status[:3]) in BODILESS)
            self.close_connection |= closes(headers)
        return super().start_response(status, headers, exc_info)

    def write(self, data: bytes) -> None:
        if self.headers_sent:
            # If the client reads fast, no write waits, and other greenlets would not
            # run.
            self._turns.check()
        # pywsgi raises an error for a body that must not be sent.
        super().write(b"" if self.code in BODILESS else data)

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
        bodiless = self.command == "HEAD" or self.code in BODILESS
        length = self.provided_content_length
        self._promised = None
        if self.command == "HEAD":
            self.response_use_chunked = False
        elif length is not None and not bodiless:
            self._promised = int(length)
        elif not (bodiless or self.response_use_chunked):
            # For HTTP/1.0, the end of the connection is the end of the body.
            self.close_connection = True
        if self.close_connection:
            # pywsgi would close without `Connection: close`, and the next request of a
            # client that keeps connections would fail.
            self._say_close()

    def _measure(self, result: Any) -> None:
        """Set the length of an answer that is a list or a tuple.

        pywsgi does that for everything with a ``__len__``, by iterating over it; an
        iterable that can be read only once would then be incomplete.
        """
        if (
            self.provided_content_length is None
            and self.code not in BODILESS
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
            # The client would read the next answer as this one.
            raise AssertionError("The application did not call start_response()")
        if self._promised:
            # The client would read the next answer as the rest of this one.
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
            # Nothing was sent yet, so an error can still be answered.
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
            sent = 0  # sending the rest raises the error again
        self.response_length += sent
        if sent < len(data):
            self._send_in_time(memoryview(data)[sent:])

    def _send_in_time(self, data: memoryview) -> None:
        seconds = self.server.settings.send_timeout
        try:
            for count in send_in_pieces(self.socket, data, seconds):
                self.response_length += count
        except OSError:
            self.lost = True
            raise


@lru_cache(maxsize=256)
def checked_status(status: str) -> str:
    """A status line. Its reason may be empty, its space is required (RFC 9112, section
    4).

    :raises ValueError: when it is not the status of a final answer.
    """
    if not _STATUS.fullmatch(status):
        raise ValueError(f"the status {status!r} is not valid for a final answer")
    return status if len(status) > 3 else f"{status} "


def check_headers(headers: Iterable[tuple[str, str]]) -> bool:
    """Check the headers of an application.

    :returns: whether some of them concern the connection.
    :raises ValueError: when a name or a value has characters that are not allowed,
        which could end the header early (RFC 9110, sections 5.1 and 5.5).
    """
    found = False
    for name, value in headers:
        found |= _concerns_connection(name)
        # pywsgi reports values that are not text.
        if isinstance(value, str) and not (
            (value.isascii() and value.isprintable()) or _VALUE.fullmatch(value)
        ):
            raise ValueError(f"the header {name} has an invalid value: {value!r}")
    return found


@lru_cache(maxsize=256)
def _concerns_connection(name: object) -> bool:
    """Whether a header tells where the answer or the connection ends."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a valid name of a header")
    return name.lower() in (*_ENDS, "connection")


def with_one_end(headers: HeaderList, bodiless: bool) -> HeaderList:
    """An application's headers, without those that give the answer an ambiguous end.

    A length is kept if it is valid and the only one. For an answer with two lengths, or
    with a coding that it does not have, a proxy could see another end, and read what
    follows as the next answer (RFC 9112, sections 6.3 and 11.1).
    """
    lengths = {value for name, value in headers if name.lower() == "content-length"}
    kept = [each for each in headers if each[0].lower() not in _ENDS]
    if len(lengths) == 1 and not bodiless:
        length = lengths.pop()
        if isinstance(length, str) and _LENGTH.fullmatch(length):
            kept.append(("Content-Length", length))
    return kept


def closes(headers: HeaderList) -> bool:
    """Whether an application asks to close the connection."""
    return any(
        name.lower() == "connection" and "close" in value.lower()
        for name, value in headers
    )
