"""Sees which cookies pages and handshakes set.

The connections of the same browser (:mod:`.browsers`) are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..drivers import applications
from ..engine.concurrency.failures import ERRORS
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
from .cookieheaders import (
    Place,
    SetCookie,
    plain,
    read_cookies,
    read_named,
    read_set_cookies,
)
from .identity import user_of

log = get_logger(__name__)

#: How many pages may set cookies while a connection is opened.
_PAGES = 8

#: What beaker keeps in each session (`beaker.session`); `session.id` is `_id`.
_KEYS_OF_BEAKER = frozenset(
    ("_accessed_time", "_creation_time", "_domain", "_id", "_path")
)


class CookieWatch:
    """A WSGI middleware that sees which cookies the application sets.

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
            if told or (had and _logs_out(environ)):
                self._see(had, told, environ)
            return start_response(status, headers, *rest)

        if "socketio" not in environ:
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
    :ivar keeps_session: see :class:`_Sessions`.
    """

    def __init__(
        self, environ: dict[str, Any], had: str, changes: Sequence[SetCookie]
    ) -> None:
        self.keeps_session = _Sessions(environ.get("beaker.session"))
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


class _Sessions:
    """Compares what two ``Cookie`` headers have for an application's sessions.

    With ``session.type = cookie`` the cookie holds the session, and changes each time
    the session is read. With other types the cookie is the session's id, so another
    cookie is another session.

    The content of an anonymous session may be a login of the application's own, or a
    shopping cart: an attacker who planted the cookie must not read it.

    :param session: beaker's session of a request.
    """

    def __init__(self, session: Any) -> None:
        self._class = type(session)
        options = getattr(session, "__dict__", {}).get("_params", {})
        self._options = options if options.get("type") == "cookie" else None
        #: The answers so far: the tabs of a browser mostly have the same cookies.
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, before: str, after: str) -> bool:
        """Whether the session has the same id and the same content in both."""
        if self._options is None:
            return False
        asked = before, after
        if asked not in self._known:
            found = self._read(before)
            self._known[asked] = found is not None and found == self._read(after)
        return self._known[asked]

    def _read(self, header: str) -> tuple[Any, dict[str, Any]] | None:
        """The id and the content of a session; None when it is invalid."""
        session = self._class({"HTTP_COOKIE": header}, **(self._options or {}))
        try:
            return session.id, _content(session)
        except ERRORS as error:
            log.debug("The session of a cookie is invalid: %s", error)
            return None


def _logs_out(environ: Mapping[str, Any]) -> bool:
    """Whether a request is for the page of a form plugin where users log out.

    The page deletes no ticket that has expired, but a connection may still accept it.
    """
    path = environ.get("PATH_INFO")
    plugins = environ.get("repoze.who.plugins") or {}
    return any(
        getattr(each, "logout_handler_path", None) == path for each in plugins.values()
    )


def _content(session: Any) -> dict[str, Any]:
    """What a session holds, without what beaker keeps in it for itself."""
    return {key: session[key] for key in session if key not in _KEYS_OF_BEAKER}
