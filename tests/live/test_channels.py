"""Channels and broadcasts between processes, over a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.engine import clients
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis

from .crowds import ask, crowd, in_parallel, state, wait_until, write_ini
from .serving import ROOT, Server

MakeServer = Callable[..., Server]

#: A script that publishes numbers; it has a configuration, and no server.
PUBLISHER = """
import json, sys
from tgext.socketio.pubsub import publish
settings, channel, count = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    publish(channel, number, settings)
"""


@pytest.fixture(autouse=True)
def _resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for a test that kills it."""
    with running_redis(tmp_path) as server:
        yield server


def over(redis: RedisServer) -> dict[str, str]:
    return {"anypubsub.backend": "redis", "anypubsub.host": redis.url}


@pytest.fixture
def servers(serve: MakeServer, tmp_path: Path) -> Iterator[Callable[..., list[Server]]]:
    """Starts servers with channels over a Redis."""
    made: list[Server] = []

    def start(redis: RedisServer, count: int = 2, **options: str) -> list[Server]:
        ini = write_ini(tmp_path, **{**over(redis), **options})
        begun = [serve(ini) for _ in range(count)]
        for server in begun:
            server.start()
        for server in begun:
            server.wait_until_serving()
        made.extend(begun)
        return begun

    yield start
    for server in made:
        if server.running:
            assert server.stop().code == 0
        assert "Traceback" not in server.output, server.output


Servers = Callable[..., list[Server]]


def forgive(server: Server) -> None:
    """Accept tracebacks in the log that the test itself caused."""
    assert server.stop().code == 0
    assert "Traceback" in server.errors
    server.forget_output()


def publish_from_a_script(redis: RedisServer, channel: str, count: int) -> None:
    arguments = [json.dumps(over(redis)), channel, str(count)]
    subprocess.run(
        [sys.executable, "-c", PUBLISHER, *arguments],
        cwd=ROOT,
        env=os.environ,
        check=True,
        timeout=60,
    )


# Channels


def test_every_message_arrives_once_in_order_everywhere(
    servers: Servers, redis: RedisServer
) -> None:
    both = servers(redis)
    with crowd(*both, size=100) as members:
        in_parallel(lambda member: member.subscribe("news"), members)
        assert redis.subscribers() == [1, 1]
        publish_from_a_script(redis, "news", 50)
        wait_until(lambda: all(len(each.heard) >= 50 for each in members), "all hear")
        for number in range(10):
            assert members[0].call("say", "news", 50 + number) == "said"
            assert members[-1].call("say", "news", 1000 + number) == "said"
        wait_until(lambda: all(len(each.heard) >= 70 for each in members), "all hear")
        last = [each for n in range(10) for each in (50 + n, 1000 + n)]
        for member in members:
            assert member.heard == [*range(50), *last]
    wait_until(lambda: redis.subscribers() == [], "the connections are closed")
    assert redis.listeners("news") == 0


def test_a_redis_that_comes_back_is_heard_by_all(
    servers: Servers, own: RedisServer
) -> None:
    both = servers(own)
    with crowd(*both, size=20) as members:
        in_parallel(lambda member: member.subscribe("news"), members)
        [publisher, _] = both
        assert (
            ask(publisher, "publish", channel="news", message="before") == "published"
        )
        wait_until(lambda: all(each.heard for each in members), "all hear")
        running = [state(each)["greenlets"] for each in both]
        own.kill()
        answers = {
            ask(publisher, "publish", channel="news", message="lost") for _ in range(10)
        }
        assert {answer.partition(" ")[0] for answer in answers} == {
            "BrokerUnavailable:"
        }
        own.start()
        wait_until(lambda: own.subscribers() == [1, 1], "both subscribe again")
        publish_from_a_script(own, "news", 3)
        wait_until(lambda: all(len(each.heard) >= 4 for each in members), "all hear")
        for member in members:
            assert member.heard == ["before", 0, 1, 2]
        wait_until(
            lambda: [state(each)["greenlets"] for each in both] <= running,
            "no greenlet is left behind",
        )
    for server in both:
        assert "is lost, reconnecting" in server.errors
        assert "is back after" in server.errors


