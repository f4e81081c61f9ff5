"""Writes an answer, so that its end is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..concurrency.fairness import Turns
from ..io.sending import send_all
from .answers import head_of
from .headers import Head
from .output import (
    BODILESS,
    HeaderList,
    check_headers,
    checked_status,
    closes,
    with_one_end,
)

_CLOSE = ("Connection", "close")
#: An HTTP/1.0 client expects the end of the connection otherwise.
_KEEP = ("Connection", "keep-alive")


class AnswerWriter:
    """Writes the answer to one request.

    :param sock: a gevent socket.
    :param below: see :func:`.io.sockets.below`.
    :param head: the head of the request.
    :param seconds: in which the client has to read some of the answer.

    :ivar close: whether the connection ends with the answer; may be set before.
    :ivar status: the status line of the answer; "" before it is known.
    :ivar sent: the bytes that were sent of the body.
    """

    __slots__ = (
        "_below",
        "_head",
        "_headers",
        "_seconds",
        "_sock",
        "close",
        "sent",
        "status",
    )

    def __init__(self, sock: Any, below: Any, head: Head, seconds: float) -> None:
        self._sock = sock
        self._below = below
        self._head = head
        self._seconds = seconds
        self._headers: HeaderList = []
        self.close = not head.keep_alive
        self.status = ""
        self.sent = 0

    def start(self, status: str, headers: HeaderList) -> None:
        """Begin the answer; nothing is sent yet.

        :raises ValueError: when an application has given an invalid status or header.
        """
        if status[0] != "2":
            # It may be the application's, which refuses the client.
            status = checked_status(status)
            if check_headers(headers):
                self.close |= closes(headers)
                headers = [
                    each
                    for each in with_one_end(headers, bodiless=True)
                    if each[0].lower() != "connection"
                ]
        self.status, self._headers = status, headers

    def write(self, body: Iterable[bytes]) -> None:
        """Send the answer.

        :raises OSError: when the connection failed, or the client does not read.
        """
        if isinstance(body, (list, tuple)):
            self._write_whole(b"".join(body))
        else:
            self._write_pieces(body)

    def _write_whole(self, data: bytes) -> None:
        headers = self._headers
        if int(self.status[:3]) in BODILESS:
            data = b""
        else:
            headers.append(("Content-Length", str(len(data))))
        self._say_what_follows()
        if self._head.method == "HEAD":
            data = b""
        self._send(head_of(self.status, headers) + data)
        self.sent = len(data)

    def _write_pieces(self, body: Iterable[bytes]) -> None:
        """Write a body whose length is not known (RFC 9112, section 7.1)."""
        chunked = self._head.version == "HTTP/1.1"
        headers = self._headers
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        else:
            self.close = True
        self._say_what_follows()
        turns = Turns()
        begun = head_of(self.status, headers)
        for each in body:
            data = b"%x\r\n%b\r\n" % (len(each), each) if chunked else each
            self._send(begun + data)
            self.sent += len(each)
            begun = b""
            turns.check()
        self._send(begun + (b"0\r\n\r\n" if chunked else b""))

    def _say_what_follows(self) -> None:
        if self.close:
            self._headers.append(_CLOSE)
        elif self._head.version == "HTTP/1.0":
            self._headers.append(_KEEP)

    def _send(self, data: bytes) -> None:
        send_all(self._sock, self._below, data, self._seconds)
