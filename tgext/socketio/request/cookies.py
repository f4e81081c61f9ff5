"""The cookies of a browser, as its connections know them.

A connection brings its cookies once, when it opens, and keeps the user that it opened
with. A page that the browser visits later may replace them. Where that goes on with the
same user (a ticket that was issued anew, a session of the same login), connections that
had the old ones have the new ones too. Where it does not (a login, a logout, another
session, something new in the session of nobody), they end and are told to come back:
the browser does, with what it has then.

None of them is given what it did not open with: the old cookie may have been planted in
the browser by somebody who holds a connection with it (session fixation).

That holds for the cookies that nobody can guess, and for the pages that this process
serves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import mktime_tz, parsedate_tz
from functools import cached_property
from typing import Any
from weakref import WeakSet, WeakValueDictionary

from .identity import user_of


def secret_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The cookies that say who a browser is: of the login, then of beaker's session."""
    return (
        str(config.get("sa_auth.cookie_name") or "authtkt"),
        str(config.get("session.key") or "beaker.session.id"),
    )


class BrowserCookies:
    """The cookies of one connection.

    :param environ: the WSGI environment of its events; its ``HTTP_COOKIE`` is kept up
        to date.
    :param names: the cookies that follow the browser's: that of the login first.
    :param user: whose connection it is; None for nobody's.
    :param end: ends it, so that its client comes back.
    :param whose: says whose cookies those of a ``Cookie`` header are, where there is a
        way to know.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        names: Sequence[str],
        user: object = None,
        end: Callable[[], object] = bool,
        whose: Callable[[str], object] | None = None,
    ) -> None:
        self._environ = environ
        self._names = names
        self._user = user
        self._end = end
        self._whose = whose
        self._shared: list[_Shared] = []
        self._follow()

    def adopt(self, changes: Mapping[str, str | None]) -> None:
        """Take over what the response to the opening request said."""
        self.change(changes)
        self._follow()

    def change(self, changes: Mapping[str, str | None]) -> None:
        """Replace cookies, or forget those whose value is None."""
        self._environ["HTTP_COOKIE"] = self._with(changes)

    def _with(self, changes: Mapping[str, str | None]) -> str:
        cookies = {**_parse(self._environ.get("HTTP_COOKIE", "")), **changes}
        return "; ".join(
            f"{name}={value}" for name, value in cookies.items() if value is not None
        )

    def heed(self, page: _Page) -> None:
        """A page told the browser something, whose cookies it shares."""
        changes = {
            name: page.changes[name]
            for name in self._names
            if name in page.changes and page.changes[name] != page.had.get(name)
        }
        if not changes:
            return
        if self._is_renewal(changes, page):
            self.adopt(changes)
        else:
            self._unfollow()
            self._end()

    def _is_renewal(self, changes: Mapping[str, str | None], page: _Page) -> bool:
        """Whether changes go on with the same user, or with the same session."""
        login = self._names[0]
        if self._user != page.user or (login in changes and changes[login] is None):
            return False
        if self._user is not None:
            # A page that logs in was asked for by whom the browser was before.
            return (
                login not in changes
                or self._whose is None
                or self._whose(self._with(changes)) == self._user
            )
        return (
            login not in changes and None not in changes.values() and page.says_nothing
        )

    def _unfollow(self) -> None:
        for shared in self._shared:
            shared.owners.discard(self)
        self._shared = []

    def _follow(self) -> None:
        self._unfollow()
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
                self._look(had, _changes(told), environ)
            return start_response(status, headers, *rest)

        if "socketio" not in environ:
            return self.application(environ, start)
        opening = _Opening(environ)
        try:
            return self.application(environ, start)
        finally:
            opening.end()

    def _look(
        self, had: str, changes: Mapping[str, str | None], environ: dict[str, Any]
    ) -> None:
        cookies: BrowserCookies | None
        cookies = getattr(
            getattr(environ.get("socketio"), "around", None), "cookies", None
        )
        if cookies is not None:
            cookies.adopt(changes)
        elif had:
            page = _Page(environ, had, changes)
            for owner in page.owners():
                owner.heed(page)


class _Opening:
    """A request that opens a connection, which has no cookies yet.

    What pages tell its browser meanwhile is kept for the connection: the application
    may have looked at the user before.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self._pages: list[_Page] = []
        header = environ.get("HTTP_COOKIE", "")
        self._shared = [_share(*each, self) for each in _parse(header).items()]

    @property
    def _cookies(self) -> BrowserCookies | None:
        around = getattr(self._environ["socketio"], "around", None)
        return getattr(around, "cookies", None)

    def heed(self, page: _Page) -> None:
        """A page told the browser something."""
        if self._cookies is None:
            self._pages.append(page)

    def end(self) -> None:
        """The application has answered."""
        for shared in self._shared:
            shared.owners.discard(self)
        cookies = self._cookies
        if cookies is not None:
            for page in self._pages:
                cookies.heed(page)


