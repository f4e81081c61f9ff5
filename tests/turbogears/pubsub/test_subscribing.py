"""Subscribing to channels, and being refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.engine.test_floods import PATIENCE, others

from ..apps import post
from .conftest import (
    App,
    Rooms,
    connect,
    subscribe,
)

NOT_SPECIFIED = (
    "channel_not_specified",
    "You must specify the channel you want to subscribe",
)


NOT_AVAILABLE = (
    "channel_not_available",
    "Trying to subscribe to a channel not available",
)


REJECTED = (
    "subscription_rejected",
    "Your subscription has been rejected by server",
)


@pytest.mark.parametrize(
    ("args", "channel"),
    [
        (["news"], "news"),
        (["news of today"], "news of today"),
        (["news.of-today"], "news.of-today"),
        (["news:of_today"], "news:of_today"),
        (["room", "1"], "room-1"),
        (["count", 5], "count"),
        (["silent"], "silent"),
        (["packet", "a", "b"], "packet a b"),
        (["table", "1"], "table 2"),
        (["seat", "1"], "seat"),
    ],
)
def test_a_client_hears_what_the_method_says(args: list[Any], channel: str) -> None:
    posted = post(Rooms, "subscribe", *args)
    assert posted.errors == []
    assert posted.namespace.channels == [channel]
    posted.namespace.kill_local_jobs()


@pytest.mark.parametrize(
    ("args", "errors"),
    [
        ([], [NOT_SPECIFIED]),
        (["closed"], [REJECTED]),
        (["unheard of"], [NOT_AVAILABLE]),
        (["nothing"], [NOT_AVAILABLE]),
        ([""], [NOT_AVAILABLE]),
        ([5], [NOT_AVAILABLE]),
        ([None], [NOT_AVAILABLE]),
        ([["news"]], [NOT_AVAILABLE]),
        ([{"news": 1}], [NOT_AVAILABLE]),
        (["news\n"], [NOT_AVAILABLE]),
        (["news/of/today"], [NOT_AVAILABLE]),
        (["ñews"], [NOT_AVAILABLE]),
        (
            ["members"],
            [
                (
                    "method_access_denied",
                    'You do not have access to method "subscribe_members"',
                )
            ],
        ),
        (["room"], [("invalid_method_args", 'subscribe_room misses "number"')]),
        (["table", "x"], [("invalid_method_args", {"number": "Must be a number"})]),
        (["seat", "x"], []),
    ],
)
def test_a_client_that_may_not_hears_nothing(
    args: list[Any], errors: list[Any]
) -> None:
    posted = post(Rooms, "subscribe", *args)
    assert posted.errors == errors
    assert posted.namespace.channels == []


class Forgiving(Rooms):
    """Its decorator catches the exceptions of handlers, as one that logs them might."""

    answer: Any = None

    def subscribe_private(self) -> None:
        raise KeyError("ada")

    def subscribe_lobby(self) -> str:
        return "the lobby"

    def exception_handler_decorator(
        self, function: Callable[..., Any]
    ) -> Callable[..., Any]:
        def decorated(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except KeyError:
                return self.answer

        return decorated


@pytest.mark.parametrize("answer", [None, True, "private"])
def test_a_method_whose_failure_is_caught_subscribes_to_nothing(answer: Any) -> None:
    class Answering(Forgiving):
        pass

    Answering.answer = answer
    posted = post(Answering, "subscribe", "private")
    assert posted.errors == ([] if answer is None else [REJECTED])
    assert posted.namespace.channels == []


def test_a_method_that_is_decorated_subscribes() -> None:
    posted = post(Forgiving, "subscribe", "lobby")
    assert posted.namespace.channels == ["the lobby"]
    posted.namespace.kill_local_jobs()


def test_a_requirement_that_is_met_lets_in() -> None:
    posted = post(Rooms, "subscribe", "members", user="ada")
    assert posted.namespace.channels == ["members"]
    posted.namespace.kill_local_jobs()


def test_a_name_that_cannot_be_is_not_looked_up() -> None:
    looked_up: list[str] = []

    class Curious(Rooms):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("subscribe_"):
                looked_up.append(name)
            raise AttributeError(name)

    post(Curious, "subscribe", "a/b")
    assert looked_up == []
    post(Curious, "subscribe", "a-b")
    assert looked_up == ["subscribe_a_b"]


def test_as_many_channels_as_are_allowed_and_one_more(
    serve: Callable[..., Live], app: App, caplog: pytest.LogCaptureFixture
) -> None:
    """In all namespaces of a connection together; each channel counts once."""
    live = serve(application=app.wsgi, resource="socketio", max_channels=3)
    client = connect(live)
    client.join("/named")
    assert subscribe(client, "room", "1") == "room-1"
    assert subscribe(client, "room", "2") == "room-2"
    assert subscribe(client, "room", "1", endpoint="/named") == "room-1"
    with caplog.at_level("INFO", "tgext.socketio.pubsub"):
        client.emit("/named", "subscribe", "news", number=5)
        assert client.event("/named") == ["error", *NOT_AVAILABLE]
    assert client.read()["args"] == [False]
    [line] = caplog.messages
    reason = "max_channels: a client has 3 already"
    assert line == f"A subscription (news) is refused: {reason}"
    assert subscribe(client, "room", "2") == "room-2"
    assert client.call("/chat", "unsubscribe", "room-2") == [True]
    assert subscribe(client, "news", endpoint="/named") == "news"
    assert len(live.server.sockets) == 1


def test_leaving_very_many_channels_lets_others_run(
    serve: Callable[..., Live], app: App
) -> None:
    live = serve(application=app.wsgi, resource="socketio", max_channels=10**6)
    client = connect(live)
    namespace: Any = live.socket(client)["/chat"]
    for number in range(2000):
        namespace.on_subscribe({"args": ["room", number]})
    assert len(app.channels) == 2000
    with others() as gaps:
        client.close()
        wait_for(lambda: len(namespace.left) == 2000, "all are left")
    assert not len(app.channels)
    assert gaps.longest < PATIENCE


def test_the_ack_is_the_channel_or_false(live: Live, kind: str) -> None:
    client = connect(live, kind)
    assert subscribe(client, "news") == "news"
    assert subscribe(client, "room", "1") == "room-1"
    client.emit("/chat", "subscribe", "closed", number=1)
    assert client.event("/chat") == ["error", *REJECTED]
    assert client.read()["args"] == [False]


def test_a_method_that_raises_subscribes_to_nothing(live: Live, app: App) -> None:
    client = connect(live)
    client.emit("/chat", "subscribe", "broken")
    assert client.event("/chat") == ["error", "internal_error", "Internal server error"]
    assert client.call("/chat", "heard") == [[]]
    assert len(app.channels) == 0


def test_who_left_meanwhile_is_not_subscribed(live: Live, app: App) -> None:
    client = connect(live)
    other = connect(live)
    client.emit("/chat", "subscribe", "leaving")
    assert client.read()["type"] == "disconnect"
    assert other.call("/chat", "heard") == [[]]
    assert len(app.channels) == 0
