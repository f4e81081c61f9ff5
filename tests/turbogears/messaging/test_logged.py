"""Broadcasts that travel through a log, between processes whose clients recover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from tg import MinimalApplicationConfigurator, TGController

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import SocketIOController
from tgext.socketio.backends.choice import shared_backend
from tgext.socketio.messaging.cluster import CHANNEL, publish_elsewhere
from tgext.socketio.messaging.log import CARRIED, log_of_backend
from tgext.socketio.messaging.topics import topic_of
from tgext.socketio.wire.socketio.packet import event_packet

from .test_recovery import Chat, Plain, join


class Globals: ...


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def settings_of(redis: RedisServer) -> dict[str, Any]:
    return {
        "anypubsub.backend": "redis",
        "anypubsub.host": redis.url,
        "socketio.cluster": "true",
    }


def cut(redis: RedisServer) -> None:
    """Let all processes lose their broker for a moment."""
    with Redis.from_url(redis.url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


Start = Callable[[], Live]


@pytest.fixture
def start(serve: Callable[..., Live], redis: RedisServer) -> Iterator[Start]:
    started: list[Live] = []

    def make() -> Live:
        class SocketIO(SocketIOController):
            chat = Chat
            plain = Plain

        class RootController(TGController):
            socketio = SocketIO()

        configurator = MinimalApplicationConfigurator()
        settings = {**settings_of(redis), "app_globals": Globals}
        configurator.update_blueprint({"root_controller": RootController(), **settings})
        wsgi = configurator.make_wsgi_app({}, {})
        started.append(serve(application=wsgi, resource="socketio"))
        return started[-1]

    Chat.departed.clear()
    yield make
    for live in started:
        live.close_clients()
        live.server.stop(timeout=1)
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed any more")


def test_what_other_processes_send_is_missed_and_received(start: Start) -> None:
    """Also in a room that no other client of this process is in."""
    here, there = start(), start()
    ann, bob = join(here), join(there)
    ann.call("enter", "lobby")
    bob.call("say", "lobby", "one")
    assert ann.event() == ["said", "one"]
    ann.cut()
    bob.call("say", "lobby", "two")
    bob.call("say", "kitchen", "not heard")
    bob.shout("three")
    eve = join(here)
    # What was sent before this has arrived.
    bob.shout("four")
    while (heard := eve.event()) != ["shouted", "four"]:
        assert heard == ["shouted", "three"]
    back = ann.back()
    assert back.recovered
    assert back.events(4) == [
        ["said", "two"],
        ["shouted", "three"],
        ["shouted", "four"],
        ["welcome", True, 2],
    ]
    bob.call("say", "lobby", "five")
    assert back.event() == ["said", "five"]


def test_topics_are_heard_until_nobody_can_come_back(
    start: Start, redis: RedisServer
) -> None:
    here = start()
    ann = join(here)
    ann.call("enter", "lobby")
    topics = sum(redis.subscribers())
    ann.cut()
    assert sum(redis.subscribers()) == topics
    (journal,) = here.server.hub.all_rooms[-1].journals.values()
    journal.close()
    wait_for(lambda: sum(redis.subscribers()) == topics - 2, "its topics are left")


def test_a_process_that_lost_its_broker_gets_what_it_missed(
    start: Start, redis: RedisServer
) -> None:
    here, there = start(), start()
    ann, bob = join(here), join(there)
    bob.shout("one")
    assert ann.event() == ["shouted", "one"]
    cut(redis)
    bob.shout("two")
    bob.shout("three")
    assert ann.events(2) == [["shouted", "two"], ["shouted", "three"]]


def shout(redis: RedisServer, text: str, endpoint: str = "/chat") -> None:
    """Tell all, as a script without an application does."""
    packet = event_packet(endpoint, "shouted", [text])
    publish_elsewhere(packet, None, settings_of(redis))


def test_what_scripts_send_is_missed_and_received(
    start: Start, redis: RedisServer
) -> None:
    ann = join(start())
    for number in range(20):
        if not number % 5:
            cut(redis)
        shout(redis, str(number))
    assert ann.events(20) == [["shouted", str(number)] for number in range(20)]


def test_a_broker_that_has_lost_all_learns_again_what_is_kept(
    start: Start, redis: RedisServer
) -> None:
    ann = join(start())
    note = f"tgext.socketio/log/kept/{topic_of(CHANNEL, '/chat', None)}"
    wait_for(lambda: redis.client.exists(note), "it is declared")
    redis.client.flushall()
    shout(redis, "one")
    assert ann.event() == ["shouted", "one"]
    wait_for(lambda: redis.client.exists(note), "it is declared again")


def test_what_scripts_send_reaches_who_no_longer_keeps_it(
    start: Start, redis: RedisServer
) -> None:
    """An application that let clients recover until it was started anew."""
    live = start()
    backend = shared_backend(settings_of(redis))
    log = log_of_backend(backend)
    assert log is not None
    client = live.websocket_5()
    client.send("40/plain")
    assert client.read()["type"] == "connect"
    client.event("/plain")
    log.declare(topic_of(CHANNEL, "/plain", None), CARRIED)
    shout(redis, "hello", "/plain")
    assert client.event("/plain") == ["shouted", "hello"]


def test_who_has_lost_messages_for_good_is_a_new_client(
    start: Start, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What the broker lost may have been for a client that has gone."""
    live = start()
    ann, bob = join(live), join(live)
    ann.cut()
    redis.client.flushall()
    cut(redis)
    wait_for(lambda: "has lost messages" in caplog.text, "the loss is noticed")
    bob.shout("one")
    assert not ann.back().recovered
    assert bob.cut().back().recovered
