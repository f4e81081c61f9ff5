"""Bodies of requests, read up to their end and not beyond it.

Only ``Content-Length`` or the chunked coding tells where a body ends (RFC 9112,
sections 6.3 and 7.1), regardless of ``Connection`` and ``Upgrade``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from io import BufferedReader, BytesIO
from typing import NoReturn

import gevent

from ..io.reader import InputTimeout
from .errors import TIMEOUT, BodyEnded, RequestError
from .headers import FIELD, Head

#: Bytes that are read at once. Python allocates the memory before it reads.
PIECE = 65536

#: More bytes than any body has.
_EVERYTHING = 1 << 63

#: The most bytes of an unread body that are discarded to reach the next request. If
#: there are more, the connection is closed.
DRAINED = 1_000_000

#: The most bytes of the line before a chunk; and of all these lines together, minus the
#: bytes of the chunks' data (RFC 9112, section 7.1.1: "ought to limit").
CHUNK_LINE, EXTENSIONS = 4096, 16384
#: Bytes of each such line that are not counted.
_CHUNK_COST = 16

#: The most bytes of all trailer fields together.
TRAILER = 16384

#: Fields that are not allowed in a trailer, since they frame the message or route it
#: (RFC 9110, section 6.5.1).
_NO_TRAILERS = {b"content-length", b"host", b"transfer-encoding"}

_NAME = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_EXTENSION = rb";[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?" % (_NAME, _NAME, _QUOTED)
#: The grammar also allows space before the first extension. It is refused here: no
#: client sends it, and other parsers refuse it.
_CHUNK = re.compile(
    rb"([0-9A-Fa-f]{1,16})(?:%b(?:[ \t]*%b)*)?\r\n" % (_EXTENSION, _EXTENSION)
)


class RequestBody(ABC):
    """The body of a request, as ``wsgi.input``.

    :param source: the input of the connection.
    :param seconds: time in which the rest of the body is read after the answer.
    :param proceed: sends a 100 (Continue), if the client waits for it (RFC 9110,
        section 10.1.1).

    :ivar ended: whether the body was read to its end.
    :ivar error: why the body is invalid; None while it is valid.
    """

    __slots__ = ("_left", "_proceed", "_seconds", "_source", "_withheld", "error")

    ended: bool
    #: Bytes that are known to follow, of the body or of the chunk.
    _left: int

    def __init__(
        self,
        source: BufferedReader,
        seconds: float,
        proceed: Callable[[], object] | None = None,
    ) -> None:
        self._source: BufferedReader | None = source
        self._seconds = seconds
        self._proceed = proceed
        self._withheld = False
        self.error: RequestError | None = None

    @abstractmethod
    def _available(self, source: BufferedReader) -> int:
        """How many bytes are known to follow; 0 at the end."""

    @property
    def abandoned(self) -> bool:
        """Whether the rest will not be read, so that no request can follow."""
        if self.ended:
            return False
        return self._source is None or self._withheld or self._left > DRAINED

    def withhold_continue(self) -> None:
        """The request is being answered, so no 100 (Continue) is sent any more."""
        if self._proceed is not None:
            self._proceed = None
            self._withheld = True

    def abandon(self) -> None:
        """Do not read the rest; no request can follow."""
        self._withheld = True

    # Reading

    def read(self, size: int | None = -1) -> bytes:
        """Read ``size`` bytes, or all; fewer at the end.

        :raises OSError: when the connection fails, or no more comes in time.
        """
        left = _EVERYTHING if size is None or size < 0 else size
        if not left:
            return b""
        first = self._piece(min(left, PIECE))
        left -= len(first)
        if not first or not left or self.ended:
            return first
        # A list of small chunks would need many times their size.
        data = bytearray(first)
        while left and (piece := self._piece(min(left, PIECE))):
            data += piece
            left -= len(piece)
        return bytes(data)

    def readline(self, size: int | None = -1) -> bytes:
        """Read up to the end of a line, ``size`` bytes at most."""
        left = _EVERYTHING if size is None or size < 0 else size
        data = bytearray()
        while left and (piece := self._piece(min(left, PIECE), True)):
            data += piece
            left -= len(piece)
            if piece.endswith(b"\n"):
                break
        return bytes(data)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """The remaining lines; ``hint`` is ignored."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _piece(self, size: int, line: bool = False) -> bytes:
        """At most ``size`` bytes, as many as are available at once; none at the end."""
        if self.ended:
            return b""
        if self.error is not None:
            raise self.error
        # If reading is interrupted, as by a timeout of the application, bytes may be
        # lost. `_source` then stays None, so that no later read continues at a wrong
        # place.
        source, self._source = self._source, None
        if source is None:
            raise OSError("The body of the request cannot be read any more")
        try:
            if self._proceed is not None:
                proceed, self._proceed = self._proceed, None
                proceed()
            size = min(size, self._available(source))
            data = source.readline(size) if line else source.read(size)
            if len(data) < size and not (line and data.endswith(b"\n")):
                self._fail(BodyEnded())
        except InputTimeout:
            self._fail(RequestError("the body takes too long", TIMEOUT))
        except RequestError:
            raise
        except OSError:
            self._fail(BodyEnded())  # the connection failed
        self._left -= len(data)
        self._source = source
        return data

    def refuse(self, error: RequestError) -> NoReturn:
        """Read no more, and raise an error: the body is not acceptable."""
        self._withheld = True
        self._fail(error)

    def _fail(self, error: RequestError) -> NoReturn:
        self.error = error
        raise error from None

    # The end

    def discard(self) -> None:
        """Read and discard the rest after the answer, unless it is too long.

        If :attr:`ended` is false afterwards, no request can follow.
        """
        try:
            if not self.ended and not self.abandoned:
                with gevent.Timeout(self._seconds, False):  # type: ignore[arg-type]
                    self._drain()
        except OSError:
            pass
        finally:
            self._source = None

    #: pywsgi calls it by this name.
    _discard = discard

    def _drain(self) -> None:
        self._proceed = None
        room = DRAINED
        while room > 0 and (piece := self._piece(PIECE)):
            room -= len(piece)


