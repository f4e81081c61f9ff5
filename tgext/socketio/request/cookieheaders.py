"""``Cookie`` and ``Set-Cookie`` headers, read as browsers read them (RFC 6265)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from email.utils import mktime_tz, parsedate_tz
from http.cookies import CookieError, SimpleCookie

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


_PYTHON = SimpleCookie()


def read_named(header: str, names: Iterable[str]) -> dict[str, str]:
    """The cookies of some names, each with its value as the header spells it.

    A header of a client may be one that browsers do not send. So the cookies are those
    that ``http.cookies`` reads, which repoze.who and beaker use.
    """
    wanted = [name for name in names if name in header]
    if not wanted:
        return {}
    read = SimpleCookie()
    try:
        read.load(header)
    except CookieError:
        pass  # as repoze.who does: the cookies before the invalid one count
    values = read_cookies(header)
    values.update((name, read[name].coded_value) for name in wanted if name in read)
    return {name: values[name] for name in wanted if name in values}


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


def read_changes(headers: Iterable[str]) -> dict[str, str | None]:
    """What ``Set-Cookie`` headers change.

    RFC 6265, section 5.2: a browser ignores attributes that it does not know. The
    standard library's ``http.cookies`` ignores the whole cookie then, one that is
    ``Partitioned`` for example.
    """
    changes: dict[str, str | None] = {}
    for header in headers:
        cookie, *attributes = header.split(";")
        name, equals, value = cookie.partition("=")
        if equals and name.strip():
            deletes = _has_expired(dict(_pair(each) for each in attributes))
            changes[name.strip()] = None if deletes else value.strip()
    return changes


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
