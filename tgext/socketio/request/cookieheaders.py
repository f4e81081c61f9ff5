"""``Cookie`` and ``Set-Cookie`` headers, read as browsers read them (RFC 6265)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from email.utils import mktime_tz, parsedate_tz
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple

#: Maps the name of a cookie to its new value, or to None if the browser deletes it.
Changes = Mapping[str, str | None]


def read_cookies(header: str) -> dict[str, str]:
    """The cookies of a ``Cookie`` header: names, and values without any decoding."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, equals, value in pairs if equals}


def write_cookies(cookies: Changes) -> str:
    """The ``Cookie`` header that a browser sends with these cookies."""
    return "; ".join(
        f"{name}={value}" for name, value in cookies.items() if value is not None
    )


def plain(value: str) -> str:
    """A value as applications read it: ``http.cookies`` removes quotes and escapes."""
    return _PYTHON.value_decode(value)[0]


def plain_or_none(value: str | None) -> str | None:
    """As :func:`plain`; None, of a cookie that is deleted, stays None."""
    return None if value is None else plain(value)


_PYTHON = SimpleCookie()

#: A header as browsers send it, which all readers read alike. Python's needs much time.
_OF_BROWSERS = re.compile(
    r"""(?:[\w.-]+=("?)[\w!#%&'~`><@,:/$*+.^|)(?}{=\[\]-]*\1(?:;[ ]|$))*""", re.ASCII
)


def read_named(header: str, names: Iterable[str]) -> dict[str, str]:
    """The cookies of some names, each with its value as the header spells it.

    A header of a client may be one that browsers do not send. So the cookies are those
    that ``http.cookies`` reads, which repoze.who and beaker use.
    """
    wanted = [name for name in names if name in header]
    if not wanted:
        return {}
    values = read_cookies(header)
    if not _OF_BROWSERS.fullmatch(header):
        read = SimpleCookie()
        try:
            read.load(_readable(header))
        except CookieError:
            pass  # as repoze.who does: the cookies before the invalid one count
        values.update((name, read[name].coded_value) for name in wanted if name in read)
    return {name: values[name] for name in wanted if name in values}


#: The cookies that `http.cookies` reads, without its backtracking: for 60 KB of
#: `a=a=a=...` and a quote, that takes a minute.
_READABLE = re.compile(
    r"""(?:
    \s* [\w!\#%&'~`><@,:/$*+\-.^|)(?}{]+
    \s* (?: = \s* (?:
        "(?:[^\\"]|\\.)*"
        | \w{3},\s[\w\s-]{9,11}\s[\d:]{8}\sGMT
        | [\w!\#%&'~`><@,:/$*+\-.^|)(?}{=\[\]]*
    ))?
    \s* (?:\s+|;|$)
    )*""",
    re.ASCII | re.VERBOSE,
)


def _readable(header: str) -> str:
    """The beginning of a header, up to where `http.cookies` reads no more."""
    found = _READABLE.match(header)
    return found.group() if found else ""


def replace_cookie(header: str, name: str, value: str | None) -> str:
    """A ``Cookie`` header with another value of a cookie, or without it if None.

    The time does not depend on how many other cookies there are.
    """
    new = [] if value is None else [f"{name}={value}"]
    parts: list[str] = []
    end = 0
    for start, stop in _places(header, name):
        parts += [header[end:start], *new]
        new, end = [], stop
    parts += [header[end:], *new]
    kept = (part.strip("; \t") for part in parts)
    return "; ".join(part for part in kept if part)


def _places(header: str, name: str) -> Iterator[tuple[int, int]]:
    """Where a header has a cookie."""
    found = header.find(name)
    while found >= 0:
        start = header.rfind(";", 0, found) + 1
        stop = header.find(";", found)
        stop = len(header) if stop < 0 else stop
        key, equals, _ = header[start:stop].partition("=")
        if equals and key.strip() == name:
            yield start, stop
        found = header.find(name, stop)


class SetCookie(NamedTuple):
    """A cookie that a page sets in its browser.

    :ivar value: None if the browser deletes the cookie.
    :ivar path: which requests have it.
    :ivar domain: the hosts whose requests have it; empty for the host of the page.
    """

    name: str
    value: str | None
    path: str
    domain: str


class Place(NamedTuple):
    """Where a request goes; a browser sends the cookies for this place.

    :ivar host: empty if it is not known.
    """

    path: str
    host: str

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> Place:
        """The place of a request."""
        path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
        host = str(environ.get("HTTP_HOST", "")).lower()
        name, colon, port = host.rpartition(":")
        if colon and (not port or port.isdecimal()):
            host = name
        return cls(path or "/", host)

    def changes(self, cookies: Iterable[SetCookie]) -> dict[str, str | None]:
        """What changes for requests to this place when a page has set cookies."""
        return {each.name: each.value for each in cookies if self._receives(each)}

    def _receives(self, cookie: SetCookie) -> bool:
        if not _is_below(self.path, cookie.path):
            return False
        # A deletion may be a logout. It counts also where proxies change the host.
        return cookie.value is None or _is_in(self.host, cookie.domain)


def _is_below(path: str, above: str) -> bool:
    """Whether a path matches that of a cookie: RFC 6265, section 5.1.4."""
    return path == above or path.startswith(above.removesuffix("/") + "/")


def _is_in(host: str, domain: str) -> bool:
    """Whether a host matches the domain of a cookie: RFC 6265, section 5.1.3."""
    if not host or not domain or host == domain:
        return True
    return host.endswith(f".{domain}") and not re.fullmatch(r"[\d.]+", host)


def read_set_cookies(headers: Iterable[str], page: str = "/") -> list[SetCookie]:
    """Read ``Set-Cookie`` headers.

    RFC 6265, section 5.2: a browser ignores attributes that it does not know. The
    standard library's ``http.cookies`` ignores the whole cookie then, one that is
    ``Partitioned`` for example.

    :param page: the path of the page.
    """
    cookies: list[SetCookie] = []
    for header in headers:
        cookie, *parts = header.split(";")
        name, equals, value = cookie.partition("=")
        if equals and name.strip():
            attributes = dict(_pair(each) for each in parts)
            new = None if _has_expired(attributes) else value.strip()
            path = attributes.get("path", "")
            if not path.startswith("/"):
                path = page.rpartition("/")[0] or "/"  # section 5.1.4, default-path
            domain = attributes.get("domain", "").removeprefix(".").lower()
            cookies.append(SetCookie(name.strip(), new, path, domain))
    return cookies


def _pair(attribute: str) -> tuple[str, str]:
    name, _, value = attribute.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _has_expired(attributes: Mapping[str, str]) -> bool:
    """Whether a cookie has expired when it arrives, and so is deleted.

    RFC 6265, section 5.3, step 3: ``Max-Age`` has precedence over ``Expires``. Section
    5.2: an attribute whose value is invalid is ignored.
    """
    if attributes.get("max-age"):
        try:
            return int(attributes["max-age"]) <= 0
        except ValueError:
            pass
    moment = parsedate_tz(attributes.get("expires", "").replace("-", " "))
    try:
        return moment is not None and mktime_tz(moment) <= time.time()
    except OverflowError:
        return False  # the year has too many digits
