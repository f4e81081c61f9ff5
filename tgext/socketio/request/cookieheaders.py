"""``Cookie`` and ``Set-Cookie`` headers, read as browsers read them (RFC 6265)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from email.utils import mktime_tz, parsedate_tz

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
