"""The tabs of a browser know of each other's cookies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis

from .tabs import Browser, Site

#: Where beaker keeps sessions.
SESSIONS = ["cookie", "file", "redis"]

#: Seconds: tickets expire, and are issued anew.
TICKETS = {"sa_auth.authtkt.timeout": 20, "sa_auth.authtkt.reissue_time": 10}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def make(
    serve: Callable[..., Live], tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[..., Site]:
    """Makes an application with sessions of a type."""

    def make(kind: str, **options: Any) -> Site:
        session = {
            "cookie": {"session.type": "cookie"},
            "file": {"session.type": "file", "session.data_dir": str(tmp_path)},
            "redis": {"session.type": "ext:redis"},
        }[kind]
        if kind == "redis":
            port = request.getfixturevalue("redis").port
            session["session.url"] = f"redis://127.0.0.1:{port}"
        return Site(serve, **session, **TICKETS, **options)

    return make


@pytest.fixture(params=SESSIONS)
def site(request: pytest.FixtureRequest, make: Callable[..., Site]) -> Site:
    return make(request.param)


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass for tickets."""
    now, passed = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


@pytest.mark.parametrize("user", ["ada", None])
def test_a_second_tab_leaves_the_first_the_session(
    site: Site, user: str | None
) -> None:
    browser = site.browser(user)
    browser.visit("/remember?colour=red")
    first = browser.connect()
    assert first.call("recall") == "red"
    # The page and the handshake each set another cookie, if they set one.
    browser.visit("/")
    second = browser.connect()
    browser.visit("/")
    third = browser.connect()
    tabs = [first, second, third]
    assert [each.call("recall") for each in tabs] == ["red"] * 3
    assert first.call("who") == user
    kept = dict(browser.cookies)
    browser.visit("/remember?colour=blue")
    if user is None and browser.cookies != kept:
        # A session of nobody, in a cookie: it may be somebody's who has planted it.
        for tab in tabs:
            tab.expect_to_come_back()
        tabs = [browser.connect()]
    assert {each.call("recall") for each in tabs} == {"blue"}


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_what_a_tab_writes_is_read_by_all(make: Callable[..., Site], kind: str) -> None:
    browser = make(kind).browser("ada")
    browser.visit("/remember?colour=red")
    first, second = browser.connect(), browser.connect()
    first.call("remember", "green")
    assert second.call("recall") == "green"
    assert browser.visit("/recall") == "green"


def test_a_logout_ends_all_tabs_however_old_their_ticket_is(
    site: Site, wait: Callable[[float], None]
) -> None:
    browser, other = site.browser("ada"), site.browser("bob")
    first = browser.connect()
    wait(15)
    ticket = browser.cookies["authtkt"]
    # The handshake issues the ticket anew, and no page knows the old one any more.
    second = browser.connect()
    assert browser.cookies["authtkt"] != ticket
    others = other.connect()
    browser.log_out()
    first.expect_to_come_back()
    second.expect_to_come_back()
    assert browser.connect().call("who") is None
    assert others.call("who") == "bob"


def test_tabs_use_the_ticket_that_another_tab_was_issued(
    site: Site, wait: Callable[[float], None]
) -> None:
    browser = site.browser("ada")
    first = browser.connect()
    for _ in range(3):
        wait(15)
        browser.connect()
        assert first.call("who") == "ada"


def test_the_login_of_another_user_ends_all_tabs(
    site: Site, wait: Callable[[float], None]
) -> None:
    browser = site.browser("ada")
    first = browser.connect()
    wait(15)
    second = browser.connect()
    # TurboGears' own form changes no user who is logged in; an application may.
    browser.visit("/become?user=bob")
    first.expect_to_come_back()
    second.expect_to_come_back()
    assert browser.connect().call("who") == "bob"


def test_a_login_ends_the_anonymous_tabs(site: Site) -> None:
    browser = site.browser()
    browser.visit("/remember?colour=red")
    first, second = browser.connect(), browser.connect()
    browser.log_in("ada")
    browser.visit("/")
    first.expect_to_come_back()
    second.expect_to_come_back()
    assert browser.connect().call("who") == "ada"


