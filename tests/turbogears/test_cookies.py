"""Connections have the cookies that their browser has."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from tgext.socketio import cookies
from tgext.socketio.cookies import BrowserCookies, CookieWatch, secret_names

NAMES = ("ticket", "session")


class Browser:
    """A connection's environ, and the pages that its browser visits."""

    def __init__(self, header: str) -> None:
        self.environ = {"HTTP_COOKIE": header}
        self.cookies = BrowserCookies(self.environ, NAMES)

    @property
    def header(self) -> str:
        return self.environ["HTTP_COOKIE"]


def visit(cookie: str, *told: str, opening: Any = None) -> None:
    """A page that is visited with ``cookie`` and tells ``told``."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
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
        ("ticket=; Max-Age=0", "lang=en"),
        ("ticket=; Max-Age=-1", "lang=en"),
        ("ticket=x; Expires=Thu, 01-Jan-1970 00:00:00 GMT", "lang=en"),
        ("ticket=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "lang=en"),
        ("ticket=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "lang=en; ticket=b"),
        ("ticket=b; Max-Age=soon", "lang=en; ticket=b"),
        ("ticket=a; Path=/", "lang=en; ticket=a"),
        ("lang=de", "lang=en; ticket=a"),
        ("other=1", "lang=en; ticket=a"),
        ("", "lang=en; ticket=a"),
    ],
)
def test_what_a_page_tells_the_browser_is_told_the_connection(
    told: str, header: str
) -> None:
    browser = Browser("lang=en; ticket=a")
    visit("ticket=a; lang=en", told)
    assert browser.header == header


def test_another_browser_hears_nothing() -> None:
    browser = Browser("ticket=a")
    visit("ticket=b", "ticket=c")
    visit("", "ticket=c")
    assert browser.header == "ticket=a"


def test_all_connections_of_a_browser_follow_it_step_by_step() -> None:
    browsers = [Browser("ticket=a"), Browser("session=s; ticket=a")]
    visit("ticket=a", "ticket=b")
    visit("ticket=b", "ticket=c")
    visit("session=s", "session=t")
    assert [each.header for each in browsers] == ["ticket=c", "session=t; ticket=c"]


def test_what_the_opening_request_is_told_holds_for_its_connection() -> None:
    browser = Browser("")
    opening = type("Socket", (), {"around": browser})
    visit("", "session=s; Path=/", "lang=de", opening=opening)
    assert browser.header == "session=s; lang=de"
    visit("session=s", "session=; Max-Age=0")
    assert browser.header == "lang=de"


def test_nothing_is_kept_of_connections_that_ended() -> None:
    gc.collect()
    before = len(cookies._all_shared)
    browsers = [Browser(f"ticket={number}") for number in range(5)]
    assert len(cookies._all_shared) == before + 5
    browsers.clear()
    gc.collect()
    assert len(cookies._all_shared) == before


def test_the_names_are_those_of_the_configuration() -> None:
    assert secret_names({}) == ("authtkt", "beaker.session.id")
    config = {"sa_auth.cookie_name": "ticket", "session.key": "mine"}
    assert secret_names(config) == ("ticket", "mine")
