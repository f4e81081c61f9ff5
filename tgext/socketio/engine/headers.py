"""The header fields of a request (RFC 9110, section 5; RFC 9112, section 5).

pywsgi has them parsed as those of a mail, which took a fifth of a polling request, and
forgives what a proxy in front may read in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from ..wire.limits import MAX_HEADER_LINE, MAX_HEADERS

#: A name, which nothing separates from its colon, and a value.
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~\w-]+):([^\0\r\n]*)\r?\n")

#: What cannot be said twice.
_SINGLE = ("content-length", "host", "transfer-encoding")


class BadHeaders(ValueError):
    """A request whose headers nobody should guess at."""


class Headers:
    """What pywsgi asks of headers; of a name that comes twice it asks for the first.

    :param fields: names and values.
    """

    __slots__ = ("_values", "fields")

    #: What is wrong with them, where pywsgi is told so late.
    status = ""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.fields = fields
        self._values: dict[str, str] = {}
        for name, value in fields:
            self._values.setdefault(name.lower(), value)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of a field, whose name may be in any case."""
        return self._values.get(name.lower(), default)

    getheader = get

    def __delitem__(self, name: str) -> None:
        del self._values[name.lower()]

    @property
    def typeheader(self) -> str | None:
        """The media type of the body."""
        return self._values.get("content-type")

    def variables(self) -> Iterator[tuple[str, str]]:
        """The fields as WSGI has them; the body's type and length are not among them.

        Nor are names with an underscore, which could pass for others.
        """
        for name, value in self.fields:
            if "_" not in name:
                key = name.upper().replace("-", "_")
                if key != "CONTENT_TYPE" and key != "CONTENT_LENGTH":
                    yield "HTTP_" + key, value


def read_headers(rfile: BinaryIO) -> Headers:
    """Read the header fields of a request, and the empty line after them.

    :raises BadHeaders: when they are none, or more than there may be.
    :raises OSError: when the connection fails, or no more comes in time.
    """
    fields: list[tuple[str, str]] = []
    while True:
        line = rfile.readline(MAX_HEADER_LINE + 1)
        if line == b"\r\n" or line == b"\n":
            break
        if len(line) > MAX_HEADER_LINE:
            raise BadHeaders(f"a header has more than {MAX_HEADER_LINE} bytes")
        if len(fields) == MAX_HEADERS:
            raise BadHeaders(f"there are more than {MAX_HEADERS} headers")
        field = _FIELD.fullmatch(line)
        if field is None:
            raise BadHeaders(f"this is no header: {line[:40]!r}")
        name, value = field.groups()
        fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    headers = Headers(fields)
    if len(headers._values) != len(fields):
        _check_single(fields)
    return headers


def _check_single(fields: list[tuple[str, str]]) -> None:
    """A proxy in front may believe the first of them, or the last."""
    names = [name.lower() for name, _ in fields]
    for name in _SINGLE:
        if names.count(name) > 1:
            raise BadHeaders(f"there is more than one {name}")
