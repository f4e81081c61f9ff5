"""The greenlet of an application, which is interrupted after its connection ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.concurrency.interruption import Overdue
from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.engine.hub.settings import Settings
from tgext.socketio.engine.websocket.runner import Runner
from tgext.socketio.engine.websocket.wsgi import WebSocket

from ..clients import DEADLINE
from ..conftest import Serve
from ..plain import Noted, serving
from .frames import ABNORMAL


class Application:
    """Waits until a test lets it go on, or it is interrupted."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.go_on = Event()
        self.begun = Event()
        self.errors: list[BaseException] = []

    def __call__(self) -> None:
        with self.runner.running():
            assert self.runner.is_current
            self.begun.set()
            try:
                self.go_on.wait(DEADLINE)
            except Overdue as error:
                self.errors.append(error)


@pytest.fixture
def hub() -> Hub:
    return Hub(Settings(shutdown_timeout=0.02))


@pytest.fixture
def running(hub: Hub) -> tuple[Application, Any]:
    application = Application(Runner(hub))
    greenlet = gevent.spawn(application)
    assert application.begun.wait(DEADLINE)
    return application, greenlet


def test_an_application_has_some_time_to_notice_the_end(
    hub: Hub, running: tuple[Application, Any]
) -> None:
    application, greenlet = running
    assert not application.runner.is_current
    application.runner.connection_ended()
    assert len(hub.timers) == 1
    greenlet.join(DEADLINE)
    (error,) = application.errors
    assert "shutdown_timeout, 0.02 s" in str(error)
    assert hub.registry.interrupted == 1
    assert len(hub.timers) == 0


def test_an_application_that_knows_of_the_end_may_take_its_time(
    hub: Hub, running: tuple[Application, Any]
) -> None:
    application, greenlet = running
    expired: list[bool] = []
    application.runner.notice()
    application.runner.connection_ended()
    while len(hub.timers):
        gevent.sleep(0.005)
        expired.append(True)
    application.go_on.set()
    greenlet.join(DEADLINE)
    assert expired
    assert application.errors == []
    assert hub.registry.interrupted == 0


def test_an_application_that_returns_in_time_leaves_no_timer(
    hub: Hub, running: tuple[Application, Any]
) -> None:
    application, greenlet = running
    application.runner.connection_ended()
    application.go_on.set()
    greenlet.join(DEADLINE)
    assert application.errors == []
    assert len(hub.timers) == 0


@pytest.mark.parametrize("times", [1, 3])
def test_an_application_is_interrupted_once(
    hub: Hub, running: tuple[Application, Any], times: int
) -> None:
    application, greenlet = running
    for _ in range(times):
        application.runner.interrupt()
    greenlet.join(DEADLINE)
    assert len(application.errors) == hub.registry.interrupted == 1


@pytest.mark.parametrize("what", [Runner.interrupt, Runner.connection_ended])
def test_nothing_happens_where_no_application_runs(
    hub: Hub, what: Callable[[Runner], None]
) -> None:
    what(Runner(hub))
    assert len(hub.timers) == 0
    assert hub.registry.interrupted == 0


@pytest.mark.parametrize("error", [KeyError("user"), SystemExit(1)])
def test_a_callback_that_fails_does_not_stop_the_others(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """The other callbacks are called, and `receive` returns None."""

    def fail(websocket: WebSocket) -> None:
        raise error

    def both(websocket: WebSocket) -> None:
        websocket.on_close(fail)
        websocket.on_close(called.append)
        noted(websocket)

    called: list[WebSocket] = []
    noted = Noted()
    client = serve(application=serving(both)).websocket("/")
    client.close()
    assert noted.wait() == (ABNORMAL, "")
    assert len(called) == 1
    assert "A callback of the end of <WebSocket / closed> failed" in caplog.text
