"""A user who is active over a connection stays logged in."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.conftest import Live
from tgext.socketio.request import activity
from tgext.socketio.request.application import Application

from .opening import configuration
from .tabs import Site

#: Seconds: a ticket expires after 20, if no page issues it anew after 10.
TICKETS = {"sa_auth.authtkt.timeout": 20, "sa_auth.authtkt.reissue_time": 10}


@pytest.fixture
def make(serve: Callable[..., Live]) -> Callable[..., Site]:
    def make(**options: Any) -> Site:
        return Site(serve, **{"session.type": "memory", **TICKETS, **options})

    return make


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass for tickets and for what remembers activity."""
    passed, now, monotonic = [0.0], time.time, time.monotonic
    clock = SimpleNamespace(monotonic=lambda: monotonic() + passed[0])
    monkeypatch.setattr(time, "time", lambda: now() + passed[0])
    monkeypatch.setattr(activity, "time", clock)

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


def test_who_is_active_stays_logged_in(
    make: Callable[..., Site], wait: Callable[[float], None]
) -> None:
    tab = make().browser("ada").connect()
    for _ in range(6):
        wait(15)
        assert tab.call("who") == "ada"
    wait(21)
    tab.client.emit("/lab", "who")
    tab.expect_to_come_back()


@pytest.mark.parametrize(
    ("seconds", "pause", "stays"),
    [
        # The ticket has expired after the second pause, or the third.
        ("", 19, True),
        ("30", 19, True),
        ("30", 29, True),
        (15, 11, True),
        (15, 17, False),
        ("0", 11, False),
        (0, 19, False),
    ],
)
def test_the_option_is_how_long_an_event_counts(
    make: Callable[..., Site],
    wait: Callable[[float], None],
    seconds: object,
    pause: float,
    stays: bool,
) -> None:
    site = make(**{"socketio.activity_timeout": seconds})
    tab = site.browser("ada").connect()
    for _ in range(3):
        wait(pause)
        tab.client.emit("/lab", "who", number=1)
        message = tab.client.receive()
        if message == "1":
            break
        assert message == '43/lab,1["ada"]'
    assert (message != "1") is stays


def test_without_a_timeout_tickets_do_not_expire(
    serve: Callable[..., Live], wait: Callable[[float], None]
) -> None:
    tab = Site(serve, **{"session.type": "memory"}).browser("ada").connect()
    wait(10_000)
    assert tab.call("who") == "ada"


def test_an_ack_is_no_activity(
    make: Callable[..., Site], wait: Callable[[float], None]
) -> None:
    """Clients send it by themselves."""
    tab = make().browser("ada").connect()
    tab.client.emit("/lab", "ask")
    tab.client.emit("/lab", "ask")
    for question in (tab.client.read(), tab.client.read()):
        wait(15)
        tab.client.send(tab.client.dialect.ack("/lab", question["id"], ("yes",)))
    tab.expect_to_come_back()


def test_a_logout_counts_after_the_ticket_has_expired(
    make: Callable[..., Site], wait: Callable[[float], None]
) -> None:
    browser = make().browser("ada")
    tab = browser.connect()
    for _ in range(2):
        wait(15)
        assert tab.call("who") == "ada"
    browser.log_out()
    tab.expect_to_come_back()
    assert browser.connect().call("who") is None


@pytest.mark.parametrize(("user", "stays"), [("ada", True), ("bob", False)])
def test_a_login_after_the_ticket_has_expired(
    make: Callable[..., Site], wait: Callable[[float], None], user: str, stays: bool
) -> None:
    browser = make().browser("ada")
    tab = browser.connect()
    for _ in range(2):
        wait(15)
        assert tab.call("who") == "ada"
    browser.log_in(user)
    if stays:
        wait(15)
        assert tab.call("who") == "ada"
    else:
        tab.expect_to_come_back()


def test_a_permission_that_was_taken_away_is_gone_for_the_next_event(
    make: Callable[..., Site], wait: Callable[[float], None]
) -> None:
    site = make()
    tab = site.browser("ada").connect()
    assert tab.call("manage") == "managed"
    for _ in range(2):
        wait(15)
        assert tab.call("who") == "ada"
    site.users.permissions.clear()
    tab.client.emit("/lab", "manage")
    assert tab.client.event("/lab")[:2] == ["error", "method_access_denied"]


def test_a_ticket_that_expired_opens_no_connection(
    make: Callable[..., Site], wait: Callable[[float], None]
) -> None:
    """What is remembered is the connection's."""
    browser = make().browser("ada")
    tab = browser.connect()
    wait(15)
    tab.call("who")
    wait(15)
    assert browser.connect().call("who") is None
    assert tab.call("who") == "ada"


def test_an_application_may_limit_it(
    make: Callable[..., Site], wait: Callable[[float], None]
) -> None:
    """The ticket tells when a page has issued it."""
    site = make(**{"identity.allow_missing_user": False})
    find = site.users.get_user

    def get_user(identity: Any, userid: str) -> Any:
        is_old = time.time() - identity["timestamp"] > 40
        return None if is_old else find(identity, userid)

    site.users.get_user = get_user  # type: ignore[method-assign]
    tab = site.browser("ada").connect()
    for _ in range(2):
        wait(15)
        assert tab.call("manage") == "managed"
    wait(15)
    assert not tab.call("who")
    tab.client.emit("/lab", "manage")
    assert tab.client.event("/lab")[:2] == ["error", "method_access_denied"]


def test_a_forged_ticket_is_not_accepted(
    make: Callable[..., Site], wait: Callable[[float], None]
) -> None:
    site = make()
    tab = site.browser("ada").connect()
    environ = site.live.socket(tab.client).runner.connection.environ
    environ["HTTP_COOKIE"] = environ["HTTP_COOKIE"].replace('authtkt="', 'authtkt="0')
    tab.client.emit("/lab", "who")
    tab.expect_to_come_back()


@pytest.mark.parametrize("value", ["soon", "-1", "nan", [1]])
def test_an_invalid_option_is_named(value: object) -> None:
    config = configuration(**{"socketio.activity_timeout": value})
    with pytest.raises(ValueError, match=r"socketio.activity_timeout: .* is not a"):
        Application(config)
