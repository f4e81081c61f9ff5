"""Broadcasts that travel through a log, between processes whose clients recover."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from tg import MinimalApplicationConfigurator, TGController

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import SocketIOController

from .test_recovery import Chat, Plain, join


class Globals: ...


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


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
        settings = {
            "anypubsub.backend": "redis",
            "anypubsub.host": redis.url,
            "socketio.cluster": "true",
            "app_globals": Globals,
        }
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
    with Redis.from_url(redis.url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    bob.shout("two")
    bob.shout("three")
    assert ann.events(2) == [["shouted", "two"], ["shouted", "three"]]