def test_pages_that_load_at_the_same_time_set_cookies_in_any_order(
    make: Callable[..., Site],
) -> None:
    """The browser keeps any of them; a connection that follows one knows the others."""
    browser = make("cookie").browser("ada")
    browser.visit("/remember?colour=red")
    tab = browser.connect()
    before = {**browser.cookies}
    after = []
    for colour in ("blue", "green", "grey"):
        browser.cookies = {**before}
        browser.visit(f"/remember?colour={colour}")
        after.append({**browser.cookies})
    for number, cookies in enumerate(after):
        browser.cookies = {**cookies}
        browser.visit(f"/remember?colour={number}")
        assert tab.call("recall") == str(number)
    browser.cookies = {**after[0]}
    browser.log_out()
    tab.expect_to_come_back()


def test_handshakes_that_write_the_session_do_not_end_each_other(
    make: Callable[..., Site],
) -> None:
    """The connections of a browser would end each other for ever.

    Whose session has changed does not get the new one either, and comes back with the
    next page.
    """
    browser = make("cookie", counts_visits=True).browser()
    first, second = browser.connect(), browser.connect()
    assert first.call("who") is None
    assert second.call("who") is None
    browser.visit("/")
    first.expect_to_come_back()
    second.expect_to_come_back()


# Attacks


def test_a_planted_session_neither_ends_nor_moves_the_victim_s_connections(
    site: Site,
) -> None:
    """The victim has a ticket, which the attacker has not."""
    mallory = site.browser()
    mallory.visit("/remember?colour=red")
    planted = {**mallory.cookies}
    victim = Browser(site)
    victim.cookies = {**planted}
    victim.log_in("ada")
    tab = victim.connect()
    assert tab.call("recall") == "red"
    for attack in ("/", "/remember?colour=blue", "/logout_handler"):
        mallory.cookies = {**planted}
        mallory.visit(attack)
    mallory.cookies = {**planted}
    mallory.log_in("mallory")
    mallory.connect()
    mallory.log_out()
    assert tab.call("who") == "ada"


def test_who_has_planted_a_session_does_not_follow_its_victim(site: Site) -> None:
    mallory = site.browser("mallory")
    mallory.visit("/remember?colour=red")
    nobody = site.browser()
    nobody.visit("/remember?colour=red")
    hers, anonymous = mallory.connect(), nobody.connect()
    for planted in (mallory, nobody):
        victim = Browser(site)
        victim.cookies = {**planted.cookies, "authtkt": None}
        victim.log_in("ada")
        victim.visit("/remember?colour=secret")
        victim.connect()
    assert hers.call("who") == "mallory"
    # Nobody's session and that of its victim were the same until the login.
    anonymous.expect_to_come_back()


@pytest.mark.parametrize("value", ["", '""', "INVALID", '"INVALID"', "forged"])
def test_a_chosen_cookie_reaches_no_other_connection(site: Site, value: str) -> None:
    tabs = [site.browser(user).connect() for user in ("ada", None)]
    for cookies in ({"authtkt": value}, {"authtkt": value, "beaker.session.id": value}):
        odd = Browser(site, **cookies).connect()
        mallory = Browser(site, **cookies)
        mallory.log_in("mallory")
        mallory.log_out()
        if value != "forged":
            odd.call("who")
    assert [each.call("who") for each in tabs] == ["ada", None]


def test_a_common_cookie_is_no_reason_to_end_who_is_connecting(
    make: Callable[..., Site],
) -> None:
    """Pages of others, with the same harmless cookie, log in at the same time."""
    site = make("file")
    mallory = Browser(site, lang="en")
    application = site.live.server.application
    visits: list[str] = []

    def meanwhile(environ: Any, start_response: Any) -> Any:
        if "socketio" in environ:
            answer = application.application(environ, start_response)
            visits.append(mallory.visit("/login_handler?login=m&password=sesame"))
            return answer
        return application.application(environ, start_response)

    site.live.server.application = type(application)(meanwhile)
    browser = Browser(site, lang="en")
    browser.log_in("ada")
    assert browser.connect().call("who") == "ada"
    assert len(visits) == 1