def test_names_that_may_not_be_leave_all_hearing(
    servers: Servers, redis: RedisServer
) -> None:
    both = servers(redis)
    with crowd(*both, size=2) as members:
        in_parallel(lambda member: member.subscribe("news"), members)
        bad = members[0]
        told = [
            "error",
            "channel_not_available",
            "Trying to subscribe to a channel not available",
        ]
        for name in ("room-\ud800", "a\0b", "x" * 900_000):
            bad.events.clear()
            bad.emit("subscribe", "any", name)
            wait_until(lambda: told in bad.events, "it is told")
            assert redis.subscribers() == [1, 1]
        publish_from_a_script(redis, "news", 3)
        wait_until(lambda: all(len(each.heard) >= 3 for each in members), "all hear")
        assert [each.heard for each in members] == [[0, 1, 2]] * len(members)
        assert redis.subscribers() == [1, 1]


def test_what_threads_publish_and_emit_reaches_every_process(
    servers: Servers, redis: RedisServer
) -> None:
    both = servers(redis, 2, **{"socketio.cluster": "true"})
    with crowd(*both) as members:
        in_parallel(lambda member: member.subscribe("news"), members)
        for server in (*both, *both):
            assert ask(server, "work", text="job") == "worked"
        wait_until(lambda: all(len(each.events) >= 80 for each in members), "all hear")
        expected = [f"job {number}" for number in range(10)] * 4
        for member in members:
            assert member.heard == expected
            paged = [words for event, words in member.events if event == "paged"]
            assert paged == expected


def test_a_backend_that_cannot_be_reached_is_reported(
    servers: Servers, redis: RedisServer
) -> None:
    [server] = servers(redis, 1, **{"anypubsub.host": f"127.0.0.1:{free_port()}"})
    with crowd(server) as [member]:
        # It hears the channel when Redis is there.
        member.emit("subscribe", "news")
        assert "anypubsub.host" in ask(server, "publish", channel="news", message="x")
        assert member.events == []
        wait_until(lambda: "anypubsub.host" in server.errors, "the log tells of it")


# Broadcasts