class SizedBody(RequestBody):
    """A body with a ``Content-Length``.

    :param length: its bytes.
    """

    __slots__ = ()

    def __init__(
        self,
        source: BufferedReader,
        seconds: float,
        length: int,
        proceed: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(source, seconds, proceed)
        self._left = length

    @property
    def ended(self) -> bool:  # type: ignore[override]
        return not self._left

    def _available(self, source: BufferedReader) -> int:
        return self._left


class ChunkedBody(RequestBody):
    """A body in chunks (RFC 9112, section 7.1). Extensions and trailers are ignored."""

    __slots__ = ("_begun", "_overhead", "ended")

    def __init__(
        self,
        source: BufferedReader,
        seconds: float,
        proceed: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(source, seconds, proceed)
        self._left = 0
        self._begun = False
        self._overhead = 0
        self.ended = False

    def _available(self, source: BufferedReader) -> int:
        if not self._left:
            self._next_chunk(source)
        return self._left

    def _next_chunk(self, source: BufferedReader) -> None:
        if self._begun and source.read(2) != b"\r\n":
            self._fail(RequestError("a chunk is longer than its size"))
        self._begun = True
        line = source.readline(CHUNK_LINE)
        match = _CHUNK.fullmatch(line)
        if match is None:
            invalid = RequestError("the size of a chunk is invalid")
            self._fail(invalid if line.endswith(b"\n") else BodyEnded())
        size = int(match[1], 16)
        overhead = self._overhead + len(line) - size - _CHUNK_COST
        self._overhead = max(0, overhead)
        if overhead > EXTENSIONS:
            self._fail(RequestError("the extensions of chunks are too long"))
        if size:
            self._left = size
        else:
            self._read_trailer(source)
            self.ended = True

    def _read_trailer(self, source: BufferedReader) -> None:
        room = TRAILER
        while (line := source.readline(room)) != b"\r\n":
            room -= len(line)
            name = line.partition(b":")[0].lower()
            if room <= 0 or not FIELD.fullmatch(line) or name in _NO_TRAILERS:
                self._fail(RequestError("the trailer is invalid or too long"))


def no_body() -> RequestBody:
    """The body of a request that has none."""
    return SizedBody(BytesIO(), 0, 0)  # type: ignore[arg-type]


def body_of(
    head: Head,
    source: BufferedReader,
    seconds: float,
    say_continue: Callable[[], object],
) -> RequestBody:
    """The body of a request.

    :param source: the input of the connection, after the head.
    :param seconds: as for :class:`RequestBody`.
    :param say_continue: sends a 100 (Continue), for a client that waits for it.
    """
    proceed = say_continue if head.expects else None
    if head.length is None:
        return ChunkedBody(source, seconds, proceed)
    return SizedBody(source, seconds, head.length, proceed)
