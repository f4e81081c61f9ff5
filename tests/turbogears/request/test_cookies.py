"""Connections have the cookies that their browser has."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from beaker.session import SessionObject
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.drivers import applications
from tgext.socketio.engine.concurrency import fairness
from tgext.socketio.request.browsers import (
    BrowserCookies,
    secret_names,
    share,
    shared_cookies,
)
from tgext.socketio.request.cookies import CookieWatch

NAMES = ("ticket", "session")


class Browser:
    """A connection's environ, and the pages that its browser visits."""

    def __init__(self, header: str, user: str | None = "ada", **environ: str) -> None:
        self.environ = {"HTTP_COOKIE": header, **environ}
        self.ended = False
        self.cookies = BrowserCookies(self.environ, NAMES, user, self.end)

    def end(self) -> None:
        self.ended = True

    @property
    def header(self) -> str | None:
        return None if self.ended else self.environ["HTTP_COOKIE"]


def visit(
    cookie: str,
    *told: str,
    opening: Any = None,
    user: str | None = "ada",
    session: Any = None,
) -> None:
    """Visit a page with ``cookie``; its answer sets ``told``."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        if user is not None:
            environ["repoze.who.identity"] = {"repoze.who.userid": user}
        environ["beaker.session"] = session
        start_response("200 OK", [("Set-Cookie", each) for each in told])
        return [b"a page"]

    environ = {"HTTP_COOKIE": cookie, "socketio": opening}
    watched = CookieWatch(application)
    assert list(watched(environ, lambda status, headers: None)) == [b"a page"]


@pytest.mark.parametrize(
    ("told", "header"),
    [
        ("ticket=b; Path=/", "lang=en; ticket=b"),
        ('ticket="b c"; Path=/', 'lang=en; ticket="b c"'),
        ("ticket=; Max-Age=0", None),
        ("ticket=; Max-Age=-1", None),
        ("ticket=x; Expires=Thu, 01-Jan-1970 00:00:00 GMT", None),
        ("ticket=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("ticket=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "lang=en; ticket=b"),
        ("ticket=b; Max-Age=soon", "lang=en; ticket=b"),
        ("ticket=b; Path=/; Secure; Partitioned", "lang=en; ticket=b"),
        ("ticket=b; Priority=High; SameParty", "lang=en; ticket=b"),
        ("ticket=b;;; = ; what is this", "lang=en; ticket=b"),
        (" ticket = b ;Path=/", "lang=en; ticket=b"),
        ("ticket=b{}@é", "lang=en; ticket=b{}@é"),
        ("ticket=; MAX-AGE=0; Partitioned", None),
        ('ticket=x; expires="Thu, 01 Jan 1970 00:00:00 GMT"; Partitioned', None),
        ("ticket=b; Expires=Thu, 01 Jan 999999999999 00:00:00", "lang=en; ticket=b"),
        ("=b; ticket=c", "lang=en; ticket=a"),
        ("ticket", "lang=en; ticket=a"),
        ("ticket=a; Path=/", "lang=en; ticket=a"),
        ("lang=de", "lang=en; ticket=a"),
        ("other=1", "lang=en; ticket=a"),
        ("", "lang=en; ticket=a"),
        ("session=s", "lang=en; ticket=a; session=s"),
    ],
)
def test_a_page_of_the_same_user_tells_the_connection_too(
    told: str, header: str | None
) -> None:
    """A logout ends it."""
    browser = Browser("lang=en; ticket=a")
    visit("ticket=a; lang=en", told)
    assert browser.header == header


#: The user of the connection, the user who asks for a page, and what the page sets.
OF_OTHERS = [
    ("ada", "bob", "ticket=b"),
    ("ada", None, "ticket=b"),
    (None, "ada", "ticket=b"),
    (None, None, "ticket=b"),
    ("ada", "bob", "session=t"),
    (None, "ada", "session=t"),
    (None, None, "session=t"),
    (None, None, "session=; Max-Age=0"),
    (None, "ada", "session=; Max-Age=0"),
]


@pytest.mark.parametrize(("user", "visitor", "told"), OF_OTHERS)
def test_whoever_shares_an_old_cookie_is_not_given_the_new_one(
    user: str | None, visitor: str | None, told: str
) -> None:
    """Session fixation: an attacker may have planted the old cookie in the browser."""
    browser = Browser("session=s", user)
    visit("session=s; lang=en", told, user=visitor)
    assert browser.ended
    assert browser.environ["HTTP_COOKIE"] == "session=s"
    # Later changes do not reach it either.
    visit("session=t; ticket=b", "session=u", "ticket=c", user=user)
    assert browser.environ["HTTP_COOKIE"] == "session=s"


def test_a_login_ends_the_connections_of_the_same_browser_before() -> None:
    anonymous = [Browser("session=s", None), Browser("session=s; lang=de", None)]
    elsewhere = Browser("session=t", None)
    visit("session=s", "ticket=a", user="ada")
    assert [each.ended for each in anonymous] == [True, True]
    assert not elsewhere.ended


def save(cookie: str, **values: Any) -> tuple[Any, str]:
    """Save a session that is kept in its cookie, and return the new cookie."""
    options = {"type": "cookie", "key": "session", "validate_key": "secret"}
    session = SessionObject({"HTTP_COOKIE": cookie}, **options)
    session.update(values)
    session.save()
    session.persist()
    return session, session.__dict__["_headers"]["cookie_out"].strip()


@pytest.mark.parametrize(
    ("user", "visitor", "colour", "goes_on"),
    [
        ("ada", "ada", "red", True),
        ("ada", "ada", "blue", True),
        (None, None, "red", True),
        # The application may keep its login in this cookie.
        (None, None, "blue", False),
        (None, "ada", "red", False),
        ("ada", None, "red", False),
        ("ada", "bob", "red", False),
    ],
)
def test_a_session_in_a_cookie_goes_on_with_its_user(
    user: str | None, visitor: str | None, colour: str, goes_on: bool
) -> None:
    """Such a cookie is another each time that its session is read.

    Nobody's session goes on while it holds the same: whoever planted it in a browser
    has what it held then, and is not given more.
    """
    first, told = save("", colour="red")
    cookie = told.partition(";")[0]
    browser = Browser(cookie, user)
    second, told = save(cookie, colour=colour)
    assert first.id == second.id
    new = told.partition(";")[0]
    assert new != cookie
    visit(cookie, told, user=visitor, session=second)
    assert browser.ended is not goes_on
    assert browser.environ["HTTP_COOKIE"] == (new if goes_on else cookie)


@pytest.mark.parametrize("key", ["user", "_user_id", "_", "__id"])
def test_who_planted_a_session_gets_no_login_that_it_holds_later(key: str) -> None:
    """Whatever key the application keeps it under; only beaker's own do not count."""
    cookie = save("", colour="red")[1].partition(";")[0]
    browser = Browser(cookie, None)
    session, told = save(cookie, **{key: "ada"})
    visit(cookie, told, user=None, session=session)
    assert browser.ended
    assert browser.environ["HTTP_COOKIE"] == cookie