@pytest.fixture(scope="module")
def cluster(
    redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    """Two servers, for all tests that only talk to them."""
    directory = tmp_path_factory.mktemp("cluster")
    ini = write_ini(directory, **over(redis), **{"socketio.cluster": "true"})
    with (
        Server(ini, directory / "a.log") as one,
        Server(ini, directory / "b.log") as other,
    ):
        yield [one, other]
    for server in (one, other):
        assert "Traceback" not in server.output


@pytest.mark.parametrize(
    ("event", "args", "heard", "audience"),
    [
        ("shout", ["grüße ☃", {"n": [1]}], ["shouted", "grüße ☃", {"n": [1]}], "abcd"),
        ("shout_to_others", ["hello"], ["shouted", "hello"], "bcd"),
        ("tell_room", ["lobby", "psst"], ["told", "psst"], "bd"),
    ],
)
def test_a_broadcast_reaches_every_process(
    cluster: list[Server], event: str, args: list[Any], heard: list[Any], audience: str
) -> None:
    with crowd(*cluster, size=2) as members:
        named = dict(zip("abcd", members, strict=True))  # a and b here, c and d there
        for name in "abd":
            named[name].call("enter", "lobby")
        for number in range(3):
            named["a"].call(event, *args, number)
        expected = [[*heard, number] for number in range(3)]
        hears = [named[name] for name in audience]
        wait_until(lambda: all(len(each.events) >= 3 for each in hears), "all hear")
        for member in members:
            member.call("enter", "hall")  # earlier messages have arrived by now
        for name, member in named.items():
            assert member.events == (expected if name in audience else [])


def test_bytes_reach_every_process(cluster: list[Server]) -> None:
    with crowd(*cluster) as members:
        members[0].call("shout_bytes", "00ff41")
        wait_until(lambda: all(each.events for each in members), "all hear")
        for member in members:
            placeholder = {"_placeholder": True, "num": 0}
            assert member.events == [["shouted", placeholder, b"\x00\xffA"]]


def test_acks_are_gathered_from_every_process(cluster: list[Server]) -> None:
    with crowd(*cluster, size=3) as members:
        ids = [each.call("id") for each in members]
        for number, member in enumerate(members[1:-1], 1):
            member.call("enter", "lobby")
            member.answer = number
        members[3].answer = None
        asking = gevent.spawn(members[0].call, "survey", "lobby", 60)
        wait_until(lambda: members[3].events, "all are asked")
        members[3].close()
        assert asking.get() == {
            "answers": {ids[1]: 1, ids[2]: 2, ids[4]: 4},
            "missing": [ids[3]],
        }


def test_a_room_is_moved_and_sent_away_in_every_process(cluster: list[Server]) -> None:
    with crowd(*cluster, size=2) as members:
        for member in members[1:]:
            member.call("enter", "lobby")
        assert members[0].call("move", "lobby", "hall") == 3
        members[0].call("tell_room", "hall", "psst")
        wait_until(lambda: all(each.events for each in members[1:]), "all hear")
        members[0].call("send_away", "hall")
        away = [["told", "psst"], ["disconnect"]]
        wait_until(lambda: all(each.events == away for each in members[1:]), "all go")
        assert members[0].call("move", "hall", "lobby") == 0


def test_who_was_asked_by_a_process_that_is_killed_is_missing(
    servers: Servers, own: RedisServer
) -> None:
    both = servers(own, 2, **{"socketio.cluster": "true"})
    with crowd(*both, size=2) as members:
        ids = [each.call("id") for each in members]
        for member in members:
            member.call("enter", "lobby")
        members[1].answer = "here"
        asking = gevent.spawn(members[0].call, "survey", "lobby", 3.0)
        wait_until(lambda: all(each.events for each in members), "all are asked")
        both[1].kill()
        assert asking.get() == {
            "answers": {ids[1]: "here"},
            "missing": [ids[0], *ids[2:]],
        }
    both[1].wait_until_ended()


def test_a_page_of_any_process_reaches_all(
    cluster: list[Server], servers: Servers, redis: RedisServer
) -> None:
    [empty] = servers(redis, 1, **{"socketio.cluster": "true"})
    with crowd(*cluster) as members:
        members[1].call("enter", "lobby")
        for server in (cluster[0], empty):
            ask(server, "emit", text="to all")
            ask(server, "emit", text="to the room", room="lobby")
        wait_until(lambda: len(members[0].events) >= 2, "all hear")
        wait_until(lambda: len(members[1].events) >= 4, "the room hears")
        assert members[0].events == [["paged", "to all"]] * 2
        assert members[1].events == [["paged", "to all"], ["paged", "to the room"]] * 2


def test_a_broadcast_without_redis_reaches_this_process(
    servers: Servers, own: RedisServer
) -> None:
    both = servers(own, 2, **{"socketio.cluster": "true"})
    with crowd(*both) as [here, there]:
        own.kill()
        here.emit("shout", "alone")
        failed = ["error", "internal_error", "Internal server error"]
        wait_until(lambda: len(here.events) == 2, "it is heard, and told")
        assert here.events == [["shouted", "alone"], failed]
        assert "BrokerUnavailable" in both[0].errors
        own.start()
        wait_until(lambda: own.subscribers() == [3, 3], "both are back")
        here.call("shout", "together")
        wait_until(lambda: there.events, "the other process hears")
        assert there.events == [["shouted", "together"]]
    forgive(both[0])
