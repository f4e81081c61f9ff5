"""``@rate_limit`` beside TurboGears' decorators, transactions and channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController, require
from tg.appwrappers.transaction_manager import TransactionApplicationWrapper
from tg.predicates import NotAuthorizedError
from transaction.interfaces import TransientError

from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace, rate_limit
from tgext.socketio.pubsub import PubSubTGNamespace

asked: list[int] = []


class Nobody:
    """A predicate that would be expensive to ask."""

    def check_authorization(self, environ: Any) -> None:
        asked.append(1)
        raise NotAuthorizedError("nobody")


class Orders(SocketIOTGNamespace):
    def initialize(self) -> None:
        self.attempts = 0

    @rate_limit("1/day")
    def on_save(self) -> int:
        self.attempts += 1
        if self.attempts < 3:
            raise TransientError
        return self.attempts

    @rate_limit("2/day")
    @require(Nobody())
    def on_denied(self) -> None: ...

    def on_free(self) -> str:
        return "free"


@rate_limit("3/day")
class Feed(PubSubTGNamespace):
    def subscribe_news(self) -> None: ...

    @rate_limit("1/day")
    def subscribe_archive(self) -> None: ...


class SocketIO(SocketIOController):
    orders, feed = Orders, Feed


class RootController(TGController):
    socketio = SocketIO()


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    configurator = MinimalApplicationConfigurator()
    configurator.register_application_wrapper(TransactionApplicationWrapper)
    options = {"tm.enabled": True, "tm.attempts": 3}
    configurator.update_blueprint({"root_controller": RootController(), **options})
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socketio")


def limited(client: Any, endpoint: str, *args: Any) -> None:
    """Send an event that exceeds a limit."""
    client.emit(endpoint, *args, number=1)
    assert client.event(endpoint)[:2] == ["error", "rate_limited"]


def test_an_event_whose_transaction_is_tried_again_counts_once(live: Live) -> None:
    client = live.client()
    client.join("/orders")
    assert client.call("/orders", "save") == [3]
    limited(client, "/orders", "save")


def test_predicates_are_not_asked_about_events_above_the_limit(live: Live) -> None:
    asked.clear()
    client = live.client()
    client.join("/orders")
    for _ in range(2):
        client.emit("/orders", "denied")
        assert client.event("/orders")[:2] == ["error", "method_access_denied"]
    before = len(asked)
    limited(client, "/orders", "denied")
    assert len(asked) == before


def test_subscribing_is_an_event_that_counts_once(live: Live) -> None:
    client = live.client()
    client.join("/feed")
    assert client.call("/feed", "subscribe", "news") == ["news"]
    assert client.call("/feed", "subscribe", "archive") == ["archive"]
    limited(client, "/feed", "subscribe", "archive")  # by its method
    assert client.read()["args"] == [False]
    limited(client, "/feed", "subscribe", "news")  # by the class
