"""Clients that come back to another process than the one that had their connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer
from tgext.socketio.messaging.cluster import publish_elsewhere
from tgext.socketio.wire.socketio.packet import event_packet

from .test_recovery import Chat, Globals, Member, SocketIO, join

Start = Callable[..., Live]


def settings_of(redis: RedisServer) -> dict[str, Any]:
    return {
        "anypubsub.backend": "redis",
        "anypubsub.host": redis.url,
        "socketio.cluster": "true",
    }


@pytest.fixture
def start(serve: Callable[..., Live], redis: RedisServer) -> Iterator[Start]:
    """Starts a process: a server with an application of its own."""
    started: list[Live] = []

    def start(**options: Any) -> Live:
        class RootController(TGController):
            socketio = SocketIO()

        configurator = MinimalApplicationConfigurator()
        settings = {**settings_of(redis), "app_globals": Globals}
        configurator.update_blueprint({"root_controller": RootController(), **settings})
        wsgi = configurator.make_wsgi_app({}, {})
        started.append(serve(application=wsgi, resource="socketio", **options))
        return started[-1]

    yield start
    for live in started:
        live.close_clients()
        live.server.stop(timeout=1)
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed any more")


def back_at(live: Live, member: Member) -> Member:
    return Member(live, member.pid, member.offset).connected()


def test_a_client_comes_back_to_another_process(start: Start) -> None:
    here, there = start(), start()
    ann, bob = join(here), join(there)
    ann.call("enter", "lobby")
    ann.call("put", "name", "Ann")
    bob.emit("say", "lobby", "one")
    assert ann.event() == ["said", "one"]
    ann.cut()
    bob.emit("say", "lobby", "two")
    bob.emit("say", "kitchen", "not heard")
    bob.shout("three")
    back = back_at(there, ann)
    assert back.recovered
    assert back.sid == ann.sid
    assert back.events(2) == [["said", "two"], ["shouted", "three"]]
    assert back.event() == ["welcome", True, 2]
    assert back.call("whoami") == [True, ["/chat_lobby"], [], {"name": "Ann"}]
    bob.emit("say", "lobby", "four")
    assert back.event() == ["said", "four"]
    assert Chat.departed


def test_what_a_script_sent_meanwhile_is_missed_and_received(
    start: Start, redis: RedisServer
) -> None:
    here, there = start(), start()
    ann, bob = join(here), join(there)
    ann.cut()
    bob.shout("one")
    packet = event_packet("/chat", "shouted", ["two"])
    publish_elsewhere(packet, None, settings_of(redis))
    assert bob.event() == ["shouted", "two"]
    back = back_at(there, ann)
    assert back.recovered
    assert back.events(2) == [["shouted", "one"], ["shouted", "two"]]


def test_a_room_that_the_process_has_not_heard_before(start: Start) -> None:
    """However much was sent to other topics, which it does not hear."""
    here, there, third = start(), start(), start()
    ann, bob, eve = join(here), join(third), join(there)
    ann.call("enter", "lobby")
    bob.call("enter", "kitchen")
    ann.cut()
    for number in range(5):
        bob.call("say", "kitchen", number)
    bob.call("say", "lobby", "one")
    for number in range(5):
        bob.call("say", "kitchen", number)
    back = back_at(there, ann)
    assert back.recovered
    assert back.events(2) == [["said", "one"], ["welcome", True, 2]]
    bob.call("say", "lobby", "two")
    assert back.event() == ["said", "two"]
    eve.call("whoami")