class _Page:
    """What a page told a browser.

    :param environ: its WSGI environment.
    :param had: the ``Cookie`` header that it was asked with.
    :param changes: the cookies that it set, None for those that it took back.

    :ivar had: the cookies that it was asked with.
    :ivar user: who asked for it; None for nobody.
    """

    def __init__(
        self, environ: dict[str, Any], had: str, changes: Mapping[str, str | None]
    ) -> None:
        self._environ = environ
        self._header = had
        self.had = _parse(had)
        self.changes = changes
        self.user = user_of(environ)

    def owners(self) -> set[BrowserCookies | _Opening]:
        """The connections that have any of the cookies that it was asked with."""
        return {
            owner
            for pair in self.had.items()
            if (shared := _all_shared.get(pair)) is not None
            for owner in shared.owners
        }

    @cached_property
    def says_nothing(self) -> bool:
        """Whether beaker's session is as it was in the cookie it was asked with.

        A cookie that keeps its session (``session.type = cookie``) has another value
        each time that the session is read. Others have the session's id as the value.
        What a session of nobody holds may be a login of the application's own, or a
        basket: whoever planted the cookie must not read it.
        """
        session = self._environ.get("beaker.session")
        options = getattr(session, "__dict__", {}).get("_params", {})
        if session is None or options.get("type") != "cookie":
            return False
        before = type(session)({"HTTP_COOKIE": self._header}, **options)
        return bool(before.id == session.id and _content(before) == _content(session))


def _content(session: Any) -> dict[str, Any]:
    """What a session holds, without what beaker keeps in it for itself."""
    return {key: session[key] for key in session if not str(key).startswith("_")}


class _Shared:
    """A cookie that several connections of one browser have."""

    def __init__(self) -> None:
        self.owners: WeakSet[BrowserCookies | _Opening] = WeakSet()


#: By name and value. An entry ends with the last connection that has it.
_all_shared: WeakValueDictionary[tuple[str, str], _Shared] = WeakValueDictionary()


def _share(name: str, value: str, owner: BrowserCookies | _Opening) -> _Shared:
    shared = _all_shared.get((name, value))
    if shared is None:
        shared = _all_shared[name, value] = _Shared()
    shared.owners.add(owner)
    return shared


def _parse(header: str) -> dict[str, str]:
    """The cookies of a ``Cookie`` header, as they are written there."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, equals, value in pairs if equals}


def _changes(headers: Iterable[str]) -> dict[str, str | None]:
    """What ``Set-Cookie`` headers say: new values, or None for what is taken back.

    They are read as browsers read them (RFC 6265, section 5.2), which take what they do
    not know, such as ``Partitioned``. ``http.cookies`` takes nothing then.
    """
    changes: dict[str, str | None] = {}
    for header in headers:
        cookie, *attributes = header.split(";")
        name, equals, value = cookie.partition("=")
        if equals and name.strip():
            ended = _has_ended(dict(_pair(each) for each in attributes))
            changes[name.strip()] = None if ended else value.strip()
    return changes


def _pair(attribute: str) -> tuple[str, str]:
    name, _, value = attribute.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _has_ended(attributes: Mapping[str, str]) -> bool:
    """Whether a cookie is told to end at once (RFC 6265, section 5.3)."""
    if attributes.get("max-age"):
        try:
            return int(attributes["max-age"]) <= 0
        except ValueError:
            pass  # as if it were not there
    moment = parsedate_tz(attributes.get("expires", "").replace("-", " "))
    try:
        return moment is not None and mktime_tz(moment) <= time.time()
    except OverflowError:
        return False  # in a year with many digits
