"""Sees which cookies pages and handshakes set.

The connections of the same browser (:mod:`.browsers`) are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..drivers import applications
from ..engine.concurrency.failures import ERRORS, log_failure
from ..engine.concurrency.fairness import Turns
from ..engine.logs import get_logger
from .browsers import (
    BrowserCookies,
    Owner,
    Page,
    is_secret,
    secret_names,
    share,
    shared_cookies,
)
from .changes import Change, Elsewhere
from .cookieheaders import (
    Place,
    SetCookie,
    plain,
    plain_or_none,
    read_cookies,
    read_named,
    read_set_cookies,
    replace_cookie,
    write_cookies,
)
from .identity import API, look_up, user_of
from .sessions import Sessions

log = get_logger(__name__)

#: How many pages may set cookies while a connection is opened.
_PAGES = 8


class CookieWatch:
    """A WSGI middleware that sees which cookies the application sets.

    :param application: the application.
    :param elsewhere: the other processes of the application; None if there are none.
    """

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.application = application
        self._elsewhere = elsewhere

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        had = environ.get("HTTP_COOKIE", "")

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            told = [value for name, value in headers if name.lower() == "set-cookie"]
            if told or (had and _logs_out(environ)):
                self._see(had, told, environ)
            return start_response(status, headers, *rest)

        if "socketio" not in environ or not had:
            return self.application(environ, start)
        opening = _Opening(environ)
        try:
            return self.application(environ, start)
        finally:
            opening.end()

    def _see(self, had: str, told: list[str], environ: dict[str, Any]) -> None:
        changes = read_set_cookies(told, Place.of(environ).path)
        page = _Page(environ, had, changes)
        owners = page.owners()
        cookies = _cookies_of(environ.get("socketio"))
        if cookies is not None:
            cookies.accept(changes)
            owners.discard(cookies)
        _tell(list(owners), page)
        if self._elsewhere is not None and self._elsewhere.exists:
            for names in {secret_names(each.config) for each in applications}:
                change = page.change(*names)
                if change is not None:
                    self._elsewhere.tell(change)


def _tell(owners: list[Owner], page: Page) -> None:
    """Tell the owners of a page's cookies, and let others run between them."""
    turns = Turns()
    try:
        while owners:
            owners.pop().follow(page)
            turns.check()
    finally:
        for owner in owners:  # interrupted: it may be a logout
            owner.follow(page)


def _cookies_of(socket: Any) -> BrowserCookies | None:
    """The cookies of a connection; None until the application accepted it."""
    cookies = getattr(getattr(socket, "runner", None), "cookies", None)
    return cookies if isinstance(cookies, BrowserCookies) else None


