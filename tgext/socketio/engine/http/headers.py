"""The head of a request: its first line and its fields (RFC 9112, sections 2 to 6).

A proxy in front parses the same bytes. If the two could disagree about what is
requested, or about where the request ends, a client could receive the answer to another
client's request. So everything that the grammar does not allow is refused, also where
most servers are lenient.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from ...wire.limits import MAX_HEADERS, MAX_SEGMENTS
from .errors import (
    EXPECTATION,
    NOT_IMPLEMENTED,
    TOO_LARGE,
    TOO_LONG,
    VERSION,
    RequestError,
)

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_LINE = rf"({_NAME}) ([!-~]+) HTTP/([0-9]\.[0-9])\r\n"
_FIELD = rf"{_NAME}:[\t -~\x80-\xff]*\r\n"

_HEAD = re.compile(rf"{_LINE}((?:{_FIELD})*)\r\n")
_REQUEST_LINE = re.compile(_LINE)
#: Splits the fields of a head that :data:`_HEAD` matches.
_SPLIT = re.compile(r"([^:]+):([^\r]*)\r\n")

#: One field line, for the trailer of a chunked body.
FIELD = re.compile(_FIELD.encode("latin-1"))

#: A host and its port (RFC 9110, section 7.2; RFC 3986, section 3.2.2). Host names with
#: ``_`` are common in internal networks.
_HOST = re.compile(r"(?:[0-9A-Za-z._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")

#: A target with scheme and host (RFC 9112, section 3.2.2).
_ABSOLUTE = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://([^/?]*)(.*)")

#: Longer numbers are not lengths of bodies.
_LENGTH = re.compile(r"[0-9]{1,19}")

#: Fields that may occur once. If there were two, parsers would use different ones.
_SINGLE = {
    "CONTENT_LENGTH": "Content-Length",
    "HTTP_HOST": "Host",
    "HTTP_TRANSFER_ENCODING": "Transfer-Encoding",
}


class Head:
    """The head of a request, parsed.

    :ivar method: the method.
    :ivar target: the request target as the client wrote it.
    :ivar version: ``HTTP/1.0`` or ``HTTP/1.1``.
    :ivar path: the path as in WSGI: percent-decoded, its bytes as Latin-1; or ``*``.
    :ivar query: the text after the ``?``.
    :ivar variables: the fields as variables of a WSGI environment.
    :ivar length: bytes of the body; None when it is chunked.
    :ivar keep_alive: whether another request may follow.
    :ivar upgrades: whether a proxy could see a WebSocket handshake in it, valid or not;
        no other request follows then.
    :ivar expects: whether the client waits for a 100 (Continue) before it sends the
        body.
    """

    __slots__ = (
        "expects",
        "keep_alive",
        "length",
        "method",
        "path",
        "query",
        "target",
        "upgrades",
        "variables",
        "version",
    )

    def __init__(
        self, method: str, target: str, version: str, variables: dict[str, str]
    ) -> None:
        self.method = method
        self.target = target
        self.version = f"HTTP/{version}"
        self.variables = variables
        newer = version == "1.1"
        host = variables.get("HTTP_HOST")
        if host is None:
            if newer:
                raise RequestError("Host is missing")
        elif not _HOST.fullmatch(host):
            raise RequestError("Host is invalid")
        if method == "CONNECT":
            # If it succeeded, a proxy would pass on any bytes that follow (RFC 9110,
            # section 9.3.6).
            raise RequestError("this is not a proxy", NOT_IMPLEMENTED)
        self.path, self.query = self._split_target(target)
        self.length = _length(variables, newer)
        connection = variables.get("HTTP_CONNECTION")
        if connection is None:
            self.keep_alive = newer
        else:
            options = _options(connection)
            self.keep_alive = "close" not in options and (
                newer or "keep-alive" in options
            )
        upgrade = variables.get("HTTP_UPGRADE")
        self.upgrades = upgrade is not None and "websocket" in _options(upgrade)
        if self.upgrades:
            # A proxy may look only at this field, and pass on all that follows
            # unchecked.
            self.keep_alive = False
        self.expects = newer and "HTTP_EXPECT" in variables and self._expects()

    def _split_target(self, target: str) -> tuple[str, str]:
        if "#" in target:
            raise RequestError("the request target is invalid")
        if target[0] != "/":
            if target == "*" and self.method == "OPTIONS":
                return "*", ""
            target = self._without_host(target)
        path, _, query = target.partition("?")
        if "%" in path:
            decoded = unquote_to_bytes(path)
            try:
                decoded.decode()
            except UnicodeDecodeError:
                raise RequestError("the path is not UTF-8") from None
            path = decoded.decode("latin-1")
        if path.count("/") > MAX_SEGMENTS:
            text = f"the path has more than {MAX_SEGMENTS} segments"
            raise RequestError(text, TOO_LONG)
        return path, query

    def _without_host(self, target: str) -> str:
        """The path and query of an absolute target. Its host replaces the Host field
        (RFC 9112, section 3.2.2).
        """
        match = _ABSOLUTE.fullmatch(target)
        if match is None or not _HOST.fullmatch(match[1]):
            raise RequestError("the request target is invalid")
        self.variables["HTTP_HOST"] = match[1]
        return match[2] if match[2].startswith("/") else f"/{match[2]}"

    def _expects(self) -> bool:
        expected = self.variables["HTTP_EXPECT"].lower().split(",")
        if {each.strip(" \t") for each in expected} != {"100-continue"}:
            raise RequestError("Expect is not 100-continue", EXPECTATION)
        return self.length != 0


def _length(variables: dict[str, str], newer: bool) -> int | None:
    """Bytes of the body; None when it is chunked (RFC 9112, section 6.3)."""
    length = variables.get("CONTENT_LENGTH")
    coding = variables.get("HTTP_TRANSFER_ENCODING")
    if coding is None:
        if length is None:
            return 0
        if not _LENGTH.fullmatch(length):
            raise RequestError("Content-Length is invalid")
        return int(length)
    if length is not None:
        raise RequestError("there are both Content-Length and Transfer-Encoding")
    if not newer:
        raise RequestError("HTTP/1.0 has no Transfer-Encoding")
    if coding.lower() != "chunked":
        raise RequestError("Transfer-Encoding is not chunked")
    return None


def _options(value: str) -> list[str]:
    """The members of a list field, in lower case."""
    return [each.strip(" \t") for each in value.lower().split(",")]


def _variable(name: str) -> str:
    """The name of a field in WSGI; empty when it contains an underscore.

    In WSGI, ``X_User`` and ``X-User`` have one name. With the first, a client could
    replace a field that a proxy sets or checks.
    """
    if "_" in name:
        return ""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


#: The most names that are cached, and the most characters of one: the cache stays
#: small.
KNOWN = 512
SHORT = 40
_known_variable = lru_cache(maxsize=KNOWN)(_variable)


def parse_head(data: bytes | bytearray) -> Head:
    """Read the head of a request.

    :param data: the whole head, with the empty line at its end.
    :raises RequestError: when it is invalid.
    """
    text = data.decode("latin-1")
    if text.startswith("\r\n"):
        text = text[2:]  # some clients end a body with it (RFC 9112, section 2.2)
    match = _HEAD.fullmatch(text)
    if match is None:
        raise _explain(text)
    method, target, version, fields = match.groups()
    _check_version(version)
    found = _SPLIT.findall(fields)
    if len(found) > MAX_HEADERS:
        raise RequestError(f"there are more than {MAX_HEADERS} headers", TOO_LARGE)
    variables: dict[str, str] = {}
    for name, value in found:
        key = _known_variable(name) if len(name) <= SHORT else _variable(name)
        if key in variables:
            _repeat(variables, key, value.strip(" \t"))
        else:
            variables[key] = value.strip(" \t")
    variables.pop("", None)
    return Head(method, target, version, variables)


def _repeat(variables: dict[str, str], key: str, value: str) -> None:
    if key in _SINGLE:
        raise RequestError(f"there is more than one {_SINGLE[key]}")
    # The first of two Content-Type fields is used.
    if key and key != "CONTENT_TYPE":
        separator = "; " if key == "HTTP_COOKIE" else ","
        variables[key] += separator + value


def _check_version(version: str) -> None:
    if version == "1.1" or version == "1.0":
        return
    if version[0] == "0":
        raise RequestError("the HTTP version is invalid")
    raise RequestError("only HTTP/1.0 and HTTP/1.1 are supported", VERSION)


def check_request_line(data: bytes | bytearray) -> None:
    """Check the request line, before the rest of the head has come.

    :param data: bytes that begin with the line.
    :raises RequestError: when it is invalid.
    """
    text = data.decode("latin-1").removeprefix("\r\n")
    match = _REQUEST_LINE.match(text)
    if match is None:
        raise RequestError("the request line is invalid")
    _check_version(match[3])


def _explain(text: str) -> RequestError:
    """Why :data:`_HEAD` does not match."""
    if not _REQUEST_LINE.match(text):
        return RequestError("the request line is invalid")
    return RequestError("a header is invalid")
