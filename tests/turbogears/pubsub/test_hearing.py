"""Messages of channels that clients receive."""

from __future__ import annotations

import json
from typing import Any

import pytest
import tg

from tests.engine.clients import KINDS, wait_for
from tests.engine.conftest import Live
from tgext.socketio.messaging.channels import Listener

from .conftest import (
    App,
    Rooms,
    connect,
    subscribe,
)

# Hearing


def test_a_message_reaches_all_who_hear_the_channel(live: Live) -> None:
    clients = [connect(live, kind) for kind in KINDS]
    outsider = connect(live)
    subscribe(outsider, "news")
    for client in clients:
        subscribe(client, "room", "1")
    outsider.call("/chat", "say", "room-1", {"text": "grüße ☃", "n": [1, None]})
    for client in clients:
        assert client.event("/chat") == [
            "pubblication",
            {"text": "grüße ☃", "n": [1, None]},
        ]
    assert outsider.call("/chat", "heard") == [["news"]]


def test_messages_come_in_order(live: Live, kind: str) -> None:
    client = connect(live, kind)
    speaker = connect(live)
    subscribe(client, "news")
    for number in range(50):
        speaker.emit("/chat", "say", "news", number)
    heard = [client.event("/chat") for _ in range(50)]
    assert heard == [["pubblication", number] for number in range(50)]


def test_subscribing_twice_delivers_once(live: Live) -> None:
    client = connect(live)
    assert [subscribe(client, "room", "1") for _ in range(2)] == ["room-1"] * 2
    client.call("/chat", "say", "room-1", "hello")
    assert client.event("/chat") == ["pubblication", "hello"]
    assert client.call("/chat", "heard") == [["room-1"]]


def test_several_namespaces_use_one_channel(live: Live, app: App) -> None:
    plain, named = connect(live), connect(live, endpoint="/named")
    subscribe(plain, "room", "1")
    subscribe(named, "room", "1", endpoint="/named")
    assert len(app.channels) == 1
    plain.call("/chat", "say", "room-1", "hello")
    assert plain.event("/chat") == ["pubblication", "hello"]
    assert named.event("/named") == ["pubblication", "hello", "room-1"]


def test_a_message_does_not_run_within_a_request(live: Live) -> None:
    contexts: list[str] = []

    def default(item: Any) -> str:
        try:
            contexts.append(tg.request.path)
        except TypeError:
            contexts.append("no request")
        return json.dumps(item)

    client = connect(live)
    subscribe(client, "news")
    live.socket(client).json_dumps = default
    connect(live).call("/chat", "say", "news", "hello")
    assert client.event("/chat") == ["pubblication", "hello"]
    assert contexts == ["no request"]


# Leaving


@pytest.mark.parametrize("name", ["room-1", "room"])
def test_a_client_unsubscribes(live: Live, app: App, name: str, kind: str) -> None:
    client = connect(live, kind)
    subscribe(client, "room", "1")
    subscribe(client, "news")
    assert client.call("/chat", "unsubscribe", name) == [True]
    assert client.call("/chat", "heard") == [["news"]]
    assert client.call("/chat", "left") == [["room-1"]]
    client.call("/chat", "say", "room-1", "unheard")
    client.call("/chat", "say", "news", "heard")
    assert client.event("/chat") == ["pubblication", "heard"]
    assert len(app.channels) == 1
    assert client.call("/chat", "unsubscribe", name) == [False]


@pytest.mark.parametrize("args", [[], [5], [None], [["news"]], ["unheard of"]])
def test_what_is_not_heard_cannot_be_unsubscribed(live: Live, args: list[Any]) -> None:
    client = connect(live)
    subscribe(client, "news")
    assert client.call("/chat", "unsubscribe", *args) == [False]
    assert client.call("/chat", "heard") == [["news"]]


def test_the_server_unsubscribes(live: Live) -> None:
    client = connect(live)
    subscribe(client, "news")
    client.call("/chat", "drop", "news")
    client.call("/chat", "drop", "news")
    assert client.call("/chat", "heard") == [[]]
    assert client.call("/chat", "left") == [["news"]]


def test_clients_that_disconnect_leave(
    live: Live, app: App, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []
    monkeypatch.setattr(Rooms, "leave_room", lambda self, name: left.append(name))
    client = connect(live, kind)
    for number in "12":
        subscribe(client, "room", number)
    client.close()
    wait_for(lambda: len(left) == 2, "both are left")
    assert sorted(left) == ["room-1", "room-2"]
    assert len(app.channels) == 0


def test_leaving_goes_on_after_a_method_that_raised(
    live: Live, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(self: Any, channel: str) -> None:
        raise RuntimeError("cannot leave")

    monkeypatch.setattr(Rooms, "leave_room", leave)
    client = connect(live)
    for number in "123":
        subscribe(client, "room", number)
    client.close()
    wait_for(lambda: not live.server.sockets, "it has left")
    assert len(app.channels) == 0


def test_who_leaves_the_namespace_hears_nothing(live: Live, app: App) -> None:
    client = connect(live)
    client.join("/named")
    subscribe(client, "news")
    client.leave("/chat")
    client.call("/named", "say", "news", "unheard")
    assert client.call("/named", "heard") == [[]]
    assert len(app.channels) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_left_leaves_nothing_of_what_came_later(
    live: Live, app: App, kind: str
) -> None:
    client = connect(live, kind)
    client.join("/named")
    subscribe(client, "news")
    left = live.socket(client).active_ns["/chat"]
    assert isinstance(left, Rooms)
    listener = Listener(left.socket, "/chat", False, left)
    client.leave("/chat")
    client.join("/chat")
    packet = {"type": "event", "endpoint": "/chat", "name": "subscribe"}
    left.on_subscribe({**packet, "args": ["news"]})
    assert left.channels == []
    assert len(app.channels) == 0
    subscribe(client, "news")
    app.channels.unsubscribe("news", listener)
    client.emit("/named", "say", "news", "heard")
    assert client.event("/chat") == ["pubblication", "heard"]


def test_who_publishes_when_it_leaves_does_not_hear_it(live: Live) -> None:
    client, other = connect(live), connect(live)
    for each in (client, other):
        each.join("/named")
        subscribe(each, "news")
    left: Any = live.socket(client).active_ns["/chat"]
    left.recv_disconnect = lambda: left.publish("news", "left")
    client.leave("/chat")
    assert other.event("/chat") == ["pubblication", "left"]
    # Nothing was sent to it before this.
    assert client.call("/named", "heard") == [[]]
    assert left.left == ["news"]
