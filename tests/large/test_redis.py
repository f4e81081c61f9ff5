"""Thousands of listeners, and a Redis that cannot be reached for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from tests.live.crowds import Member, ask, crowd, in_parallel, state, wait_until
from tests.live.serving import Server
from tests.live.test_channels import Servers, publish_from_a_script
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.engine.concurrency.pool import MOST_IDLE

#: Listeners of each of two processes.
EACH = 1000
#: Seconds that Redis is away, and within which it is heard again: usually two. Who
#: waited for the longest time between attempts would need ten.
AWAY = 5.0
BACK_WITHIN = 8.0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


def all_hear(members: list[Member], count: int) -> None:
    wait_until(lambda: all(len(each.heard) >= count for each in members), "all hear")


def test_one_connection_of_each_process_hears_for_thousands(
    servers: Servers, redis: RedisServer
) -> None:
    both = servers(redis)
    idle = [state(each)["greenlets"] for each in both]
    with crowd(*both, size=EACH) as members:
        connected = [state(each)["greenlets"] for each in both]
        for member in members:
            assert member.subscribe("news") == "news"
        assert redis.subscribers() == [1, 1]
        assert redis.listeners("news") == 2
        # All channels share one greenlet. Others wait for events.
        for server, before in zip(both, connected, strict=True):
            assert state(server)["greenlets"] <= before + 1 + MOST_IDLE
        publish_from_a_script(redis, "news", 3)
        all_hear(members, 3)
        assert all(member.heard == [0, 1, 2] for member in members)

        for number, member in enumerate(members):
            assert member.subscribe("private", number) == f"private-{number}"
        assert redis.subscribers() == [EACH + 1, EACH + 1]
        publish_from_a_script(redis, "private-7", 2)
        all_hear(members[7:8], 5)
        assert [len(each.heard) for each in members[:10]] == [3] * 7 + [5] + [3] * 2
    wait_until(lambda: redis.subscribers() == [], "the connections are closed")
    assert redis.listeners("news") == redis.listeners("private-7") == 0
    wait_until(lambda: all(map(is_idle, both, idle)), "no greenlet left")
    assert [state(each)["channels"] for each in both] == [0, 0]


def is_idle(server: Server, greenlets: int) -> bool:
    """Whether a server has the greenlets that it had, and some that wait for events."""
    return int(state(server)["greenlets"]) <= greenlets + MOST_IDLE


class Load:
    """Requests pages that publish, all the time, and keeps their answers."""

    def __init__(self, servers: list[Server]) -> None:
        self.answers: list[tuple[float, str]] = []
        self._jobs = [gevent.spawn(self._run, each) for each in servers]

    def _run(self, server: Server) -> None:
        while True:
            begin = time.monotonic()
            answer = ask(server, "publish", channel="news", message=repr(begin))
            self.answers.append((time.monotonic() - begin, answer))
            gevent.sleep(0.05)

    def stop(self) -> None:
        gevent.killall(self._jobs)


def test_a_redis_that_was_away_for_long_is_heard_by_all(
    servers: Servers, redis: RedisServer
) -> None:
    both = servers(redis)
    with crowd(*both, size=100) as members:
        in_parallel(lambda member: member.subscribe("news"), members)
        running = [state(each)["greenlets"] for each in both]
        load = Load(both)
        all_hear(members, 3)
        redis.kill()
        load.answers.clear()
        gevent.sleep(AWAY)
        seconds = [seconds for seconds, _ in load.answers]
        assert {answer.partition(":")[0] for _, answer in load.answers} == {
            "BrokerUnavailable"
        }
        assert max(seconds) < 2
        silent = [len(each.heard) for each in members]
        redis.start()
        back = time.monotonic()
        wait_until(
            lambda: all(
                len(each.heard) > before
                for each, before in zip(members, silent, strict=True)
            ),
            "all hear again",
        )
        assert time.monotonic() - back < BACK_WITHIN
        load.stop()
        publish_from_a_script(redis, "news", 1)
        wait_until(lambda: all(each.heard[-1] == 0 for each in members), "the last")
        for member in members:
            # In order, and each once.
            times = [float(each) for each in member.heard[:-1]]
            assert len(set(times)) == len(times)
        wait_until(
            lambda: [state(each)["greenlets"] for each in both] <= running,
            "no greenlet is left behind",
        )


def test_who_only_listens_finds_it_again(servers: Servers, redis: RedisServer) -> None:
    """Nothing else in the process notices that Redis is back."""
    [server] = servers(redis, 1)
    with crowd(server, size=100) as members:
        in_parallel(lambda member: member.subscribe("news"), members)
        redis.kill()
        time.sleep(AWAY)
        redis.start()
        back = time.monotonic()
        wait_until(lambda: redis.subscribers() == [1], "it is subscribed again")
        assert time.monotonic() - back < BACK_WITHIN
        publish_from_a_script(redis, "news", 1)
        all_hear(members, 1)
