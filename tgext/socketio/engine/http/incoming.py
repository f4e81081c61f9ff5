"""What follows the head of a request: its body, and the next requests."""

from __future__ import annotations

from functools import partial
from io import BufferedReader
from typing import Any

from ..io.reader import buffered_input
from .answers import say_continue
from .body import RequestBody, body_of
from .headers import Head
from .lingering import has_more, linger, read_ahead
from .server import HTTPSettings


class Incoming:
    """The rest of a request, most of which has come with its head as a rule.

    :param sock: the gevent socket.
    :param head: the head of the request.
    :param rest: the bytes that were read after it.

    :ivar rest: as given; when the body has ended, the bytes that follow it.
    :ivar ended: whether the body has been read to its end.
    """

    __slots__ = ("_body", "_head", "_settings", "_sock", "_source", "ended", "rest")

    def __init__(
        self, sock: Any, head: Head, rest: bytes, settings: HTTPSettings
    ) -> None:
        self._sock = sock
        self._head = head
        self._settings = settings
        self._body: RequestBody | None = None
        self._source: BufferedReader | None = None
        self.rest = rest
        self.ended = head.length == 0

    @property
    def body(self) -> RequestBody:
        """The body, which is read from the connection."""
        if self._body is None:
            settings = self._settings
            proceed = partial(say_continue, self._sock, settings.send_timeout)
            source = self._input()
            self._body = body_of(self._head, source, settings.body_timeout, proceed)
        return self._body

    def _input(self) -> BufferedReader:
        if self._source is None:
            seconds = self._settings.body_timeout
            self._source = buffered_input(self._sock, seconds, self.rest)
        return self._source

    def take(self) -> bytes | None:
        """The body, if all of it has come with the head; else None."""
        length = self._head.length
        if self._body is not None or length is None or length > len(self.rest):
            return None
        data, self.rest = self.rest[:length], self.rest[length:]
        self.ended = True
        return data

    def close_after_answer(self) -> bool:
        """The request is about to be answered.

        :returns: whether no other can follow, because its body will not be read.
        """
        if self.ended:
            return False
        self.body.withhold_continue()
        return self.body.abandoned

    def discard(self) -> None:
        """Read the rest of the body after the answer, unless it is too long."""
        if not self.ended:
            body = self.body
            body.discard()
            self.ended = body.ended
            self.rest = read_ahead(self._sock, self._input()) if body.ended else b""

    def linger(self) -> None:
        """Let the client receive the last answer, though it still sends."""
        source = self._input()
        if not self.ended or self._head.upgrades or has_more(self._sock, source):
            linger(self._sock, source, self._settings.body_timeout)
