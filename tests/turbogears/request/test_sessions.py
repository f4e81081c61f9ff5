"""Sessions in cookies: an anonymous connection keeps the content that it opened with.

An attacker may have planted the cookie in the browser of a victim, and hold connections
with it. Whatever the victim's pages save, in whichever order they end, none of these
connections reads more than the attacker has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from beaker.session import SessionObject
from gevent.event import Event
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.wire.strategies import examples
from tgext.socketio.request.browsers import BrowserCookies
from tgext.socketio.request.cookies import CookieWatch

NAMES = ("ticket", "session")
OPTIONS = {"type": "cookie", "key": "session", "validate_key": "secret"}

LOGIN = {"_user_id": "victim"}


def session_of(header: str) -> Any:
    return SessionObject({"HTTP_COOKIE": header}, **OPTIONS)


def content(header: str) -> dict[str, Any]:
    """What an event of a connection with a header reads."""
    session = session_of(header)
    return {key: session[key] for key in ("_id", "_user_id", "cart") if key in session}


def cookie_of(session: Any) -> str:
    told: str = session.__dict__["_headers"]["cookie_out"]
    return told.strip()


def saved(header: str, **values: Any) -> str:
    """A cookie: what a page sets that saves values in the session of a header."""
    session = session_of(header)
    session.update(values)
    session.save()
    session.persist()
    return cookie_of(session).partition(";")[0]


class Connection:
    """An anonymous connection."""

    def __init__(self, header: str) -> None:
        self.environ = {"HTTP_COOKIE": header}
        self.ended = False
        self.cookies = BrowserCookies(self.environ, NAMES, None, self.end)
        self.opened_with = content(header)

    def end(self) -> None:
        self.ended = True

    def check(self) -> None:
        if not self.ended:
            assert content(self.environ["HTTP_COOKIE"]) == self.opened_with


class Request:
    """A request that is being answered: the session was read, and is not saved yet.

    :param opens: the socket that it opens, for a handshake.
    """

    def __init__(self, header: str, opens: Any = None) -> None:
        self._session = session_of(header)
        self._go_on = Event()
        self._change: Callable[[Any], object] = bool
        self.cookie = header
        environ = {"HTTP_COOKIE": header, "beaker.session": self._session}
        if opens is not None:
            environ["socketio"] = opens
        self._running = gevent.spawn(
            CookieWatch(self._answer), environ, lambda status, headers: None
        )
        gevent.sleep(0)

    def _answer(self, environ: Any, start_response: Any) -> list[bytes]:
        self._session.get("cart")
        assert self._go_on.wait(10)
        self._change(self._session)
        self._session.persist()
        self.cookie = cookie_of(self._session)
        start_response("200 OK", [("Set-Cookie", self.cookie)])
        return []

    def end(self, change: Callable[[Any], object]) -> str:
        """Let it end; returns the cookie that the browser has then."""
        self._change = change
        self._go_on.set()
        self._running.get(timeout=10)
        return self.cookie.partition(";")[0]


def log_in(session: Any) -> None:
    session.update(LOGIN)
    session.save()


def log_in_and_forget(session: Any) -> None:
    """The cookie has the login, the session object has not."""
    log_in(session)
    session.persist()
    del session["_user_id"]


def buy(session: Any) -> None:
    session["cart"] = session.get("cart", 0) + 1
    session.save()


def log_out(session: Any) -> None:
    session.pop("_user_id", None)
    session.save()


CHANGES: list[Callable[[Any], object]] = [
    bool,
    bool,
    log_in,
    log_in_and_forget,
    buy,
    log_out,
    lambda session: session.save(),
    lambda session: session.invalidate(),
]

#: What else the attacker plants, so that readers of a header differ.
PLANTED = ["", "x=é; ", 'x="a; ', "x=a,b; ", "x=[{; "]


class FixedSession(RuleBasedStateMachine):
    """A victim's browser, its pages, and the connections with the planted cookie."""

    @initialize()
    def plant(self) -> None:
        self.planted = saved("", cart=1)
        self.browser = self.planted
        self.connections = [Connection(self.planted)]
        self.requests: list[Request] = []
        self.opening: list[tuple[Any, Request]] = []

    @rule(odd=st.sampled_from(PLANTED), both=st.booleans())
    def request(self, odd: str, both: bool) -> None:
        """The victim asks for a page; a planted cookie may stand beside its own."""
        if len(self.requests) < 4:
            header = f"{self.browser}; {odd}{self.planted}" if both else self.browser
            self.requests.append(Request(header))

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), change=st.sampled_from(CHANGES))
    def answer(self, data: st.DataObject, change: Callable[[Any], object]) -> None:
        number = data.draw(st.integers(0, len(self.requests) - 1))
        self.browser = self.requests.pop(number).end(change)

    @rule()
    def connect(self) -> None:
        """The attacker connects once more."""
        self.connections.append(Connection(self.planted))

    @rule()
    def begin_to_connect(self) -> None:
        if len(self.opening) < 2:
            socket = type("Socket", (), {})()
            self.opening.append((socket, Request(self.planted, opens=socket)))

    @precondition(lambda self: self.opening)
    @rule(change=st.sampled_from([bool, buy]))
    def be_connected(self, change: Callable[[Any], object]) -> None:
        socket, request = self.opening.pop(0)
        connection = Connection(self.planted)
        socket.runner = connection
        cookie = request.end(change)
        connection.opened_with = content(cookie)
        self.connections.append(connection)

    @precondition(lambda self: self.connections)
    @rule()
    def use_what_it_has(self) -> None:
        """The attacker visits a page with the cookie of a connection."""
        header = self.connections[-1].environ["HTTP_COOKIE"]
        self.planted = Request(header).end(bool)

    @invariant()
    def nobody_is_given_more(self) -> None:
        for each in self.connections:
            each.check()
        assert "_user_id" not in content(self.planted)

    def teardown(self) -> None:
        for request in (*self.requests, *(each for _, each in self.opening)):
            request.end(bool)


