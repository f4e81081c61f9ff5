"""Forms that are posted to pages: parsed in turns, and within limits.

An application parses a form in one go. Python needs a second for each megabyte of many
small fields or lines, in which nobody else would be served.
"""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, NoReturn

from ...wire.limits import MAX_PART_HEADERS
from ..concurrency.fairness import Turns, in_turns
from .body import PIECE, RequestBody
from .errors import CONTENT_TOO_LARGE, RequestError

#: Bytes that the parser reads of a part at once, if it need not have all of it.
_AT_ONCE = 8192

_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


def asks_with_form(environ: dict[str, Any]) -> bool:
    """Whether WebOb would parse the body of a request as a form."""
    return _kind(environ) in (_URLENCODED, _MULTIPART)


def _kind(environ: dict[str, Any]) -> str:
    given: str | None = environ.get("CONTENT_TYPE")
    if given:
        return given.partition(";")[0].strip().lower()
    return _URLENCODED if environ["REQUEST_METHOD"] == "POST" else ""


class FormBody:
    """The body of a form, as a ``wsgi.input`` that can be read again.

    It is stored as a whole when it is first read: in memory while it is small.

    :param body: the body.
    :param fields: fields of the form, at most.
    :param size: bytes of a form that is not in parts, at most. Its fields are decoded
        in one go.

    A parser of forms in parts (``cgi``, which WebOb uses) asks for lines of any length
    while it reads the headers of a part, and else names a size. That tells the two
    apart also in parts that have parts themselves.
    """

    def __init__(self, body: RequestBody, fields: int, size: int) -> None:
        self._body = body
        self._most_fields = fields
        self._most_bytes = size
        self._in_parts = False
        #: Is told the length, which parsers need; None if it has it.
        self._environ: dict[str, Any] | None = None
        self._file: SpooledTemporaryFile[bytes] | None = None
        self._turns = Turns()
        self._parts = 0
        #: Bytes of the headers of the part that is being read; 0 in its content.
        self._headers = 0

    def take_place(self, environ: dict[str, Any]) -> None:
        """Be the ``wsgi.input`` of a request."""
        self._in_parts = _kind(environ) == _MULTIPART
        if "CONTENT_LENGTH" not in environ:
            self._environ = environ
        environ["wsgi.input"] = self
        # WebOb would make a copy otherwise, and parse that.
        environ["webob.is_body_seekable"] = True

    # Limits

    def _refuse(self, reason: str) -> NoReturn:
        self._body.refuse(RequestError(reason, CONTENT_TOO_LARGE))

    def _check(self, size: int, separators: int) -> None:
        """Check a form that is not in parts."""
        if size > self._most_bytes:
            self._refuse("the form is larger than max_message_size")
        if separators >= self._most_fields:
            self._refuse_fields()

    def _refuse_fields(self) -> NoReturn:
        self._refuse(f"the form has more than {self._most_fields} (max_form_fields)")

    @property
    def _stored(self) -> SpooledTemporaryFile[bytes]:
        if self._file is None:
            stored = SpooledTemporaryFile[bytes](PIECE)
            environ, self._environ = self._environ, None
            size = fields = 0
            for piece in in_turns(iter(lambda: self._body.read(PIECE), b"")):
                stored.write(piece)
                size += len(piece)
                if not self._in_parts:
                    fields += piece.count(b"&")
                    self._check(size, fields)
            if environ is not None:
                environ["CONTENT_LENGTH"] = str(size)
            stored.seek(0)
            self._file = stored
        return self._file

    # Reading

    def read(self, size: int | None = -1) -> bytes:
        """Read ``size`` bytes, or all; fewer at the end.

        :raises RequestError: when the body is invalid, or a limit is exceeded.
        """
        self._turns.check()
        data = self._stored.read(-1 if size is None else size)
        if self._headers and len(data) > _AT_ONCE:
            # The content of a part, which says that it is a form, too.
            self._check(len(data), data.count(b"&"))
        self._headers = 0
        return data

    def readline(self, size: int | None = -1) -> bytes:
        """Read up to the end of a line, ``size`` bytes at most.

        :raises RequestError: when the body is invalid, or a limit is exceeded.
        """
        self._turns.check()
        line = self._stored.readline(-1 if size is None else size)
        if size is not None and size >= 0:
            self._headers = 0
        elif self._in_parts:
            self._count(line)
        return line

    def _count(self, line: bytes) -> None:
        """Count a line of the headers of a part."""
        if not self._headers:
            self._parts += 1
            if self._parts > self._most_fields:
                self._refuse_fields()
        self._headers += len(line)
        if self._headers > MAX_PART_HEADERS:
            reason = f"a part has more than {MAX_PART_HEADERS} bytes of headers"
            self._refuse(reason)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """The remaining lines; ``hint`` is ignored."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return in_turns(self._stored)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Read from another place on, as of a file."""
        return self._stored.seek(offset, whence)

    def tell(self) -> int:
        """The place that is read next."""
        return self._stored.tell()