@pytest.mark.parametrize("colour", ["red", "blue"])
def test_a_new_session_in_a_cookie_is_another(colour: str) -> None:
    """Its content does not matter."""
    cookie = save("", colour="red")[1].partition(";")[0]
    browser = Browser(cookie, None)
    session, told = save("", colour=colour)
    visit(cookie, told, user=None, session=session)
    assert browser.ended


def test_a_ticket_whose_user_cannot_be_looked_up_ends_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The page that has set it is served all the same."""

    def fail(cookies: str) -> str:
        raise LookupError("no database")

    ended: list[bool] = []
    environ = {"HTTP_COOKIE": "ticket=a"}
    cookies = BrowserCookies(environ, NAMES, "ada", lambda: ended.append(True), fail)
    visit("ticket=a", "ticket=b")
    assert ended == [True]
    assert environ["HTTP_COOKIE"] == "ticket=a"
    assert "Looking up the user of new cookies failed" in caplog.text
    assert cookies is not None


#: Headers with the ticket ``abc``, as repoze.who reads them.
SPELLINGS = [
    "ticket=abc",
    'ticket="abc"',
    r'ticket="\141bc"',
    r'ticket="\141\142\143"',
    "ticket = abc",
    "ticket=x; ticket=abc",
    "lang=en ticket=abc",
]


@pytest.mark.parametrize("header", SPELLINGS)
@pytest.mark.parametrize("page", SPELLINGS[:3])
def test_a_ticket_is_the_same_however_it_is_spelled(header: str, page: str) -> None:
    browser = Browser(header)
    visit(page, 'ticket="abc"', "lang=de")
    assert browser.header == header
    visit(page, "ticket=INVALID; Max-Age=0")
    assert browser.ended


@pytest.mark.parametrize("value", ['"INVALID"', r'"\111NVALID"', '""', ""])
def test_a_value_that_is_no_secret_is_none_however_it_is_spelled(value: str) -> None:
    browser = Browser(f"ticket={value}", None)
    visit("ticket=INVALID", "ticket=b")
    visit("ticket=", "ticket=b")
    assert not browser.ended


@pytest.mark.parametrize(
    "told", ["ticket=b; Path=/b", "session=t; Path=/b", "ticket=b; Domain=b.example"]
)
def test_a_cookie_for_other_requests_does_not_concern_a_connection(told: str) -> None:
    place = {"PATH_INFO": "/socketio/", "HTTP_HOST": "a.example:80"}
    browser = Browser("ticket=a; session=s", **place)
    visit("ticket=a; session=s", told, told.replace("=b;", "=; Max-Age=0; Path=/b;"))
    assert browser.header == "ticket=a; session=s"
    visit("ticket=a; session=s", "ticket=; Max-Age=0; Path=/socketio; Domain=b.example")
    assert browser.ended


class Listener:
    """Notes the pages that concern it, while others run."""

    def __init__(self, heard: list[object]) -> None:
        self._heard = heard

    def follow(self, page: object) -> None:
        self._heard.append(page)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What 20 connections of a browser hear; others may run between two of them."""
    monkeypatch.setattr(fairness, "SLICE", 0)
    told: list[object] = []
    listeners = [Listener(told) for _ in range(20)]
    shared = [share("ticket", "many", each) for each in listeners]
    yield told
    assert len(set(shared)) == 1


