"""``socketio.event_middleware`` sees the environment of each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from webob.exc import HTTPForbidden

from tests.engine.conftest import Live
from tgext.socketio.request.middleware import read_event_middleware

from .tabs import Browser, Site, Tab

NAME = "socketio.event_middleware"


def first(environ: dict[str, Any]) -> None:
    """Does nothing."""


def second(environ: dict[str, Any]) -> None:
    """Does nothing either."""


HERE = __name__


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        (first, (first,)),
        ([first, f"{HERE}:second"], (first, second)),
        (f"{HERE}.first", (first,)),
        (f"{HERE}:first", (first,)),
        (f"{HERE}:first, {HERE}.second", (first, second)),
        (f"\n  {HERE}:second\n  {HERE}:first\n", (second, first)),
    ],
)
def test_functions_and_dotted_names(given: Any, found: tuple[Any, ...]) -> None:
    assert read_event_middleware({NAME: given}) == found
    assert read_event_middleware({}) == ()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("nothing", "cannot import 'nothing'"),
        ("no.such.module", "cannot import 'no.such.module'"),
        (f"{HERE}:third", "cannot import"),
        (f"{HERE}:HERE", "is not a function"),
        (":", "cannot import ':'"),
        ("os.", "cannot import 'os.'"),
        ([3], "3 is not a function"),
    ],
)
def test_what_is_no_function_is_named(given: Any, why: str) -> None:
    with pytest.raises(ValueError, match=NAME) as raised:
        read_event_middleware({NAME: given})
    assert why in str(raised.value)


class Token:
    """Middleware for pages and events: the user is in a header."""

    def __init__(self) -> None:
        self.valid = {"a": "ada", "b": "bob"}
        self.seen: list[str | None] = []

    def __call__(self, environ: dict[str, Any]) -> None:
        user = self.valid.get(environ.get("HTTP_X_TOKEN", ""))
        self.seen.append(user)
        environ.pop("repoze.who.identity", None)
        environ.pop("REMOTE_USER", None)
        environ["tenant"] = f"tenant of {user}"
        if user is not None:
            environ["REMOTE_USER"] = user
            environ["repoze.who.identity"] = {"repoze.who.userid": user}

    def around(self, application: Any) -> Any:
        def middleware(environ: dict[str, Any], start_response: Any) -> Any:
            self(environ)
            return application(environ, start_response)

        return middleware


@pytest.fixture
def token() -> Token:
    return Token()


@pytest.fixture(params=["0", "60"])
def site(
    serve: Callable[..., Live], token: Token, request: pytest.FixtureRequest
) -> Site:
    """An application with and without identities that are remembered."""
    options = {"socketio.identity_ttl": request.param, NAME: token}
    site = Site(serve, **{"session.type": "memory"}, **options)
    watch = site.live.server.application
    site.live.server.application = token.around(watch)
    return site


class WithToken(Browser):
    """A client whose requests have a token."""

    token = "a"

    @property
    def headers(self) -> dict[str, str]:
        return {**super().headers, "X-Token": self.token}


def test_each_event_is_seen_before_its_user_is_looked_up(
    site: Site, token: Token
) -> None:
    tab = WithToken(site).connect()
    token.seen.clear()
    assert tab.call("who") == "ada"
    assert tab.call("environ", "tenant") == "tenant of ada"
    assert tab.call("environ", "tenant") == "tenant of ada"
    assert token.seen == ["ada"] * 3
    # Nothing of an event stays for the next one.
    token.valid["a"] = "ada"
    assert tab.call("manage") == "managed"


@pytest.mark.parametrize("becomes", [None, "bob"])
def test_another_user_ends_the_connection(
    site: Site, token: Token, becomes: str | None
) -> None:
    tab, other = WithToken(site).connect(), WithToken(site)
    other.token = "b"
    others = other.connect()
    assert tab.call("who") == "ada"
    del token.valid["a"]
    if becomes:
        token.valid["a"] = becomes
    tab.client.emit("/lab", "who", number=2)
    tab.expect_to_come_back()
    assert others.call("who") == "bob"


def test_who_was_anonymous_does_not_become_a_user(site: Site, token: Token) -> None:
    browser = WithToken(site)
    browser.token = "c"
    tab = browser.connect()
    assert tab.call("who") is None
    token.valid["c"] = "ada"
    tab.client.emit("/lab", "manage", number=2)
    tab.expect_to_come_back()


def test_cookies_are_read_where_middleware_names_no_user(
    serve: Callable[..., Live],
) -> None:
    def set_tenant(environ: dict[str, Any]) -> None:
        environ["tenant"] = environ["HTTP_HOST"]

    site = Site(serve, **{"session.type": "memory", NAME: [set_tenant]})
    browser = site.browser("ada")
    tab = browser.connect()
    assert tab.call("who") == "ada"
    assert tab.call("environ", "tenant") == f"127.0.0.1:{site.live.port}"
    assert Browser(site).connect().call("who") is None
    browser.log_out()
    tab.expect_to_come_back()


class Gate:
    """Middleware that refuses, or fails."""

    error: Exception | None = None

    def __call__(self, environ: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def gated(serve: Callable[..., Live], gate: Gate) -> Tab:
    site = Site(serve, **{"session.type": "memory", NAME: gate})
    return Tab(Browser(site))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (HTTPForbidden("not your tenant"), ["method_access_denied", "not your tenant"]),
        (RuntimeError("swordfish"), ["internal_error"]),
    ],
)
def test_an_event_that_middleware_refuses_is_not_handled(
    gate: Gate,
    gated: Tab,
    error: Exception,
    told: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert gated.call("environ", "tenant") is None
    gate.error = error
    gated.client.emit("/lab", "fail")
    assert gated.client.event("/lab")[1 : 1 + len(told)] == told
    gate.error = None
    assert gated.call("who") is None
    failed = [each for each in caplog.messages if "'fail'" in each]
    assert len(failed) == (told == ["internal_error"])


def test_middleware_that_fails_lets_nobody_into_a_namespace(
    gate: Gate, gated: Tab
) -> None:
    gate.error = RuntimeError("swordfish")
    gated.client.send("40/other,")
    refused = gated.client.read()
    assert (refused["type"], refused["endpoint"]) == ("refused", "/other")
    assert "swordfish" not in str(refused)
