"""The cookies of a browser, as its connections know them.

A connection brings its cookies once, when it opens. A page that the browser visits
later may replace them (a new session, a ticket that was issued anew) or take them back
(a logout), and what the browser knows then, its open connections know too. That holds
for the cookies that nobody can guess, and for the pages that this process serves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import mktime_tz, parsedate_tz
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any
from weakref import WeakSet, WeakValueDictionary

from .engine.virtsocket import Socket


def secret_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The cookies that say who a browser is: of the login, and of beaker's session."""
    return (
        str(config.get("sa_auth.cookie_name") or "authtkt"),
        str(config.get("session.key") or "beaker.session.id"),
    )


class BrowserCookies:
    """The cookies of one connection.

    :param environ: the WSGI environment of its events; its ``HTTP_COOKIE`` is kept up
        to date.
    :param names: the cookies that follow the browser's.
    """

    def __init__(self, environ: dict[str, Any], names: Iterable[str]) -> None:
        self._environ = environ
        self._names = names
        self._shared: list[_Shared] = []
        self._follow()

    def adopt(self, changes: Mapping[str, str | None]) -> None:
        """Take over what the response to the opening request said."""
        self.change(changes)
        self._follow()

    def change(self, changes: Mapping[str, str | None]) -> None:
        """Replace cookies, or forget those whose value is None."""
        cookies = {**_parse(self._environ.get("HTTP_COOKIE", "")), **changes}
        header = "; ".join(
            f"{name}={value}" for name, value in cookies.items() if value is not None
        )
        self._environ["HTTP_COOKIE"] = header

    def _follow(self) -> None:
        cookies = _parse(self._environ.get("HTTP_COOKIE", ""))
        self._shared = [
            _share(name, cookies[name], self) for name in self._names if name in cookies
        ]


class CookieWatch:
    """A WSGI middleware that sees what the application tells browsers.

    :param application: the application.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        had = environ.get("HTTP_COOKIE", "")

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            told = [value for name, value in headers if name.lower() == "set-cookie"]
            if told:
                self._look(had, _changes(told), environ.get("socketio"))
            return start_response(status, headers, *rest)

        return self.application(environ, start)

    def _look(
        self, had: str, changes: Mapping[str, str | None], opening: Socket | None
    ) -> None:
        cookies: BrowserCookies | None
        cookies = getattr(getattr(opening, "around", None), "cookies", None)
        if cookies is not None:
            cookies.adopt(changes)
        elif had:
            before = _parse(had)
            for name, value in changes.items():
                if name in before:
                    _change(name, before[name], value)


class _Shared:
    """A cookie that several connections of one browser have."""

    def __init__(self) -> None:
        self.owners: WeakSet[BrowserCookies] = WeakSet()


#: By name and value. An entry ends with the last connection that has it.
_all_shared: WeakValueDictionary[tuple[str, str], _Shared] = WeakValueDictionary()


def _share(name: str, value: str, owner: BrowserCookies) -> _Shared:
    shared = _all_shared.get((name, value))
    if shared is None:
        shared = _all_shared[name, value] = _Shared()
    shared.owners.add(owner)
    return shared


def _change(name: str, before: str, value: str | None) -> None:
    if value == before:
        return
    shared = _all_shared.pop((name, before), None)
    if shared is None:
        return
    for owner in list(shared.owners):
        owner.change({name: value})
    if value is not None:
        _all_shared[name, value] = shared


def _parse(header: str) -> dict[str, str]:
    """The cookies of a ``Cookie`` header, as they are written there."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, equals, value in pairs if equals}


def _changes(headers: Iterable[str]) -> dict[str, str | None]:
    """What ``Set-Cookie`` headers say: new values, or None for what is taken back."""
    changes: dict[str, str | None] = {}
    for header in headers:
        try:
            cookies = SimpleCookie(header)
        except CookieError:
            continue  # The browser makes of it what it can.
        for name, morsel in cookies.items():
            changes[name] = None if _has_ended(morsel) else morsel.coded_value
    return changes


def _has_ended(morsel: Morsel[str]) -> bool:
    """Whether a cookie is told to end at once (RFC 6265, section 5.3)."""
    if morsel["max-age"]:
        try:
            return int(morsel["max-age"]) <= 0
        except ValueError:
            pass  # as if it were not there
    moment = parsedate_tz(morsel["expires"].replace("-", " "))
    return moment is not None and mktime_tz(moment) <= time.time()
