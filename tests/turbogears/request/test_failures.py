"""A failed event is logged, and goes to the error reporters as a failed page does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController, predicates
from tg.configurator.components.error_reporting import (
    ErrorReportingConfigurationComponent,
)

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace


class Reporter:
    """An error reporter of backlash."""

    def __init__(self) -> None:
        self.reports: list[Any] = []

    def report(self, traceback: Any) -> None:
        self.reports.append(traceback)


class Lab(SocketIOTGNamespace):
    def on_fail(self):
        raise RuntimeError("the reason")

    def on_answer_wrongly(self):
        return object()

    def on_ask(self):
        self.emit("question", callback=lambda answer: 1 / 0, timeout=0.001)

    def on_wait(self):
        self.call("question")

    def recv_disconnect(self):
        self.disconnect(silent=True)
        raise RuntimeError("left in anger")


class Refusing(SocketIOTGNamespace):
    allow_only = predicates.not_anonymous()


class Broken(SocketIOTGNamespace):
    def initialize(self):
        raise RuntimeError("not now")


class SocketIO(SocketIOController):
    lab = Lab
    refusing = Refusing
    broken = Broken


@pytest.fixture
def reporter() -> Reporter:
    return Reporter()


def make_app(**options: Any) -> Any:
    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.register(ErrorReportingConfigurationComponent)
    configurator.update_blueprint({"root_controller": RootController(), **options})
    return configurator.make_wsgi_app({}, {})


@pytest.fixture
def live(serve: Callable[..., Live], reporter: Reporter) -> Live:
    application = make_app(**{"trace_errors.reporters": [reporter]})
    return serve(application=application, resource="socketio")


@pytest.fixture
def client(live: Live, caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.ERROR, logger="tgext.socketio")
    made = live.websocket_5(headers={"Cookie": "a=b"})
    made.join("/lab")
    return made


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("tgext.socketio")
    ]


def test_the_log_says_what_failed_once(
    live: Live, client: Any, caplog: pytest.LogCaptureFixture, reporter: Reporter
) -> None:
    client.emit("/lab", "fail")
    assert client.event("/lab")[1] == "internal_error"
    socket = live.socket(client)
    name = socket.log_name
    assert logged(caplog) == [
        f"Event 'fail' of namespace /lab failed (user anonymous, session {name})"
    ]
    attributes = vars(caplog.records[-1])
    assert attributes["socketio_event"] == "fail"
    assert attributes["socketio_namespace"] == "/lab"
    assert attributes["socketio_session"] == name
    assert "socketio_user" not in attributes
    assert len(name) == 8
    assert socket.sessid not in caplog.text
    assert "the reason" in caplog.text
    [report] = reporter.reports
    assert report.exception.startswith("RuntimeError: the reason")
    assert report.context.environ["HTTP_COOKIE"] == "a=b"


def test_an_ack_that_cannot_be_written_is_reported(
    live: Live, client: Any, caplog: pytest.LogCaptureFixture, reporter: Reporter
) -> None:
    client.emit("/lab", "answer_wrongly", number=1)
    assert client.event("/lab")[1] == "internal_error"
    [message] = logged(caplog)
    assert message.startswith("Event 'answer_wrongly' of namespace /lab failed (user")
    assert len(reporter.reports) == 1


def test_a_failed_callback_is_reported(
    client: Any, caplog: pytest.LogCaptureFixture, reporter: Reporter
) -> None:
    client.emit("/lab", "ask")
    assert client.read()["name"] == "question"
    wait_for(lambda: reporter.reports, "the report")
    [message] = logged(caplog)
    assert "Lab.on_ask.<locals>.<lambda>" in message


def test_a_namespace_that_cannot_be_made_is_reported(
    client: Any, caplog: pytest.LogCaptureFixture, reporter: Reporter
) -> None:
    client.send("40/broken,")
    assert client.receive() == '44/broken,{"message":"Internal server error"}'
    [message] = logged(caplog)
    assert message.startswith("Event 'connect' of namespace /broken failed")
    assert len(reporter.reports) == 1


def test_a_failed_end_is_reported(
    live: Live, client: Any, caplog: pytest.LogCaptureFixture, reporter: Reporter
) -> None:
    live.socket(client).kill()
    [message] = logged(caplog)
    assert message.startswith("Event 'disconnect' of namespace /lab failed")
    assert len(reporter.reports) == 1


def test_a_refusal_is_no_failure(
    client: Any, caplog: pytest.LogCaptureFixture, reporter: Reporter
) -> None:
    client.send("40/refusing,")
    assert client.receive().startswith("44/refusing,")
    assert logged(caplog) == []
    assert reporter.reports == []


@pytest.mark.parametrize("options", [{}, {"trace_errors.enable": False}])
def test_an_application_need_not_have_reporters(
    serve: Callable[..., Live],
    options: dict[str, Any],
    reporter: Reporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if options:
        options = {**options, "trace_errors.reporters": [reporter]}
    live = serve(application=make_app(**options), resource="socketio")
    client = live.websocket_5()
    client.join("/lab")
    client.emit("/lab", "fail")
    assert client.event("/lab")[1] == "internal_error"
    assert len(logged(caplog)) == 1
    assert reporter.reports == []


def test_a_client_that_leaves_before_it_answers_is_not_reported(
    live: Live, client: Any, caplog: pytest.LogCaptureFixture, reporter: Reporter
) -> None:
    caplog.set_level(logging.INFO, logger="tgext.socketio")
    client.emit("/lab", "wait")
    assert client.read()["name"] == "question"
    client.close()
    wait_for(lambda: "before it answered" in caplog.text, "the line")
    [line] = [each for each in logged(caplog) if "before it answered" in each]
    assert line.startswith("Event 'wait' of namespace /lab failed (user anonymous")
    assert [
        each.exception for each in reporter.reports if "Lost" in each.exception
    ] == []