def test_others_run_while_the_connections_of_a_browser_are_told(
    heard: list[object],
) -> None:
    told: list[int] = []
    gevent.spawn(lambda: told.append(len(heard)))
    visit("ticket=many", "ticket=b")
    assert len(heard) == 20
    assert told[0] < 20


def test_a_page_that_is_interrupted_tells_all_the_same(heard: list[object]) -> None:
    page = gevent.spawn(visit, "ticket=many", "ticket=b")
    gevent.sleep(0)
    assert 0 < len(heard) < 20
    page.kill()
    assert len(heard) == 20


def test_another_browser_hears_nothing() -> None:
    browser = Browser("ticket=a")
    visit("ticket=b", "ticket=c")
    visit("", "ticket=c")
    assert browser.header == "ticket=a"


def test_all_connections_of_a_browser_follow_it_step_by_step() -> None:
    browsers = [Browser("ticket=a"), Browser("session=s; ticket=a")]
    visit("ticket=a", "ticket=b")
    visit("ticket=b", "ticket=c")
    visit("session=s; ticket=c", "session=t")
    headers = ["ticket=c; session=t", "session=t; ticket=c"]
    assert [each.header for each in browsers] == headers


def test_one_that_follows_no_more_is_not_met_by_its_old_cookie() -> None:
    ada, bob = Browser("session=s; ticket=a"), Browser("session=s", "bob")
    visit("session=s; ticket=a", "session=t")
    assert (ada.header, bob.ended) == ("session=t; ticket=a", True)
    visit("session=s", "session=u", user=None)
    assert ada.header == "session=t; ticket=a"


def test_what_the_opening_request_is_told_holds_for_its_connection() -> None:
    browser = Browser("", None)
    opening = type("Socket", (), {"runner": browser})
    visit("", "session=s; Path=/", "lang=de", opening=opening)
    assert browser.header == "session=s; lang=de"
    visit("session=s", "session=; Max-Age=0", user=None)
    assert browser.ended


@given(
    user=st.sampled_from([None, "ada", "bob"]),
    visits=st.lists(
        st.tuples(
            st.sampled_from([None, "ada", "bob"]),
            st.sampled_from(["", "session=s", "ticket=a", "session=s; ticket=a"]),
            st.sampled_from(["session=t", "ticket=b", "session=", "ticket=", "lang=x"]),
        ),
        max_size=6,
    ),
)
def test_no_connection_is_given_what_another_user_has(
    user: str | None, visits: list[tuple[str | None, str, str]]
) -> None:
    browser = Browser("session=s; ticket=a", user)
    given_to_others = {"session=s", "ticket=a"}
    mine: set[str] = set()
    for visitor, cookie, told in visits:
        ends = "; Max-Age=0" if told.endswith("=") else ""
        visit(cookie, told + ends, user=visitor)
        if user is not None and visitor == user and not ends:
            mine.add(told)
    for each in browser.environ["HTTP_COOKIE"].split("; "):
        assert each in given_to_others | mine or not each


@given(
    visits=st.lists(
        st.tuples(
            st.sampled_from([None, "ada", "bob"]),
            st.sampled_from(["", "session=s", "session=s; ticket=b", "lang=en"]),
            st.sampled_from(["session=t", "ticket=c", "session=", "ticket=", "lang=x"]),
            st.sampled_from([None, object()]),
        ),
        max_size=6,
    ),
)
def test_who_does_not_have_the_ticket_neither_ends_nor_changes_a_connection(
    visits: list[tuple[str | None, str, str, object]],
) -> None:
    """Whatever else the requests of pages and of handshakes have in common with it."""
    browser = Browser("session=s; ticket=a; lang=en", "ada")
    for visitor, cookie, told, opening in visits:
        ends = "; Max-Age=0" if told.endswith("=") else ""
        visit(cookie, told + ends, user=visitor, opening=opening)
    assert browser.header == "session=s; ticket=a; lang=en"


