"""Jobs of ``spawn``: inside their application, and as events on request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import tg
import transaction
from gevent.event import Event
from tg import MinimalApplicationConfigurator, TGController, predicates
from tg.appwrappers.transaction_manager import TransactionApplicationWrapper
from tg.configurator.components.error_reporting import (
    ErrorReportingConfigurationComponent,
)
from transaction.interfaces import TransientError

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.native import start_in_pool
from tgext.socketio import SocketIOController
from tgext.socketio.engine.concurrency.threads import WrongThread
from tgext.socketio.pubsub import PubSubTGNamespace, publish
from tgext.socketio.transactions import on_commit

from .test_failures import Reporter

notes: list[Any] = []


class Lab(PubSubTGNamespace):
    """Events name a method, which a job runs."""

    def initialize(self):
        self.attempts = 0

    def subscribe_news(self):
        return None

    def on_run(self, name, *args):
        self.spawn(getattr(self, name), *args)

    def on_run_as_event(self, name, *args):
        self.spawn(self.run_in_app, getattr(self, name), *args)

    def on_run_of_the_connection(self, name, *args):
        self.socket.spawn(getattr(self, name), *args)

    def on_part(self):
        environ = tg.request.environ
        return self.run_in_app(lambda: tg.request.environ is environ)

    def look(self):
        user = tg.request.environ.get("repoze.who.identity")
        where = tg.url("/news", params={"a": 1}), tg.config["mark"]
        self.emit("seen", *where, tg.app_globals.mark, user)

    def announce(self, text):
        publish("news", text)

    def tell_all(self):
        SocketIO.namespace("/lab").emit("told", tg.config["mark"])

    def ask_who(self):
        self.emit("met", predicates.not_anonymous().is_met(tg.request.environ))

    def fail(self):
        raise RuntimeError("the reason")

    def give_up(self):
        raise SystemExit(1)

    def tell(self):
        self.emit("at once")
        self.emit_on_commit("on commit")

    def write(self, how):
        try:
            with transaction.manager:
                self.tell()
                if how == "abort":
                    raise KeyError
                if how == "doom":
                    transaction.doom()
        except Exception as error:
            self.emit("raised", type(error).__name__)
        self.emit("over")

    def begin(self):
        transaction.begin().addAfterAbortHook(notes.append, ("aborted",))
        self.tell()

    def conflict(self):
        self.attempts += 1
        self.tell()
        if self.attempts < 3:
            raise TransientError

    def handle(self, name):
        try:
            self.run_in_app(getattr(self, name))
        except BaseException as error:
            self.emit("handled", repr(error))

    def refuse(self):
        tg.abort(403, "No")

    def wait(self):
        transaction.get().addAfterAbortHook(notes.append, ("undone",))
        self.emit("waits")
        Event().wait()

    def wait_a_moment(self):
        with gevent.Timeout(0.01, False):
            self.run_in_app(self.wait)
        self.emit("over")

    def wait_after_commit(self):
        on_commit(Event().wait)
        on_commit(notes.append, "next")
        self.emit("commits")

    def wait_twice(self):
        try:
            self.run_in_app(self.wait_after_commit)
        finally:
            notes.append("interrupted")

    def commit_and_wait(self):
        try:
            with transaction.manager:
                self.wait_after_commit()
            Event().wait()
        finally:
            notes.append("interrupted")

    def quit(self):
        self.disconnect()

    def recv_disconnect(self):
        notes.append(tg.config["mark"])
        self.disconnect(silent=True)


class SocketIO(SocketIOController):
    lab = Lab


class Globals:
    mark = "globals of one"


class OtherGlobals:
    mark = "globals of another"


def application(mark: str = "one", app_globals: type = Globals, **options: Any) -> Any:
    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.register(ErrorReportingConfigurationComponent)
    configurator.register_application_wrapper(TransactionApplicationWrapper)
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": app_globals,
            "mark": mark,
            "tm.enabled": True,
            "tm.attempts": 3,
            **options,
        }
    )
    return configurator.make_wsgi_app({}, {})


@pytest.fixture
def reporter() -> Reporter:
    return Reporter()


@pytest.fixture
def live(serve: Callable[..., Live], reporter: Reporter) -> Live:
    notes.clear()
    options = {"trace_errors.reporters": [reporter]}
    served = serve(application=application(**options), resource="socketio")
    application("another", OtherGlobals)  # is the process's now
    return served


@pytest.fixture
def client(live: Live) -> Any:
    made = live.websocket_5(headers={"Cookie": "a=b"})
    made.join("/lab")
    return made


HOWS = ["run", "run_as_event", "run_of_the_connection"]


@pytest.mark.parametrize("how", HOWS)
def test_a_job_is_inside_its_application(client: Any, how: str) -> None:
    client.emit("/lab", how, "look")
    seen = ["seen", "/news?a=1", "one", "globals of one", None]
    assert client.event("/lab") == seen


@pytest.mark.parametrize("how", HOWS)
def test_a_job_publishes_on_the_channels_of_its_application(
    client: Any, how: str
) -> None:
    assert client.call("/lab", "subscribe", "news") == ["news"]
    client.emit("/lab", how, "announce", "hello")
    assert client.event("/lab") == ["pubblication", "hello"]


@pytest.mark.parametrize("how", HOWS)
def test_a_handle_in_a_job_reaches_the_clients_of_its_application(
    serve: Callable[..., Live], client: Any, how: str
) -> None:
    other = serve(application=application("two", OtherGlobals), resource="socketio")
    stranger = other.websocket_5()
    stranger.join("/lab")
    for each, mark in ((client, "one"), (stranger, "two")):
        each.emit("/lab", how, "tell_all")
        assert each.event("/lab") == ["told", mark]
    assert client.call("/lab", "part") == [True]  # there was nothing else before


def test_a_job_meets_no_requirement(client: Any) -> None:
    client.emit("/lab", "run", "ask_who")
    assert client.event("/lab") == ["met", False]


def test_in_an_event_the_function_is_part_of_it(client: Any) -> None:
    assert client.call("/lab", "part") == [True]


# Failures


@pytest.mark.parametrize(
    ("how", "where"),
    [
        ("run", "namespace /lab"),
        ("run_as_event", "namespace /lab"),
        ("run_of_the_connection", "its connection"),
    ],
)
@pytest.mark.parametrize(
    ("name", "reason"), [("fail", "the reason"), ("give_up", "SystemExit: 1")]
)
def test_a_failure_is_logged_and_reported_once(
    live: Live,
    client: Any,
    reporter: Reporter,
    caplog: pytest.LogCaptureFixture,
    how: str,
    where: str,
    name: str,
    reason: str,
) -> None:
    caplog.set_level(logging.ERROR, logger="tgext.socketio")
    client.emit("/lab", how, name)
    wait_for(lambda: reporter.reports, "the report")
    socket = live.socket(client)
    wait_for(lambda: not socket.jobs, "the end of the job")
    called = "run_in_app" if how == "run_as_event" else name
    messages = [each.getMessage() for each in caplog.records]
    [message] = [each for each in messages if each.startswith("Job ")]
    session = socket.log_name
    ending = f"of {where} failed (user anonymous, session {session})"
    assert message.endswith(f".{called} {ending}")
    assert not [each for each in messages if each.startswith("Event ")]
    assert reason in caplog.text
    [report] = reporter.reports
    assert report.context.environ["HTTP_COOKIE"] == "a=b"


def test_the_greenlet_of_a_job_has_its_failure(live: Live, client: Any) -> None:
    [namespace] = live.socket(client).active_ns.values()
    job = namespace.spawn(namespace.fail)
    job.join(10)
    assert isinstance(job.exception, RuntimeError)
    assert not job.successful()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fail", "RuntimeError('the reason')"),
        ("give_up", "SystemExit(1)"),
        ("refuse", "<HTTPForbidden at"),
    ],
)
def test_a_job_may_handle_the_failure(
    client: Any, reporter: Reporter, name: str, told: str
) -> None:
    client.emit("/lab", "run", "handle", name)
    event = client.event("/lab")
    assert event[0] == "handled"
    assert event[1].startswith(told)
    assert reporter.reports == []


# Transactions


@pytest.mark.parametrize(
    ("how", "events"),
    [
        ("commit", [["at once"], ["on commit"], ["over"]]),
        ("abort", [["at once"], ["raised", "KeyError"], ["over"]]),
        ("doom", [["at once"], ["raised", "DoomedTransaction"], ["over"]]),
    ],
)
def test_what_waits_for_a_jobs_own_transaction_leaves_at_its_commit(
    client: Any, how: str, events: list[Any]
) -> None:
    client.emit("/lab", "run", "write", how)
    assert [client.event("/lab") for _ in events] == events


def test_without_a_transaction_it_leaves_at_once(client: Any) -> None:
    client.emit("/lab", "run", "tell")
    assert client.event("/lab") == ["at once"]
    assert client.event("/lab") == ["on commit"]


def test_a_transaction_that_a_job_leaves_open_is_rolled_back_and_told(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="tgext.socketio")
    client.emit("/lab", "run", "begin")
    assert client.event("/lab") == ["at once"]
    wait_for(lambda: notes, "the end of the transaction")
    assert notes == ["aborted"]
    assert "Lab.begin of namespace /lab did not commit its transaction" in caplog.text
    client.emit("/lab", "run", "tell")
    assert client.event("/lab") == ["at once"]


def test_a_conflict_is_tried_again(client: Any) -> None:
    client.emit("/lab", "run_as_event", "conflict")
    events = [client.event("/lab") for _ in range(4)]
    assert events == [["at once"]] * 3 + [["on commit"]]


@pytest.mark.parametrize("end", ["disconnect", "lost"])
def test_a_client_that_leaves_interrupts_the_event_of_a_job(
    live: Live, client: Any, end: str
) -> None:
    client.emit("/lab", "run_as_event", "wait")
    assert client.event("/lab") == ["waits"]
    if end == "lost":
        client.close()
    else:
        client.send("41/lab,")
    wait_for(lambda: "undone" in notes, "the end of the transaction")
    assert notes == ["one", "undone"]


@pytest.mark.parametrize("name", ["wait_twice", "commit_and_wait"])
def test_a_function_that_waits_after_the_commit_can_be_interrupted(
    live: Live, client: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.emit("/lab", "run", name)
    assert client.event("/lab") == ["commits"]
    live.socket(client).kill()
    wait_for(lambda: "next" in notes and "interrupted" in notes, "the end of the job")
    assert "Error in hook" not in caplog.text


def test_a_timeout_of_a_job_ends_its_event(client: Any) -> None:
    client.emit("/lab", "run", "wait_a_moment")
    assert client.event("/lab") == ["waits"]
    assert client.event("/lab") == ["over"]
    wait_for(lambda: notes, "the end of the transaction")
    assert notes == ["undone"]


def test_a_job_may_end_its_namespace(client: Any) -> None:
    client.emit("/lab", "run", "quit")
    assert client.read() == {"type": "disconnect", "endpoint": "/lab"}
    assert notes == ["one"]


def test_a_native_thread_cannot_run_an_event(live: Live, client: Any) -> None:
    [namespace] = live.socket(client).active_ns.values()
    outcome = start_in_pool(lambda: namespace.run_in_app(namespace.look))
    with pytest.raises(WrongThread, match="an event is only possible"):
        outcome.get()