FixedSession.TestCase.settings = settings(
    max_examples=examples(60), stateful_step_count=25, deadline=None
)
TestFixedSession = FixedSession.TestCase


@pytest.mark.parametrize("odd", PLANTED)
def test_a_cookie_planted_beside_the_victims_own(odd: str) -> None:
    """Readers of a header may take either; what the page has read is not given away."""
    victim, planted = saved("", **LOGIN), saved("", cart=1)
    connection = Connection(planted)
    for header in (f"{victim}; {odd}{planted}", f"{planted}; {odd}{victim}"):
        Request(header).end(bool)
        connection.check()


def test_what_a_page_has_set_counts_not_what_it_holds_later() -> None:
    planted = saved("", cart=1)
    connection = Connection(planted)
    Request(planted).end(log_in_and_forget)
    connection.check()


def test_pages_that_change_nothing_are_followed() -> None:
    cookie = saved("", cart=1)
    connection = Connection(cookie)
    for _ in range(3):
        pages = [Request(cookie) for _ in range(3)]
        cookie = [each.end(bool) for each in pages][-1]
    assert not connection.ended
    assert connection.environ["HTTP_COOKIE"] == cookie


def test_a_session_that_cannot_be_read_ends_the_connection_and_no_page() -> None:
    forged = "session=forged"
    connection = Connection.__new__(Connection)
    connection.environ, connection.ended = {"HTTP_COOKIE": forged}, False
    connection.cookies = BrowserCookies(connection.environ, NAMES, None, connection.end)
    own = saved("", cart=1)
    Request(f"{own}; x=é; {forged}").end(bool)
    told = Request(own)
    told.end(bool)
    assert connection.environ["HTTP_COOKIE"] == forged