def test_a_handshake_tells_the_other_connections_of_its_browser() -> None:
    browsers = [Browser("ticket=a"), Browser("ticket=a; session=s")]
    visit("ticket=a; session=s", "ticket=b", opening=object())
    assert [each.header for each in browsers] == ["ticket=b", "ticket=b; session=s"]
    visit("ticket=b; session=s", "ticket=; Max-Age=0", opening=object())
    assert [each.ended for each in browsers] == [True, True]


def test_cookies_that_a_connection_had_long_ago_are_forgotten() -> None:
    browser = Browser("ticket=0")
    for number in range(30):
        visit(f"ticket={number}", f"ticket={number + 1}")
    assert browser.header == "ticket=30"
    visit("ticket=22", "ticket=x")
    assert browser.header == "ticket=30"
    visit("ticket=23", "ticket=y")
    assert browser.header == "ticket=y"


@pytest.mark.usefixtures("small_heap")
def test_nothing_is_kept_of_connections_that_ended() -> None:
    gc.collect()
    before = len(shared_cookies)
    browsers = [Browser(f"ticket={number}") for number in range(5)]
    assert len(shared_cookies) == before + 5
    browsers.clear()
    gc.collect()
    assert len(shared_cookies) == before


def test_the_names_are_those_of_the_configuration() -> None:
    assert secret_names({}) == ("authtkt", "beaker.session.id")
    config = {"sa_auth.cookie_name": "ticket", "session.key": "mine"}
    assert secret_names(config) == ("ticket", "mine")


class Application:
    """An application that this process serves."""

    config = {"sa_auth.cookie_name": NAMES[0], "session.key": NAMES[1]}


def open_connection(
    header: str, meanwhile: Callable[[], None], user: str | None = "ada"
) -> Browser:
    """Open a connection, during whose opening something happens in its browser."""
    socket = SimpleNamespace(runner=None)

    def application(environ: Any, start_response: Any) -> list[bytes]:
        meanwhile()
        socket.runner = Browser(header, user)
        return []

    served = Application()
    applications.add(served)
    CookieWatch(application)({"HTTP_COOKIE": header, "socketio": socket}, lambda: None)
    applications.discard(served)
    browser: Browser = socket.runner
    return browser


@pytest.mark.parametrize(("pages", "ended"), [(8, False), (9, True), (1000, True)])
def test_pages_set_cookies_while_a_connection_is_opened(
    pages: int, ended: bool
) -> None:
    """After too many, it ends, and its client opens another."""

    def meanwhile() -> None:
        for number in range(pages):
            visit("ticket=a; session=s", f"session={number}")

    browser = open_connection("ticket=a; session=s", meanwhile)
    assert browser.ended is ended
    assert ended or browser.header == "ticket=a; session=7"


@pytest.mark.parametrize(
    ("header", "page", "told"),
    [
        ("lang=en; ticket=a", "lang=en", "ticket=b"),
        ("lang=en; ticket=a", "lang=en; ticket=a", "lang=de"),
        ("ticket=a; session=s", "session=s", "session=t"),
        ("ticket=INVALID; lang=en", "ticket=INVALID", "ticket=b"),
        ("session=; lang=en", "session=", "session=t"),
    ],
)
def test_pages_of_others_do_not_concern_a_connection_that_is_opened(
    header: str, page: str, told: str
) -> None:
    def meanwhile() -> None:
        for _ in range(20):
            visit(page, told)

    assert open_connection(header, meanwhile).header == header


def test_a_connection_that_is_opened_hears_of_a_logout() -> None:
    def meanwhile() -> None:
        visit("ticket=a", "ticket=; Max-Age=0")

    assert open_connection('lang=en ticket="a"', meanwhile).ended


@pytest.mark.usefixtures("small_heap")
def test_a_connection_that_is_opened_keeps_little_of_the_pages() -> None:
    class Session:
        pass

    kept: list[weakref.ref[Session]] = []
    alive: list[Session] = []

    def meanwhile() -> None:
        session = Session()
        kept.append(weakref.ref(session))
        visit("ticket=a", "ticket=b", session=session)
        del session
        gc.collect()
        alive.extend(each for ref in kept if (each := ref()) is not None)

    assert open_connection("ticket=a", meanwhile).header == "ticket=b"
    assert alive == []
