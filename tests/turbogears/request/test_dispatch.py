"""An event inside the application's wrappers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tg.appwrappers.base import ApplicationWrapper
from tg.request_local import Response
from webob.exc import HTTPForbidden, HTTPNotFound, HTTPUnauthorized

from tgext.socketio.engine.concurrency.interruption import Interrupted
from tgext.socketio.engine.namespaces.base import ConnectionRefused
from tgext.socketio.engine.namespaces.errors import EventRefused
from tgext.socketio.request.application import Application
from tgext.socketio.request.connection import Connection
from tgext.socketio.request.dispatch import Dispatched, Failed, as_refusal
from tgext.socketio.request.event import Event
from tgext.socketio.request.identity import OtherUser

from .opening import FakeSocket, Wrapper, configuration, context_of, environ_of


def event(*wrappers: type) -> Event:
    config = configuration(*wrappers)
    environ, context = environ_of(FakeSocket()), context_of(config)
    connection = Connection(environ, context, Application(config))
    return Event(connection, {"type": "event", "endpoint": "", "name": "a"})


def run(around: Event, function: Callable[..., Any], *args: Any) -> Any:
    return Dispatched(around, function, args).run()


def raises(error: BaseException) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


class Answering(ApplicationWrapper):
    """A wrapper that answers without running the event."""

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        return Response(status=self.status)

    status = 503


class Forbidding(Answering):
    status = 403


class Repeating(ApplicationWrapper):
    """Runs every event twice, like a wrapper that tries again."""

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        self.next_handler(controller, environ, context)
        return self.next_handler(controller, environ, context)


def test_a_function_runs_inside_the_wrappers() -> None:
    around = event(Wrapper)
    assert run(around, lambda *args: args, 1, 2) == (1, 2)
    assert around.config["seen"] == ["before", 200]


def test_the_last_of_several_runs_counts() -> None:
    around = event(Repeating)
    runs: list[int] = []

    def count() -> int:
        runs.append(len(runs))
        around.when_it_succeeds(runs.append, (len(runs),))
        return len(runs)

    assert run(around, count) == 2
    assert around.at_success == ((runs.append, (2,)),)


def test_a_refusal_of_the_first_run_is_forgotten() -> None:
    answers = [raises(ConnectionRefused("not yet")), lambda: "welcome"]
    assert run(event(Repeating), lambda: answers.pop(0)()) == "welcome"


def test_a_refused_connection_is_a_response_403_for_the_wrappers() -> None:
    around, refused = event(Wrapper), ConnectionRefused("no")
    with pytest.raises(ConnectionRefused) as raised:
        run(around, raises(refused))
    assert raised.value is refused
    assert around.config["seen"] == ["before", 403]


def test_an_http_error_is_the_response_for_the_wrappers() -> None:
    around = event(Wrapper)
    with pytest.raises(EventRefused) as raised:
        run(around, raises(HTTPNotFound("no such room")))
    assert (raised.value.name, raised.value.info) == ("404", "no such room")
    assert around.config["seen"] == ["before", 404]


@pytest.mark.parametrize(
    ("wrapper", "name"), [(Answering, "503"), (Forbidding, "method_access_denied")]
)
def test_a_wrapper_may_answer_in_the_place_of_an_event(
    wrapper: type, name: str
) -> None:
    with pytest.raises(EventRefused) as raised:
        run(event(wrapper), raises(AssertionError("it is not reached")))
    assert raised.value.name == name


@pytest.mark.parametrize("error", [ValueError("a bug"), Interrupted()])
def test_what_fails_otherwise_passes_through(error: BaseException) -> None:
    around = event(Wrapper)
    with pytest.raises(type(error)):
        run(around, raises(error))
    assert around.config["seen"] == ["before"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_wrappers_get_an_exception_for_any_failure(error: BaseException) -> None:
    with pytest.raises(Failed) as raised:
        run(event(Wrapper), raises(error))
    assert raised.value.__cause__ is error


def test_another_user_s_event_does_not_run() -> None:
    around = event(Wrapper)
    around.connection.lookup.changed = True
    with pytest.raises(OtherUser):
        run(around, raises(AssertionError("it is not reached")))


def test_the_end_of_a_connection_runs_whoever_the_user_is() -> None:
    around = event(Wrapper)
    around.connection.lookup.changed = True
    around.connection.socket.kill("user changed")
    assert run(around, lambda: "ended") == "ended"


@pytest.mark.parametrize(
    ("response", "name", "info"),
    [
        (HTTPUnauthorized("log in"), "method_access_denied", "log in"),
        (HTTPForbidden("members"), "method_access_denied", "members"),
        (HTTPNotFound("no room"), "404", "no room"),
        (Response(status=500), "500", "500 Internal Server Error"),
    ],
)
def test_a_response_is_told_as_an_error(response: Any, name: str, info: str) -> None:
    refusal = as_refusal(response)
    assert (refusal.name, refusal.info) == (name, info)
