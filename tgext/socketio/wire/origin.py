"""Origins (RFC 6454), as browsers send them and as options list them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from ipaddress import IPv6Address
from typing import NamedTuple

#: Any page may connect.
ANY = "*"

#: The origin of a page that hides it (RFC 6454, section 7.3).
OPAQUE = "null"

#: Some clients send the scheme of the WebSocket instead of the page's.
_SAME_SCHEME = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS = {"http": 80, "https": 443}

#: Characters of the longest origin: a host name has 253 at most (RFC 1035, 2.3.4).
_LONGEST = 300

_SCHEME = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?(.*)", re.DOTALL)
_NAME = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?"
_AUTHORITY = re.compile(rf"(\[[0-9a-f:.]+\]|{_NAME})(?::([0-9]{{0,5}}))?")

_KNOWN_SCHEMES = ("http", "https", "ws", "wss", "file")
_FORM = (
    "an origin is a scheme, a host and perhaps a port, such as https://example.org, "
    "https://example.org:8443 or https://*.example.org"
)


def bracketed(host: str) -> str:
    """A host as URLs have it: an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def join_port(host: str, port: int) -> str:
    """A host and its port as URLs have them: ``[::1]:8080``."""
    return f"{bracketed(host)}:{port}"


class Origin(NamedTuple):
    """A normalised origin: two that compare equal are the same origin."""

    #: ``ws`` and ``wss`` are ``http`` and ``https``.
    scheme: str
    #: In lower case, without the dot that may end it.
    host: str
    #: By default the port of the scheme; 0 for a scheme without a default port.
    port: int


def parse_origin(text: str) -> Origin | None:
    """Read an ``Origin`` header; None when it has no host, as ``null``.

    ``file://`` is an origin with an empty host.
    """
    return None if len(text) > _LONGEST else _parse(text)


@lru_cache(maxsize=256)
def _parse(text: str) -> Origin | None:
    match = _SCHEME.fullmatch(text.lower())
    if match is None or match[1] is None or not text.isascii():
        return None
    scheme = _SAME_SCHEME.get(match[1], match[1])
    if scheme == "file" and not match[2]:
        return Origin(scheme, "", 0)
    return parse_authority(match[2], scheme)


def parse_authority(text: str, scheme: str) -> Origin | None:
    """The origin of a host's pages, from a ``Host`` header (RFC 3986, section 3.2).

    :param scheme: the scheme of the pages, which has the default port.
    :returns: None when ``text`` is not a host with an optional port.
    """
    match = _AUTHORITY.fullmatch(text.lower()) if len(text) <= _LONGEST else None
    if match is None or not text.isascii():
        return None
    host, digits = match.groups()
    if host.startswith("["):
        try:
            host = f"[{IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    else:
        host = host.removesuffix(".")
    port = int(digits) if digits else _DEFAULT_PORTS.get(scheme, 0)
    if port > 65535:
        return None
    return Origin(scheme, host, port)


class Origins:
    """A list of allowed origins.

    :param values: origins such as ``https://example.org``; ``https://*.example.org``
        for all hosts below that one, without the host itself; ``null``; ``*``.
    :param option: the name of the option, for error messages.
    :raises ValueError: when a value matches no page; the message names the option and
        the value.

    :ivar any: whether every page is allowed.
    :ivar opaque: whether pages that hide their origin are allowed.
    """

    def __init__(self, values: Iterable[str], option: str = "allowed_origins") -> None:
        self.values = tuple(values)
        self.option = option
        self.any = ANY in self.values
        self.opaque = OPAQUE in self.values
        self._exact: set[Origin] = set()
        self._below: set[Origin] = set()
        for value in self.values:
            if value not in (ANY, OPAQUE):
                self._add(value)

    def _add(self, value: str) -> None:
        try:
            scheme, rest = _split(value)
            below = rest.startswith("*.")
            origin = parse_origin(f"{scheme}://{rest.removeprefix('*.')}")
            if origin is None or (below and origin.host.startswith("[")):
                raise ValueError(f"is not an origin: {_FORM}")
        except ValueError as error:
            raise ValueError(f"{self.option}: {value!r} {error}") from None
        (self._below if below else self._exact).add(origin)

    def __repr__(self) -> str:
        return f"Origins({list(self.values)!r})"

    def lists(self, text: str) -> bool:
        """Whether an origin is listed itself, or a host above it with ``*.``."""
        origin = parse_origin(text)
        if origin is None:
            return False
        if origin in self._exact:
            return True
        if not self._below:
            return False
        scheme, host, port = origin
        while "." in host:
            host = host.partition(".")[2]
            if (scheme, host, port) in self._below:
                return True
        return False


def _split(value: str) -> tuple[str, str]:
    """The scheme of an option's value, and the rest without a trailing slash."""
    scheme, separator, rest = value.lower().partition("://")
    if not separator:
        raise ValueError(f"has no scheme: {_FORM}")
    close = get_close_matches(scheme, _KNOWN_SCHEMES, 1, 0.75)
    if close and scheme not in _KNOWN_SCHEMES:
        raise ValueError(f"has an unknown scheme; did you mean {close[0]}://?")
    return scheme, rest.removesuffix("/")
