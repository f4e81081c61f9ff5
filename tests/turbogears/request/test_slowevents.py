"""Slow events are reported as slow pages are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import gevent.event
import pytest
from tg import MinimalApplicationConfigurator, TGController
from tg.appwrappers.base import ApplicationWrapper
from tg.configurator.components.slow_requests import SlowRequestsConfigurationComponent

from tests.engine.clients import DEADLINE, wait_for
from tests.engine.conftest import Live
from tests.turbogears.slow import Reporter, reporter
from tgext.socketio import SocketIOController, SocketIOTGNamespace, event

__all__ = ["reporter"]

go_on = gevent.event.Event()


class Waiting(SocketIOTGNamespace):
    def on_wait_here(self) -> str:
        assert go_on.wait(DEADLINE)
        return "waited"

    def on_fail_late(self) -> None:
        assert go_on.wait(DEADLINE)
        raise RuntimeError("on purpose")

    @event("a\nline")
    def on_line(self) -> None:
        assert go_on.wait(DEADLINE)

    def on_be_quick(self) -> str:
        return "quick"


class SlowToConnect(SocketIOTGNamespace):
    def recv_connect(self) -> None:
        assert go_on.wait(DEADLINE)


class SocketIO(SocketIOController):
    waiting = Waiting
    slow = SlowToConnect


class Wrapper(ApplicationWrapper):
    """Events pass through wrappers, or they do not: both are reported."""

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        return self.next_handler(controller, environ, context)


@pytest.fixture(params=[True, False], ids=["wrapped", "bare"])
def start(
    request: pytest.FixtureRequest, serve: Callable[..., Live], reporter: Reporter
) -> Callable[..., Live]:
    go_on.clear()

    def start(**options: Any) -> Live:
        class RootController(TGController):
            socketio = SocketIO()

        configurator = MinimalApplicationConfigurator()
        configurator.register(SlowRequestsConfigurationComponent)
        if request.param:
            configurator.register_application_wrapper(Wrapper)
        configurator.update_blueprint(
            {
                "root_controller": RootController(),
                "debug": False,
                "trace_slowreqs.enable": True,
                "trace_slowreqs.interval": 1,
                "trace_slowreqs.reporters": [reporter],
                **options,
            }
        )
        app = configurator.make_wsgi_app({}, {})
        return serve(application=app, resource="socketio")

    return start


def test_the_stack_of_an_event_that_waits_is_reported_once(
    start: Callable[..., Live], reporter: Reporter
) -> None:
    client = start().websocket_5()
    client.join("/waiting")
    asked = gevent.spawn(client.call, "/waiting", "wait_here")
    wait_for(lambda: reporter.reports, "the report")
    go_on.set()
    assert asked.get(timeout=DEADLINE) == ["waited"]
    [report] = reporter.reports
    assert report.exception == (
        "SlowRequestError: /socketio/ (wait_here of namespace /waiting)"
    )
    assert "on_wait_here" in [frame.function_name for frame in report.frames]
    assert report.context.request.path == "/socketio/"


def test_an_event_of_the_oldest_clients_is_reported(
    start: Callable[..., Live], reporter: Reporter
) -> None:
    """The environment of their events has the WebSocket of the session."""
    client = start().websocket_1()
    client.join("/waiting")
    client.emit("/waiting", "wait_here")
    wait_for(lambda: reporter.reports, "the report")
    go_on.set()
    assert "(wait_here of namespace /waiting)" in reporter.reports[0].exception


def test_an_event_that_fails_in_the_end_is_reported(
    start: Callable[..., Live], reporter: Reporter
) -> None:
    client = start().websocket_5()
    client.join("/waiting")
    client.emit("/waiting", "fail_late")
    wait_for(lambda: reporter.reports, "the report")
    go_on.set()
    assert client.event("/waiting")[1] == "internal_error"
    assert len(reporter.reports) == 1


def test_a_name_that_a_client_chose_is_escaped(
    start: Callable[..., Live], reporter: Reporter
) -> None:
    client = start().websocket_5()
    client.join("/waiting")
    client.emit("/waiting", "a\nline")
    wait_for(lambda: reporter.reports, "the report")
    go_on.set()
    assert "(a\\nline of" in reporter.reports[0].exception


def test_a_connect_packet_is_reported(
    start: Callable[..., Live], reporter: Reporter
) -> None:
    client = start().websocket_5()
    client.send(client.dialect.connect("/slow"))
    wait_for(lambda: reporter.reports, "the report")
    go_on.set()
    assert "(connect of namespace /slow)" in reporter.reports[0].exception


@pytest.mark.parametrize(
    "options",
    [
        {"trace_slowreqs.enable": False},
        {"debug": True},
        {"trace_slowreqs.exclude": ["/socketio"]},
    ],
    ids=str,
)
def test_what_is_not_to_be_reported_is_not(
    start: Callable[..., Live], reporter: Reporter, options: dict[str, Any]
) -> None:
    client = start(**options).websocket_5()
    client.join("/waiting")
    asked = gevent.spawn(client.call, "/waiting", "wait_here")
    gevent.sleep(1.2)
    go_on.set()
    assert asked.get(timeout=DEADLINE) == ["waited"]
    assert reporter.reports == []


def test_quick_events_are_not_reported(
    start: Callable[..., Live], reporter: Reporter
) -> None:
    client = start(**{"trace_slowreqs.interval": 3600}).websocket_5()
    client.join("/waiting")
    for _ in range(3):
        assert client.call("/waiting", "be_quick") == ["quick"]
    assert reporter.reports == []
