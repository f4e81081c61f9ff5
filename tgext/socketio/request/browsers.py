"""The cookies of a browser, as its connections know them.

A connection has the cookies that its opening request brought, and keeps the user that
it opened with. A page that the browser loads later may set other cookies:

- When they continue the same login (a ticket issued anew, a session of the same user),
  connections that have the old cookies take over the new ones.
- When they do not (a login, a logout, another session, an anonymous session whose
  content is not that of the connection's), these connections end. The client connects
  again, with the cookies that the browser has by then.

A connection never gets another user: an attacker may have planted the old cookie in the
browser, and hold a connection with it (session fixation).

Which connections belong to the browser that asked for a page is known by its cookies
alone: the request has a cookie that the connection has, or had lately. (A browser makes
several requests at a time, and each of them may set another cookie.) If the user of a
connection is known by a ticket, the request must have this ticket: a session may be
planted, and who did that must not end the connections of its victim.

Handshakes count as pages do, because they set cookies as well. But they end no other
connection because of a session that changes: two connections of a browser would end
each other again and again.

A page may set a cookie for other paths or hosts than that of the handshake (RFC 6265,
sections 5.1.3 and 5.1.4); this does not concern the connection.

This applies to cookies that cannot be guessed (see :func:`secret_names`). A page that
another process of the application has served gives no cookies to the connections here:
it ends those that would not continue, and those whose session has another id since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakSet, WeakValueDictionary

from ..engine.concurrency.failures import ERRORS, log_failure
from ..engine.logs import get_logger
from .changes import Change, Directory
from .cookieheaders import (
    Changes,
    Place,
    SetCookie,
    plain,
    plain_or_none,
    read_named,
    replace_cookie,
    write_cookies,
)

log = get_logger(__name__)

#: How many values of a cookie a connection knows: as many as its browser's requests at
#: a time may set.
_VALUES = 8

#: Values of a cookie that are not secret: repoze.who sets the last when it deletes one.
_NO_SECRETS = ("", "INVALID")


def secret_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the cookies that identify a browser.

    :param config: the application's configuration.
    :returns: the cookie of the login, then the one of beaker's session.
    """
    return (
        str(config.get("sa_auth.cookie_name") or "authtkt"),
        str(config.get("session.key") or "beaker.session.id"),
    )


def is_secret(value: str) -> bool:
    """Whether the value of a secret cookie is one that identifies a browser."""
    return plain(value) not in _NO_SECRETS


class Page(Protocol):
    """A page, or a handshake, that set cookies."""

    @property
    def had(self) -> Mapping[str, str]:
        """The cookies of its request, without quotes and escapes."""

    @property
    def changes(self) -> Sequence[SetCookie]:
        """The cookies that it set."""

    @property
    def user(self) -> Any:
        """The id of the user who asked for it; None when it was anonymous."""

    @property
    def opens(self) -> bool:
        """Whether it opens a connection."""

    @property
    def logs_out(self) -> bool:
        """Whether it is where users log out."""

    def keeps_session(self, before: str, after: str) -> bool:
        """Whether two ``Cookie`` headers have one session of beaker, and its content is
        the same.
        """


class Owner(Protocol):
    """What follows the pages of a browser: a connection, or one being opened."""

    def follow(self, page: Page) -> None:
        """A page that was requested with some of its cookies has set others."""

    def hear(self, change: Change) -> None:
        """A page has changed some of its cookies, which another process served."""


