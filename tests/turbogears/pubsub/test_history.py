"""Channels with a history, as clients see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tg import TGController, expose, require
from tg.predicates import not_anonymous

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer
from tgext.socketio import SocketIOController
from tgext.socketio.pubsub import PubSubTGNamespace, publish

from ..apps import post
from ..backends.conftest import server  # noqa: F401
from .conftest import App, Globals, connect, subscribe


class History(PubSubTGNamespace):
    history = 5
    pubblication_position = True

    def subscribe_news(self) -> None: ...

    def subscribe_room(self, number: int) -> str:
        return f"room-{number}"

    def subscribe_closed(self) -> bool:
        return False

    @require(not_anonymous())
    def subscribe_members(self) -> None: ...

    def on_say(self, channel: str, message: Any, key: str | None = None) -> None:
        self.publish(channel, message, key=key)

    def on_say_on_commit(self, channel: str, message: Any) -> None:
        self.publish(channel, message, on_commit=True, key="key")


class Rewinding(History):
    rewind = 2
    pubblication_position = False
    pubblication_channel = True


class Plain(PubSubTGNamespace):
    def subscribe_news(self) -> None: ...

    def on_say(self, channel: str, message: Any) -> None:
        self.publish(channel, message)

    def on_say_bytes(self, channel: str) -> None:
        self.publish(channel, {"data": b"\x00\xff"})


class SocketIO(SocketIOController):
    history = History
    rewinding = Rewinding
    plain = Plain


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def announce(self, text: str) -> str:
        publish("news", text)
        return "announced"


@pytest.fixture(params=["memory", "redis"])
def live(
    request: pytest.FixtureRequest,
    serve: Callable[..., Live],
    server: RedisServer,  # noqa: F811
) -> Any:
    options = {}
    if request.param == "redis":
        server.client.flushall()
        options = {"anypubsub.backend": "redis", "anypubsub.port": str(server.port)}
    app = App(root_controller=RootController(), app_globals=Globals, **options)
    yield serve(application=app.wsgi, resource="socketio")
    wait_for(lambda: len(app.channels) == 0, "all subscriptions end")
    if request.param == "redis":
        app.channels.backend.close()


def say(client: Any, *args: Any, endpoint: str = "/history") -> None:
    """Publish. A client that listens may hear of it before the ack."""
    assert client.call(endpoint, "say", *args) in ([None], [])


def heard(client: Any, endpoint: str = "/history") -> list[Any]:
    name, *args = client.event(endpoint)
    assert name == "pubblication"
    return list(args)


def ack(client: Any) -> Any:
    packet = client.read()
    assert packet["type"] == "ack", packet
    return packet["args"]


@pytest.mark.parametrize("kind", ["0.9-websocket", "4-polling"])
def test_a_client_gets_what_it_missed(live: Live, kind: str) -> None:
    client, speaker = (
        connect(live, kind, "/history"),
        connect(live, endpoint="/history"),
    )
    assert subscribe(client, "news", endpoint="/history") == "news"
    say(speaker, "news", 1)
    number, position = heard(client)
    assert number == 1
    client.close()
    for number in range(2, 5):
        say(speaker, "news", number)
    again = connect(live, kind, "/history")
    again.emit("/history", "resume", position, "news", number=7)
    missed = [heard(again) for _ in range(3)]
    assert [number for number, _ in missed] == [2, 3, 4]
    assert ack(again) == [["news", True]]
    say(speaker, "news", 5)
    assert heard(again)[0] == 5
    for number in range(6, 12):
        say(speaker, "news", number)
    late = connect(live, kind, "/history")
    late.emit("/history", "resume", position, "news", number=8)
    assert [heard(late)[0] for _ in range(5)] == [7, 8, 9, 10, 11]
    assert ack(late) == [["news", False]]
    for each in (again, late, speaker):
        each.close()


def test_resuming_takes_what_subscribing_takes(live: Live) -> None:
    client = connect(live, endpoint="/history")
    client.emit("/history", "resume", None, "room", 3, number=1)
    assert ack(client) == [["room-3", False]]
    for args, name in [
        ((None, "closed"), "subscription_rejected"),
        ((None, "nothing"), "channel_not_available"),
        ((None,), "channel_not_specified"),
        ((), "channel_not_specified"),
        (("last tuesday", "news"), "invalid_position"),
        ((7, "news"), "invalid_position"),
        ((None, "members"), "method_access_denied"),
    ]:
        client.emit("/history", "resume", *args, number=2)
        told = client.read()
        assert [told["name"], told["args"][0]] == ["error", name], args
        assert not (answer := ack(client))[0] or "error" in answer[0], answer
    client.close()


def test_who_may_not_subscribe_may_not_resume() -> None:
    class Closed(History):
        def get_initial_acl(self) -> list[str]:
            return ["on_resume", "recv_connect"]

    posted = post(Closed, "resume", None, "news")
    assert [name for name, _ in posted.errors] == ["method_access_denied"]
    assert posted.namespace.channels == []


def test_an_own_subscribe_decides_about_resuming() -> None:
    class Own(History):
        def on_subscribe(self, packet: Any) -> Any:
            return False

    assert post(Own, "resume", None, "news").namespace.channels == []


def test_a_dashboard_has_the_latest_values_at_once(live: Live) -> None:
    speaker = connect(live, endpoint="/history")
    for number in range(4):
        say(speaker, "news", number)
    client = connect(live, endpoint="/rewinding")
    client.emit("/rewinding", "subscribe", "news", number=1)
    assert [heard(client, "/rewinding") for _ in range(2)] == [[2, "news"], [3, "news"]]
    assert ack(client) == ["news"]
    assert client.call("/rewinding", "subscribe", "news") == ["news"], "not twice"
    say(speaker, "news", 4)
    assert heard(client, "/rewinding") == [4, "news"]
    client.close()
    speaker.close()


def test_whoever_publishes_is_in_the_history(live: Live) -> None:
    client = connect(live, endpoint="/history")
    subscribe(client, "news", endpoint="/history")
    plain = connect(live, endpoint="/plain")
    assert live.http().get("/announce?text=page").text == "announced"
    say(plain, "news", "plain", endpoint="/plain")
    assert [heard(client)[0] for _ in range(2)] == ["page", "plain"]
    other = connect(live, endpoint="/history")
    other.emit("/history", "resume", None, "news", number=1)
    assert [heard(other)[0] for _ in range(2)] == ["page", "plain"]
    for each in (client, plain, other):
        each.close()


def test_a_message_with_a_key_is_sent_once(live: Live) -> None:
    client, speaker = (
        connect(live, endpoint="/history"),
        connect(live, endpoint="/history"),
    )
    subscribe(client, "news", endpoint="/history")
    for message, key in [(1, "a"), (1, "a"), (2, "b"), (3, None), (1, "a")]:
        say(speaker, "news", message, key)
    assert [heard(client)[0] for _ in range(3)] == [1, 2, 3]
    say(speaker, "news", 4)
    assert heard(client)[0] == 4
    client.close()
    speaker.close()


@pytest.mark.parametrize("endpoint", ["/history", "/plain"])
def test_bytes_are_published(live: Live, endpoint: str) -> None:
    client = connect(live, endpoint=endpoint)
    old = connect(live, "0.9-websocket", endpoint)
    for each in (client, old):
        subscribe(each, "news", endpoint=endpoint)
    speaker = connect(live, endpoint="/plain")
    speaker.call("/plain", "say_bytes", "news")
    say(speaker, "news", "text", endpoint="/plain")
    text = client.receive()
    assert text.startswith(f'451-{endpoint},["pubblication",{{"data":{{"_placeholder"')
    assert client.receive_bytes() == b"\x00\xff"
    assert heard(client, endpoint)[0] == "text"
    assert heard(old, endpoint)[0] == "text", "clients 0.9 have no bytes"
    for each in (client, old, speaker):
        each.close()


def test_what_waits_for_the_commit_has_a_key_too(live: Live) -> None:
    client, speaker = (connect(live, endpoint="/history") for _ in range(2))
    subscribe(client, "news", endpoint="/history")
    for _ in range(2):
        speaker.call("/history", "say_on_commit", "news", "once")
    say(speaker, "news", "last")
    assert [heard(client)[0] for _ in range(2)] == ["once", "last"]
    client.close()
    speaker.close()


@pytest.mark.parametrize("live", ["redis"], indirect=True)
def test_who_may_have_lost_messages_for_good_is_told(
    live: Live,
    server: RedisServer,  # noqa: F811
) -> None:
    """Those who know positions can ask for what is missing; for others nothing is new.

    The broker has lost what it had, and the process its link.
    """
    client = connect(live, endpoint="/history")
    other = connect(live, endpoint="/rewinding")
    speaker = connect(live, endpoint="/history")
    assert subscribe(client, "news", endpoint="/history") == "news"
    assert subscribe(other, "news", endpoint="/rewinding") == "news"
    say(speaker, "news", 1)
    number, position = heard(client)
    assert (number, heard(other, "/rewinding")) == (1, [1, "news"])
    server.client.flushall()
    server.client.client_kill_filter(_type="pubsub")
    told = {"channel": "news"}
    assert client.event("/history") == ["error", "messages_lost", told]
    client.emit("/history", "resume", position, "news", number=7)
    assert ack(client) == [["news", False]]
    say(speaker, "news", 2)
    assert heard(client)[0] == 2
    assert heard(other, "/rewinding") == [2, "news"]
    for each in (client, other, speaker):
        each.close()