class _Opening:
    """A request that opens a connection and is not answered yet.

    Cookies that pages set in its browser meanwhile are kept for the connection, because
    the application may have looked up the user before they were set. After too many
    pages the connection ends, so that its client opens another.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._socket = environ["socketio"]
        self._pages: list[Page] = []
        self._heard: list[Change] = []
        names = [secret_names(each.config) for each in applications]
        self._names = {name for each in names for name in each}
        cookies = read_named(environ.get("HTTP_COOKIE", ""), self._names)
        logins = {login for login, *_ in names}
        tickets = [each for each in cookies.items() if each[0] in logins]
        # Who has planted the session has no ticket, and must not end the connection.
        self._shared = [
            share(name, value, self)
            for name, value in tickets or cookies.items()
            if is_secret(value)
        ]

    def follow(self, page: Page) -> None:
        """A page that was requested with some of these cookies has set others."""
        if _cookies_of(self._socket) is not None or len(self._pages) > _PAGES:
            return
        if page.logs_out or any(each.name in self._names for each in page.changes):
            self._pages.append(_KeptPage(page, self._names))

    def hear(self, change: Change) -> None:
        """A page has changed some of its cookies, which another process served."""
        if _cookies_of(self._socket) is None and len(self._heard) < _PAGES:
            self._heard.append(change)

    def end(self) -> None:
        """The application has answered."""
        for shared in self._shared:
            shared.owners.discard(self)
        cookies = _cookies_of(self._socket)
        if cookies is None:
            return
        if len(self._pages) > _PAGES:
            cookies.end()
        for page in self._pages:
            cookies.follow(page)
        for change in self._heard:
            cookies.hear(change)


class _KeptPage:
    """What an opening connection keeps of a page.

    :param names: those of the cookies that may concern it.
    """

    def __init__(self, page: Page, names: set[str]) -> None:
        self.had = {name: page.had[name] for name in names & page.had.keys()}
        self.changes = [each for each in page.changes if each.name in names]
        self.user = page.user
        self.opens = page.opens
        self.logs_out = page.logs_out
        self.keeps_session = page.keeps_session


class _Page:
    """A page, or a handshake, that set cookies.

    :param environ: its WSGI environment.
    :param had: the ``Cookie`` header of its request.
    :param changes: the cookies that it set.

    :ivar had: the cookies of its request, without quotes and escapes.
    :ivar user: the id of the user who asked for it; None when it was anonymous.
    :ivar opens: whether it opens a connection.
    :ivar logs_out: whether it is where users log out.
    :ivar keeps_session: see :meth:`.Sessions.keep`.
    """

    def __init__(
        self, environ: dict[str, Any], had: str, changes: Sequence[SetCookie]
    ) -> None:
        self._environ = environ
        self._header = had
        self._sessions = Sessions(environ.get("beaker.session"))
        self.keeps_session = self._sessions.keep
        read = read_named(had, read_cookies(had))
        self.had = {name: plain(value) for name, value in read.items()}
        self.changes = changes
        self.user = user_of(environ)
        self.opens = environ.get("socketio") is not None
        self.logs_out = _logs_out(environ)

    def owners(self) -> set[Owner]:
        """The connections that have any of the cookies of its request."""
        return {
            owner
            for pair in self.had.items()
            if (shared := shared_cookies.get(pair)) is not None
            for owner in shared.owners
        }

    def change(self, login: str, session: str) -> Change | None:
        """What concerns the connections of other processes; None if nothing does.

        :param login: the name of the cookie of the login.
        :param session: the name of the one of the session.
        """
        had = {
            name: value
            for name in (login, session)
            if (value := self.had.get(name)) is not None and is_secret(value)
        }
        new = {
            name: value
            for name, value in Place.of(self._environ).changes(self.changes).items()
            if name in (login, session) and plain_or_none(value) != self.had.get(name)
        }
        renewed = {name: value for name, value in new.items() if value and name in had}
        other_user = (self.logs_out and login in had) or (
            login in new and self._changes_user(login, new[login], had.get(login))
        )
        if other_user:
            renewed.pop(login, None)
        other_session = other_content = False
        if session in had and session in new:
            after = replace_cookie(self._header, session, new[session])
            other_session = not self._sessions.keep_id(self._header, after)
            other_content = not self._sessions.keep(self._header, after)
            if other_session or login in had:
                renewed.pop(session, None)  # the ticket is enough to find connections
        if self.opens:
            # Handshakes of the tabs of a browser would end each other.
            other_session = other_content = False
        plain_values = {name: plain(value) for name, value in renewed.items()}
        found = Change(had, other_user, other_session, other_content, plain_values)
        return found if had and any(found[1:]) else None

    def _changes_user(self, login: str, value: str | None, had: str | None) -> bool:
        """Whether a new value of the cookie of the login is not the same user's.

        The user of the page may be the one before or after a login.
        """
        if value is None or had is None:
            return value != had
        try:
            return bool(self._user_with(login, value) != self._user_with(login, had))
        except ERRORS:
            log_failure(log, "Looking up the user of a new cookie failed")
            return True

    def _user_with(self, login: str, value: str) -> Any:
        environ = self._environ
        return user_of(
            look_up(environ.get(API), environ, write_cookies({login: value}))
        )


def _logs_out(environ: Mapping[str, Any]) -> bool:
    """Whether a request is for the page of a form plugin where users log out.

    The page deletes no ticket that has expired, but a connection may still accept it.
    """
    path = environ.get("PATH_INFO")
    plugins = environ.get("repoze.who.plugins") or {}
    return any(
        getattr(each, "logout_handler_path", None) == path for each in plugins.values()
    )
