"""Processes of one application, with a Redis: servers in the process of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer

from .readers import Reader, Readers, Reading
from .test_recovery import Member

Start = Callable[..., Readers]


def cluster_at(redis: RedisServer) -> dict[str, Any]:
    return {
        "anypubsub.backend": "redis",
        "anypubsub.host": redis.url,
        "socketio.cluster": "true",
    }


@pytest.fixture
def processes(serve: Callable[..., Live], redis: RedisServer) -> Iterator[Start]:
    """Starts processes: each a server with an application of its own."""
    redis.client.flushall()
    started: list[Readers] = []

    def start(cls: type[Reading] = Reading, **settings: Any) -> Readers:
        started.append(Readers(serve, cls, **cluster_at(redis), **settings))
        return started[-1]

    yield start
    for each in started:
        each.close()
        each.channels.backend.close()
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed any more")


def wait_until_written(process: Readers, number: int) -> None:
    """Wait until Redis has so many clients: they can go elsewhere from then on.

    A process writes of its clients some milliseconds after they have come.
    """
    redis = Redis.from_url(process.config["anypubsub.host"])
    wait_for(lambda: len(redis.keys("*/recovery/*")) >= number, "Redis has the clients")
    redis.close()


def at(process: Readers, member: Member) -> Reader:
    """The client comes back to a process."""
    return Reader(process.live, member.pid, member.offset, **member.auth).connected()
