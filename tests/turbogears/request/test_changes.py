"""What other processes are told of a page, and how cookies are found by digest."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any

import pytest
from beaker.session import SessionObject

from tgext.socketio.drivers import applications
from tgext.socketio.request.browsers import make_directory, share
from tgext.socketio.request.changes import Change
from tgext.socketio.request.cookieheaders import plain
from tgext.socketio.request.cookies import CookieWatch

OPTIONS = {"type": "cookie", "key": "session", "validate_key": "secret"}


class Elsewhere:
    """Keeps what it is told."""

    exists = True

    def __init__(self) -> None:
        self.told: list[Change] = []

    def tell(self, change: Change) -> None:
        self.told.append(change)


class Application(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def application(monkeypatch: pytest.MonkeyPatch) -> Application:
    names = {"sa_auth.cookie_name": "ticket", "session.key": "session"}
    made = Application(config=names)
    monkeypatch.setattr("tgext.socketio.request.cookies.applications", [made])
    assert applications is not None
    return made


def told(
    cookie: str, *set_cookies: str, user: str | None = "ada", **environ: Any
) -> list[Change]:
    """What a page tells other processes."""
    elsewhere = Elsewhere()

    def application(environ: Any, start_response: Any) -> list[bytes]:
        if user is not None:
            environ["repoze.who.identity"] = {"repoze.who.userid": user}
        start_response("200 OK", [("Set-Cookie", each) for each in set_cookies])
        return []

    watched = CookieWatch(application, elsewhere)
    watched({"HTTP_COOKIE": cookie, **environ}, lambda status, headers: None)
    return elsewhere.told


class Api:
    """Knows users by their tickets, as ``repoze.who`` does."""

    environ: Any = None

    def authenticate(self) -> None:
        users = {"ticket=a": "ada", "ticket=A": "ada", "ticket=b": "bob"}
        user = users.get(self.environ["HTTP_COOKIE"])
        if user is not None:
            self.environ["repoze.who.identity"] = {"repoze.who.userid": user}


TICKET, SESSION = {"ticket": "a"}, {"session": "s"}
BOTH = {**TICKET, **SESSION}
LOGIN = Change(TICKET, True, False, False)

#: The cookies of a page's request, what it sets, its user, and what others are told.
PAGES = {
    "a logout": ("ticket=a", "ticket=; Max-Age=0", "ada", LOGIN),
    "a login, told by its user": (
        "session=s", "ticket=a", "ada", Change(SESSION, True, False, False)
    ),
    "another user, told by the new one": ("ticket=a", "ticket=b", "bob", LOGIN),
    "a login": ("session=s", "ticket=a", None, Change(SESSION, True, False, False)),
    "another user": ("ticket=a", "ticket=b", "ada", LOGIN),
    "a ticket that is not valid": (
        "ticket=a", "ticket=x", "ada", LOGIN
    ),
    "a ticket issued anew": (
        "ticket=a", "ticket=A", "ada",
        Change(TICKET, False, False, False, {"ticket": "A"}),
    ),
    "the same ticket": ("ticket=a", 'ticket="a"', "ada", None),
    "another session": (
        "ticket=a; session=s", "session=t", "ada", Change(BOTH, False, True, True)
    ),
    "the end of a session": (
        "session=s", "session=; Max-Age=0", None, Change(SESSION, False, True, True)
    ),
    "a first session": ("lang=en", "session=s", None, None),
    "a first session of a user": ("ticket=a", "session=s", "ada", None),
    "another cookie": ("ticket=a; session=s", "lang=en", "ada", None),
    "a cookie of other pages": ("ticket=a", "ticket=b; Path=/elsewhere", "ada", None),
    "no ticket any more": (
        "ticket=INVALID; session=s", "ticket=; Max-Age=0", None, None
    ),
    "no secret": ("ticket=INVALID", "ticket=a", None, None),
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_others_are_told_of_logins_logouts_and_other_sessions(page: str) -> None:
    cookie, set_cookie, user, expected = PAGES[page]
    found = told(cookie, set_cookie, user=user, **{"repoze.who.api": Api()})
    assert found == ([] if expected is None else [expected])


def test_the_page_where_users_log_out_is_enough() -> None:
    """It deletes no ticket that has expired."""
    plugins = {"form": SimpleNamespace(logout_handler_path="/logout")}
    environ = {"PATH_INFO": "/logout", "repoze.who.plugins": plugins}
    assert told("ticket=a", user=None, **environ) == (
        [Change(TICKET, True, False, False)]
    )
    assert told("lang=en", user=None, **environ) == []


def test_a_user_who_cannot_be_looked_up_may_be_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Api):
        def authenticate(self) -> None:
            raise LookupError("no database")

    [change] = told("ticket=a", "ticket=A", **{"repoze.who.api": Failing()})
    assert change.login
    assert "Looking up the user of a new cookie failed" in caplog.text


def saved(cookie: str, **values: Any) -> tuple[Any, str]:
    session = SessionObject({"HTTP_COOKIE": cookie}, **OPTIONS)
    session.update(values)
    session.save()
    session.persist()
    return session, session.__dict__["_headers"]["cookie_out"].strip()


@pytest.mark.parametrize(
    ("values", "new", "expected"),
    [
        ({"colour": "red"}, False, (False, False, False)),
        ({"colour": "blue"}, False, (False, False, True)),
        ({"colour": "red"}, True, (False, True, True)),
    ],
)
def test_a_session_in_a_cookie_is_another_when_it_holds_another(
    values: dict[str, Any], new: bool, expected: Any
) -> None:
    cookie = saved("", colour="red")[1].partition(";")[0]
    session, set_cookie = saved("" if new else cookie, **values)
    [found] = told(cookie, set_cookie, user=None, **{"beaker.session": session})
    assert found[1:4] == expected
    later = {} if new else {"session": plain(set_cookie.split("=", 1)[1].split(";")[0])}
    assert found.renewed == later


def test_handshakes_tell_of_no_session() -> None:
    """The tabs of a browser would end each other."""
    assert told("session=s", "session=t", user=None, socketio=object()) == []
    [change] = told("ticket=a", "ticket=; Max-Age=0", socketio=object())
    assert change.login


def test_a_process_that_is_alone_is_asked_nothing() -> None:
    class Alone(Elsewhere):
        exists = False

    elsewhere = Alone()
    watched = CookieWatch(
        lambda environ, start: start("200 OK", [("Set-Cookie", "ticket=b")]), elsewhere
    )
    watched({"HTTP_COOKIE": "ticket=a"}, lambda status, headers: [])
    assert elsewhere.told == []


class Owner:
    def follow(self, page: Any) -> None: ...

    def hear(self, change: Any) -> None: ...


def test_cookies_are_found_while_a_connection_has_them() -> None:
    owner, other = Owner(), Owner()
    shared = [share("ticket", "early", owner)]
    directory = make_directory(lambda name, value: f"{value}-{name}")
    shared += [share("session", "s", owner), share("session", "s", other)]
    digests = ["early-ticket", "s-session", "unknown"]
    assert directory.had(digests) == (
        {"ticket": "early", "session": "s"},
        {owner, other},
    )
    shared.clear()
    gc.collect()
    assert directory.had(digests) == ({}, set())
    assert len(directory) == 0


def test_a_cookie_is_found_by_its_latest_values() -> None:
    owner = Owner()
    directory = make_directory(lambda name, value: f"{name}-{value}")
    shared = share("ticket", "0", owner)
    for number in range(20):
        directory.renew(f"ticket-{number}", f"ticket-{number + 1}")
    directory.renew("ticket-unknown", "ticket-other")
    for digest in ("ticket-0", "ticket-20", "ticket-13"):
        assert directory.had([digest]) == ({"ticket": "0"}, {owner})
    for digest in ("ticket-12", "ticket-1", "ticket-other"):
        assert directory.had([digest]) == ({}, set())
    assert shared.pair == ("ticket", "0")
