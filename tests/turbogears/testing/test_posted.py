"""Packets that WebTest posts: the test's socket gets the packets of a client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webtest import TestApp

from tests.turbogears import apps
from tests.turbogears.apps import Posted, make_app, mount, post
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.namespace import SocketIOTGNamespace
from tgext.socketio.pubsub import PubSubTGNamespace


class Plain(SocketIOTGNamespace):
    def on_ping(self):
        return None


class News(PubSubTGNamespace):
    def subscribe_sports(self):
        return None

    def subscribe_weather(self):
        return "the weather"


class Lobby(SocketIOTGNamespace, RoomsMixin):
    def on_enter(self):
        self.join("lobby")

    def on_greet(self):
        self.emit_to_room("lobby", "hello", 1)


def packet(name: str, *args: Any) -> dict[str, Any]:
    return {"type": "event", "endpoint": "/test", "name": name, "args": list(args)}


def test_a_namespace_that_does_not_exist_is_a_bad_request() -> None:
    app = TestApp(make_app(mount(Plain)))
    app.post_json("/socketio/other", packet("ping"), status=400)


def test_a_packet_may_be_posted_as_whatever_type() -> None:
    """TurboGears has read the body of a form when the namespace asks for it."""
    app = TestApp(make_app(mount(Plain)))
    text = json.dumps(packet("missing"))
    for content_type in ("application/x-www-form-urlencoded", "text/plain"):
        posted = app.post("/socketio/test", text, content_type=content_type)
        assert Posted(posted).errors[0][0] == "no_such_method"


def test_a_namespace_without_channels_has_no_jobs() -> None:
    assert post(Plain, "ping").namespace.jobs == []


def test_a_namespace_has_a_job_for_each_channel() -> None:
    namespace = post(News, "subscribe", "sports").namespace
    assert namespace.channels == ["sports"]
    assert len(namespace.jobs) == 1
    namespace.kill_local_jobs()
    assert namespace.jobs == []


def test_a_subscription_that_fails_leaves_no_job() -> None:
    posted = post(News, "subscribe", "unknown")
    assert [name for name, _ in posted.errors] == ["channel_not_available"]
    assert posted.namespace.jobs == []


@pytest.mark.parametrize("message", [None, 1, "text", ["a", {"b": [2.5]}]])
def test_a_message_of_a_channel_is_seen_as_a_packet(message: Any) -> None:
    posted = post(News, "subscribe", "weather")
    posted.namespace.publish("the weather", message)
    posted.namespace.jobs[0].join(0)
    assert posted.sent == [
        {
            "type": "event",
            "endpoint": "/test",
            "name": "pubblication",
            "args": (message,),
        }
    ]
    posted.namespace.kill_local_jobs()


def test_a_broadcast_to_a_room_is_seen_as_a_packet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = apps.Server()
    monkeypatch.setattr(apps, "Server", lambda: server)
    entered, greeting = post(Lobby, "enter"), post(Lobby, "greet")
    assert [each["name"] for each in entered.sent] == ["hello"]
    assert entered.sent[0]["args"] == (1,)
    assert greeting.sent == []
    entered.namespace.disconnect()