class BrowserCookies:
    """The cookies of one connection.

    :param environ: the WSGI environment of its events; its ``HTTP_COOKIE`` is kept up
        to date.
    :param names: the cookies that are kept equal to the browser's; that of the login
        is the first.
    :param user: the id of the connection's user; None when it is anonymous.
    :param end: ends the connection, so that its client connects again.
    :param user_with: a function that returns the id of the user that a ``Cookie``
        header belongs to. None if the application has no such function.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        names: Sequence[str],
        user: object = None,
        end: Callable[[], object] = bool,
        user_with: Callable[[str], object] | None = None,
    ) -> None:
        self._environ = environ
        self._names = names
        self._place = Place.of(environ)
        self._present = read_named(environ.get("HTTP_COOKIE", ""), names)
        self._user = user
        self._end = end
        self._user_with = user_with
        #: The cookies that it has and had lately, the newest last.
        self._shared: dict[tuple[str, str], SharedCookie] = {}
        #: Whether its anonymous session has changed, so that it does not continue.
        self._outdated = False
        self._know(self._present)

    def accept(self, cookies: Iterable[SetCookie]) -> None:
        """Take over the cookies that the response to its handshake set."""
        self._adopt(self._place.changes(cookies))

    def _adopt(self, changes: Changes) -> None:
        self._environ["HTTP_COOKIE"] = self._header_with(changes)
        self._present = self._with(changes)
        self._know(self._present)

    def _header_with(self, changes: Changes) -> str:
        """The ``Cookie`` header of its events, after changes."""
        header: str = self._environ.get("HTTP_COOKIE", "")
        for name, value in changes.items():
            header = replace_cookie(header, name, value)
        return header

    def _with(self, changes: Changes) -> dict[str, str]:
        """The cookies of the names, after changes."""
        cookies = {**self._present, **changes}
        return {
            name: value
            for name in self._names
            if (value := cookies.get(name)) is not None
        }

    def follow(self, page: Page) -> None:
        """A page that was requested with some of these cookies has set others."""
        changes = {
            name: value
            for name, value in self._place.changes(page.changes).items()
            if name in self._names and page.had.get(name) != plain_or_none(value)
        }
        if page.logs_out and self._names[0] in page.had:
            changes[self._names[0]] = None
        if not changes or not self._is_asked_for(page.had):
            return
        if not self._outdated and self._continues(changes, page):
            self._adopt(changes)
        elif page.opens and self._names[0] not in changes:
            self._outdated = True
            self._know(changes)
        else:
            self.end()

    def end(self) -> None:
        """End the connection, so that its client connects again."""
        self._unshare()
        self._end()

    def let_go(self) -> None:
        """The connection has ended."""
        self._unshare()
        self._end = bool

    def hear(self, change: Change) -> None:
        """A page has changed some of its cookies, which another process served."""
        anonymous = self._user is None
        ends = change.login or change.session or (change.content and anonymous)
        if ends and self._is_asked_for(change.had):
            self.end()

    def _is_asked_for(self, cookies: Mapping[str, str]) -> bool:
        """Whether the browser of this connection asked for the page that had these."""
        had = [
            name for name in self._names if (name, cookies.get(name)) in self._shared
        ]
        return self._names[0] in had or (bool(had) and not self._has_ticket())

    def _has_ticket(self) -> bool:
        """Whether the user is known by the cookie of the login."""
        login = self._names[0]
        ticket = self._present.get(login)
        if self._user is None or ticket is None:
            return False
        return self._belongs(write_cookies({login: ticket}))

    def _belongs(self, cookies: str) -> bool:
        """Whether cookies belong to the user; not when nobody can tell."""
        try:
            return self._user_with is None or self._user_with(cookies) == self._user
        except ERRORS:
            log_failure(log, "Looking up the user of new cookies failed")
            return False

    def _continues(self, changes: Changes, page: Page) -> bool:
        """Whether changes continue the login or, when anonymous, the session."""
        login = self._names[0]
        if self._user != page.user or (login in changes and changes[login] is None):
            return False
        if self._user is not None:
            # For a page that logs in, `page.user` is the user before the login. The
            # user after it is found by the new cookies.
            return login not in changes or self._belongs(
                write_cookies(self._with(changes))
            )
        if login in changes or None in changes.values():
            return False
        # What decides is what its events would read. The page may have read another
        # session: of a header that readers read differently, or in a later request.
        before = self._environ.get("HTTP_COOKIE", "")
        return page.keeps_session(before, self._header_with(changes))

    def _unshare(self) -> None:
        for shared in self._shared.values():
            shared.owners.discard(self)
        self._shared = {}

    def _know(self, cookies: Changes) -> None:
        """Note that pages which are requested with these cookies are the browser's."""
        for name in self._names:
            value = cookies.get(name)
            if value is None or not is_secret(value):
                continue
            shared = share(name, value, self)
            self._shared.pop(shared.pair, None)
            self._shared[shared.pair] = shared
            known = [pair for pair in self._shared if pair[0] == name]
            for pair in known[:-_VALUES]:
                self._shared.pop(pair).owners.discard(self)


class SharedCookie:
    """A cookie that several connections of one browser have, or had lately."""

    def __init__(self, name: str, value: str) -> None:
        self.pair = (name, value)
        self.owners: WeakSet[Owner] = WeakSet()
        self.later: list[str] = []


#: The keys are name and plain value: a ticket is the same with and without quotes. The
#: last connection that knows a cookie removes it.
shared_cookies: WeakValueDictionary[tuple[str, str], SharedCookie] = (
    WeakValueDictionary()
)


#: Those in which the other processes' messages find the cookies.
_directories: WeakSet[Directory] = WeakSet()


def make_directory(digest: Callable[[str, str], str]) -> Directory:
    """A directory of the cookies of all connections, as long as it is referenced."""
    directory = Directory(digest)
    for shared in list(shared_cookies.values()):
        directory.add(shared)
    _directories.add(directory)
    return directory


def share(name: str, value: str, owner: Owner) -> SharedCookie:
    """Note that pages which are requested with a cookie concern its owner."""
    pair = (name, plain(value))
    shared = shared_cookies.get(pair)
    if shared is None:
        shared = SharedCookie(*pair)
        shared_cookies[shared.pair] = shared
        for each in _directories:
            each.add(shared)
    shared.owners.add(owner)
    return shared
