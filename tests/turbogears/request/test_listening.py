"""Clients that only listen to a namespace or a channel are asked again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tg
from tg import MinimalApplicationConfigurator, TGController, require
from tg.predicates import NotAuthorizedError

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.pubsub import PubSubTGNamespace
from tgext.socketio.request.rechecks import MOST_FAILURES


class Right:
    """A predicate: whether everybody has a right, and how often that was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.give()

    def give(self) -> None:
        self.answer: Callable[[], None] = lambda: None
        self.asked = 0

    def take_away(self) -> None:
        def deny() -> None:
            raise NotAuthorizedError(f"no right to {self.name}")

        self.answer = deny

    def check_authorization(self, environ: Any) -> None:
        self.asked += 1
        self.answer()


may_stay, may_read, may_enter = Right("stay"), Right("read"), Right("enter")


class Open(PubSubTGNamespace):
    left: list[str] = []

    def on_echo(self, value: Any) -> Any:
        return value

    def subscribe_news(self) -> None: ...

    @require(may_read)
    def subscribe_archive(self, number: int) -> str:
        return f"archive {number}"

    def leave_archive(self, channel: str) -> None:
        self.left.append(channel)

    def on_heard(self) -> list[str]:
        heard: list[str] = self.channels
        return heard


class Guarded(SocketIOTGNamespace):
    allow_only = may_stay

    def on_echo(self, value: Any) -> Any:
        return value


class SocketIO(SocketIOController):
    open, guarded = Open, Guarded


class Members(SocketIOController):
    allow_only = may_enter
    open, guarded = Open, Guarded


class Globals: ...


@pytest.fixture(autouse=True)
def _rights() -> None:
    for each in (may_stay, may_read, may_enter):
        each.give()
    Open.left.clear()


@pytest.fixture(params=[SocketIO, Members])
def live(request: pytest.FixtureRequest, serve: Callable[..., Live]) -> Live:
    class RootController(TGController):
        socketio = request.param()

    return make(serve, RootController(), "0.05")


def make(serve: Callable[..., Live], root: TGController, interval: str) -> Live:
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": root, "app_globals": Globals})
    options = {"socketio.recheck_interval": interval}
    application = configurator.make_wsgi_app({}, options)
    return serve(application=application, resource="socketio")


def join(live: Live, *endpoints: str) -> Any:
    client = live.client()
    for endpoint in endpoints:
        client.join(endpoint)
    return client


def test_a_client_leaves_the_namespace_that_it_may_not_hear_any_more(
    live: Live,
) -> None:
    client = join(live, "/open", "/guarded")
    wait_for(lambda: may_stay.asked > 3, "it is asked again")
    may_stay.take_away()
    denied = ["error", "method_access_denied", "no right to stay"]
    assert client.event("/guarded") == denied
    assert client.read() == {"type": "disconnect", "endpoint": "/guarded"}
    assert client.call("/open", "echo", 1) == [1]


def test_events_elsewhere_do_not_keep_it_there(live: Live) -> None:
    """Those of another namespace ask the controller only."""
    client = join(live, "/open", "/guarded")
    may_stay.take_away()
    answers = 0
    while "/guarded" in live.socket(client):
        client.emit("/open", "echo", 1, number=1)
        answers += 1
        while client.read()["type"] != "ack":
            pass
    assert answers


def test_a_client_leaves_the_channels_that_it_may_not_hear_any_more(
    live: Live,
) -> None:
    client = join(live, "/open")
    for number in (1, 2):
        assert client.call("/open", "subscribe", "archive", number) == (
            [f"archive {number}"]
        )
    assert client.call("/open", "subscribe", "news") == ["news"]
    before = may_read.asked
    wait_for(lambda: may_read.asked > before + 3, "it is asked again")
    may_read.take_away()
    reason = 'You do not have access to method "subscribe_archive"'
    for number in (1, 2):
        told = {"channel": f"archive {number}", "reason": reason}
        assert client.event("/open") == ["error", "subscription_ended", told]
    assert client.call("/open", "heard") == [["news"]]
    assert Open.left == ["archive 1", "archive 2"]


def test_two_channels_of_a_method_are_one_question(live: Live) -> None:
    client = join(live, "/open")
    for number in range(20):
        client.call("/open", "subscribe", "archive", number)
    namespace: Any = live.socket(client)["/open"]
    before = may_read.asked
    assert namespace._tgsio_listening.ask_again()  # noqa: SLF001
    assert 1 <= may_read.asked - before <= 2  # it may be asked in time as well


def test_a_predicate_that_aborts_denies(live: Live) -> None:
    client = join(live, "/open", "/guarded")
    client.call("/open", "subscribe", "archive", 1)

    def abort() -> None:
        tg.abort(403, "closed")

    may_read.answer = abort
    error, name, told = client.event("/open")
    assert (error, name, told["channel"]) == (
        "error",
        "subscription_ended",
        "archive 1",
    )
    may_stay.answer = abort
    assert client.event("/guarded")[:2] == ["error", "method_access_denied"]
    assert client.read() == {"type": "disconnect", "endpoint": "/guarded"}


def test_who_cannot_be_asked_while_others_can_leaves(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    client, other = join(live, "/guarded"), join(live, "/open")
    other.call("/open", "subscribe", "archive", 1)

    def fail() -> None:
        raise LookupError("no database")

    may_stay.answer = fail
    wait_for(lambda: not live.socket(client).active_ns, "it leaves")
    assert f"failed {MOST_FAILURES} times in a row" in caplog.text
    assert other.call("/open", "heard") == [["archive 1"]]


def test_namespaces_without_requirements_are_not_asked(live: Live) -> None:
    client = join(live, "/open")
    client.call("/open", "subscribe", "news")
    namespace: Any = live.socket(client)["/open"]
    assert namespace._tgsio_listening is None  # noqa: SLF001


def test_with_0_nobody_is_asked(serve: Callable[..., Live]) -> None:
    class RootController(TGController):
        socketio = SocketIO()

    live = make(serve, RootController(), "0")
    client = join(live, "/guarded")
    before = may_stay.asked
    assert client.call("/guarded", "echo", 1) == [1]
    assert may_stay.asked == before + 1
