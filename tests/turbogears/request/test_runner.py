"""The runner of a connection's events: contexts, guards, failures, the end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
import tg
from tg import predicates
from webob.exc import (
    HTTPForbidden,
    HTTPFound,
    HTTPNotFound,
    HTTPServiceUnavailable,
)

from tgext.socketio.engine.concurrency.failures import ConnectionLost, Reported
from tgext.socketio.engine.concurrency.interruption import Interrupted
from tgext.socketio.engine.namespaces.base import ConnectionRefused
from tgext.socketio.engine.namespaces.errors import EventRefused
from tgext.socketio.request.application import Application
from tgext.socketio.request.context import configs, contexts
from tgext.socketio.request.runner import USER_CHANGED, Runner
from tgext.socketio.request.transactions import on_commit

from .opening import FakeSocket, Wrapper, configuration, context_of, environ_of

EVENT = {"type": "event", "endpoint": "/chat", "name": "ask"}
LEAVING = {"type": "disconnect", "endpoint": "/chat"}

ADA = {"repoze.who.userid": "ada", "groups": (), "permissions": ()}


class Opened:
    """A connection that was opened.

    :param wrappers: the application wrappers.
    """

    def __init__(
        self, *wrappers: type, allow_only: Any = (), user: Any = None, **config: Any
    ) -> None:
        self.config = configuration(*wrappers, **config)
        # Otherwise it would be asked again while later tests run.
        self.config["socketio.recheck_interval"] = 0
        self.socket = FakeSocket()
        environ = environ_of(self.socket)
        if user is not None:
            environ["repoze.who.identity"] = user
            environ["repoze.what.credentials"] = user
        context, application = context_of(self.config), Application(self.config)
        self.runner = Runner(environ, context, application, allow_only)
        self.run = self.runner.run


@pytest.fixture(params=[(), (Wrapper,)], ids=["plain", "wrapped"])
def opened(request: pytest.FixtureRequest) -> Opened:
    return Opened(*request.param)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Any:
    yield
    assert contexts() == configs() == []


def raises(error: BaseException) -> Callable[..., Any]:
    def fail(*args: Any) -> Any:
        raise error

    return fail


def test_a_function_is_called_with_its_arguments(opened: Opened) -> None:
    assert opened.run(lambda *args: args, 1, EVENT) == (1, EVENT)
    assert opened.run(lambda: "no arguments") == "no arguments"


def test_turbogears_shows_the_context_of_the_event(opened: Opened) -> None:
    def look(packet: Any) -> Any:
        assert tg.request.environ["socketio"] is opened.socket
        assert tg.app_globals.upper() == "GLOBALS"
        assert tg.config["seen"] is opened.config["seen"]
        return tg.request.query_string

    assert opened.run(look, {**EVENT, "qs": "a=1"}) == "a=1"


def test_an_event_within_an_event_of_the_connection_is_part_of_it(
    opened: Opened,
) -> None:
    def outer(packet: Any) -> Any:
        environ = tg.request.environ
        return opened.run(lambda _: tg.request.environ is environ, EVENT)

    assert opened.run(outer, EVENT) is True


def test_an_event_of_another_connection_has_a_context_of_its_own(
    opened: Opened,
) -> None:
    other = Opened()

    def outer(packet: Any) -> Any:
        inner = other.run(lambda _: tg.request.environ["socketio"], EVENT)
        return inner, tg.request.environ["socketio"]

    assert opened.run(outer, EVENT) == (other.socket, opened.socket)


def test_wrappers_of_two_events_never_nest_in_a_greenlet() -> None:
    opened, other = Opened(Wrapper), Opened(Wrapper)

    def outer(packet: Any) -> Any:
        mine = gevent.getcurrent()
        return other.run(lambda _: gevent.getcurrent() is not mine, EVENT)

    assert opened.run(outer, EVENT) is True
    with pytest.raises(EventRefused):
        opened.run(lambda _: other.run(raises(HTTPNotFound()), EVENT), EVENT)


def test_an_http_error_is_a_refusal(opened: Opened) -> None:
    with pytest.raises(EventRefused) as raised:
        opened.run(raises(HTTPForbidden("members only")), EVENT)
    refused = raised.value
    assert (refused.name, refused.info) == ("method_access_denied", "members only")


@pytest.mark.parametrize("error", [ConnectionRefused("no"), EventRefused("a", "b")])
def test_a_refusal_is_raised_as_it_is(opened: Opened, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        opened.run(raises(error), EVENT)
    assert raised.value is error


def test_a_failure_is_logged_once(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Reported):
        opened.run(raises(ValueError("a bug")), EVENT)
    [line] = caplog.messages
    assert line == (
        "Event 'ask' of namespace /chat failed (user anonymous, session 12345678)"
    )
    assert "a bug" in caplog.text


def test_a_failure_without_a_packet_names_the_function(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(Reported):
        Opened().run(raises(ValueError("a bug")))
    assert "raises.<locals>.fail" in caplog.messages[-1]


def test_a_failure_goes_to_the_reporters_unless_the_client_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened, reported = Opened(), []
    application: Any = opened.runner.application
    application.report = reported.append
    with pytest.raises(Reported):
        opened.run(raises(ConnectionLost("gone")), EVENT)
    assert reported == []
    with pytest.raises(Reported):
        opened.run(raises(ValueError("a bug")), EVENT)
    assert reported[0]["socketio"] is opened.socket


def test_an_interruption_is_no_failure(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(Interrupted):
        opened.run(raises(Interrupted()), EVENT)
    assert caplog.messages == []


def test_what_waits_for_success_is_called_after_the_event(opened: Opened) -> None:
    done: list[str] = []

    def handler(packet: Any) -> None:
        on_commit(done.append, "late")
        done.append("handled")

    opened.run(handler, EVENT)
    assert done == ["handled", "late"]


def test_what_waits_for_success_is_not_called_after_a_failure(opened: Opened) -> None:
    done: list[str] = []

    def handler(packet: Any) -> None:
        on_commit(done.append, "late")
        raise ValueError("a bug")

    with pytest.raises(Reported):
        opened.run(handler, EVENT)
    assert done == []


# The guard of the controller

MEMBERS = predicates.not_anonymous(msg="Members only")


def test_who_meets_allow_only_is_served() -> None:
    opened = Opened(allow_only=[MEMBERS], user=ADA)
    assert opened.run(lambda _: "served", EVENT) == "served"
    assert opened.socket.endings == []


def test_who_does_not_meet_allow_only_is_told_and_disconnected() -> None:
    opened = Opened(allow_only=[MEMBERS])
    with pytest.raises(EventRefused) as raised:
        opened.run(raises(AssertionError("it is not called")), EVENT)
    assert raised.value.info == "Members only"
    assert opened.socket.endings == ["finish"]
    gevent.sleep(0)  # the caller has sent the reason
    assert opened.socket.endings == ["finish", "disconnect"]


def test_every_controller_on_the_way_decides() -> None:
    bob = predicates.is_user("bob", msg="Bob only")
    opened = Opened(allow_only=[MEMBERS, bob, MEMBERS], user=ADA)
    with pytest.raises(EventRefused) as raised:
        opened.run(lambda _: "served", EVENT)
    assert raised.value.info == "Bob only"


def test_allow_only_does_not_keep_a_client_from_leaving() -> None:
    opened = Opened(allow_only=[MEMBERS])
    assert opened.run(lambda _: "left", LEAVING) == "left"
    assert opened.run(lambda: "told of a timeout") == "told of a timeout"


# Another user


def test_an_event_that_finds_another_user_ends_the_connection(opened: Opened) -> None:
    opened.runner.connection.lookup.changed = True
    with pytest.raises(Reported):
        opened.run(lambda _: "not told", EVENT)
    assert opened.socket.endings == [USER_CHANGED]


@pytest.mark.parametrize(
    "error",
    [KeyError("user"), HTTPNotFound(), ConnectionRefused(), EventRefused("no", "no")],
    ids=lambda error: type(error).__name__,
)
def test_so_does_one_that_fails_because_of_that(
    opened: Opened, error: BaseException
) -> None:
    opened.runner.connection.lookup.changed = True
    with pytest.raises(Reported):
        opened.run(raises(error), EVENT)
    assert opened.socket.endings == [USER_CHANGED]


def test_one_that_is_interrupted_ends_the_connection_and_itself() -> None:
    opened = Opened()
    opened.runner.connection.lookup.changed = True
    with pytest.raises(Interrupted):
        opened.run(raises(Interrupted()), EVENT)
    assert opened.socket.endings == [USER_CHANGED]


def test_the_last_event_of_a_connection_that_ended_succeeds(opened: Opened) -> None:
    opened.runner.connection.lookup.changed = True
    opened.socket.kill(USER_CHANGED)
    assert opened.run(lambda _: "told", LEAVING) == "told"


# Clients that are asked again


class Rule(predicates.Predicate):
    """A predicate that does what a test wants, and lets everyone in until then."""

    message = "no"

    def __init__(self) -> None:
        super().__init__()
        self.decide: Callable[..., Any] = bool

    def evaluate(self, environ: Any, credentials: Any) -> None:
        self.decide()


Ruled = Callable[..., tuple[Opened, Rule]]


@pytest.fixture
def ruled(caplog: pytest.LogCaptureFixture) -> Ruled:
    def open_with_rule(*wrappers: type, **options: Any) -> tuple[Opened, Rule]:
        rule = Rule()
        opened = Opened(*wrappers, allow_only=(rule,), **options)
        caplog.clear()
        return opened, rule

    return open_with_rule


DENIED = [
    predicates.NotAuthorizedError("no"),
    HTTPForbidden(),
    HTTPFound(location="/login"),
    ConnectionRefused("no"),
    EventRefused("no", "no"),
]


def named(error: BaseException) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", DENIED, ids=named)
@pytest.mark.parametrize("wrappers", [(), (Wrapper,)], ids=["plain", "wrapped"])
def test_a_denial_disconnects_an_idle_client(
    ruled: Ruled,
    wrappers: Any,
    error: BaseException,
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened, rule = ruled(*wrappers)
    assert opened.runner.ask_again()
    assert opened.socket.endings == []
    rule.decide = raises(error)
    assert opened.runner.ask_again()
    gevent.sleep(0)
    assert opened.socket.endings == ["finish", "disconnect"]
    assert caplog.messages == []
    opened.runner.ask_again()
    gevent.sleep(0)
    assert opened.socket.endings == ["finish", "disconnect"]


@pytest.mark.parametrize("error", DENIED, ids=named)
def test_a_denial_of_a_predicate_disconnects_who_sends_an_event(
    ruled: Ruled, error: BaseException
) -> None:
    opened, rule = ruled()
    rule.decide = raises(error)
    with pytest.raises((EventRefused, ConnectionRefused)):
        opened.run(raises(AssertionError("not reached")), EVENT)
    gevent.sleep(0)
    assert opened.socket.endings == ["finish", "disconnect"]


@pytest.mark.parametrize("error", [TypeError(), SystemExit(), gevent.Timeout(1)])
@pytest.mark.parametrize("wrappers", [(), (Wrapper,)], ids=["plain", "wrapped"])
def test_a_failure_to_ask_is_logged_once_and_disconnects_nobody(
    ruled: Ruled,
    wrappers: Any,
    error: BaseException,
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened, rule = ruled(*wrappers)
    rule.decide = raises(error)
    assert not opened.runner.ask_again()
    gevent.sleep(0)
    assert opened.socket.endings == []
    assert len(caplog.messages) == 1


class Closed(Wrapper):
    """A wrapper that lets nothing through."""

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        return HTTPServiceUnavailable()


def test_a_wrapper_that_lets_nobody_ask_is_a_failure(
    ruled: Ruled,
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened, _ = ruled(Closed)
    assert not opened.runner.ask_again()
    assert opened.socket.endings == []
    line = "Asking session 12345678 again whether it may stay failed"
    assert caplog.messages == [line]


@pytest.mark.parametrize("denied", [False, True])
def test_so_is_a_database_session_that_cannot_be_removed(
    ruled: Ruled, denied: bool, caplog: pytest.LogCaptureFixture
) -> None:
    session = SimpleNamespace(remove=raises(OSError("gone away")))
    opened, rule = ruled(use_sqlalchemy=True, DBSession=session)
    if denied:
        rule.decide = raises(HTTPForbidden())
    assert opened.runner.ask_again() is denied
    gevent.sleep(0)
    assert opened.socket.endings == (["finish", "disconnect"] if denied else [])
    assert "OSError: gone away" in caplog.text
    assert len(caplog.messages) == 1


def test_who_is_given_up_is_disconnected_and_the_log_says_why(
    ruled: Ruled,
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened, _ = ruled()
    opened.runner.give_up(3)
    gevent.sleep(0)
    assert opened.socket.endings == ["finish", "disconnect"]
    assert "Disconnected session 12345678: asking whether it may stay" in caplog.text
    assert "(allow_only) failed 3 times in a row" in caplog.text


# The database session


def with_database() -> tuple[Opened, list[str]]:
    removed: list[str] = []
    session = SimpleNamespace(remove=lambda: removed.append("removed"))
    return Opened(use_sqlalchemy=True, DBSession=session), removed


@pytest.mark.parametrize("error", [ValueError("gone away"), Interrupted()])
def test_a_database_session_that_cannot_be_removed_leaves_no_context(
    error: BaseException,
) -> None:
    """The next event would be taken for a part of this one, and not be guarded."""
    session = SimpleNamespace(remove=raises(error))
    opened = Opened(use_sqlalchemy=True, DBSession=session)
    with pytest.raises(type(error)):
        opened.run(lambda _: "answer", EVENT)
    assert not contexts()
    assert not configs()


@pytest.mark.parametrize("error", [None, ValueError(), HTTPNotFound(), Interrupted()])
def test_each_event_removes_its_database_session(error: BaseException | None) -> None:
    opened, removed = with_database()
    handler = (lambda _: None) if error is None else raises(error)
    try:
        opened.run(handler, EVENT)
    except (Reported, EventRefused, Interrupted):
        assert error is not None
    assert removed == ["removed"]


def test_a_job_removes_its_database_session() -> None:
    opened, removed = with_database()
    job = opened.runner.job(lambda *args: args)
    assert job(1, 2) == (1, 2)
    assert removed == ["removed"]
    error = ValueError("a bug")
    with pytest.raises(Reported) as reported:
        opened.runner.job(raises(error), "/chat")()
    assert reported.value.__cause__ is error
    assert removed == ["removed", "removed"]


@pytest.mark.parametrize("error", [Interrupted(), gevent.GreenletExit()])
def test_a_job_that_is_ended_did_not_fail(
    opened: Opened, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(type(error)):
        opened.runner.job(raises(error))()
    assert caplog.records == []
