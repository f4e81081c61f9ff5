"""Redis servers, and backends that end with a test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from tests.engine.clients import DEADLINE, wait_for
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.backends import (
    BrokerUnavailable,
    create_backend,
)
from tgext.socketio.backends.redis import RedisPubSub

#: Seconds within which a Redis that came back is heard again: usually two. Who waited
#: for the longest time between attempts would need ten.
BACK_WITHIN = 8.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def connect(
    greenlets: Callable[[], list[Any]], server: RedisServer
) -> Iterator[Callable[..., RedisPubSub]]:
    """Makes backends, and checks that they leave nothing behind when closed."""
    made: list[RedisPubSub] = []

    def make(server: RedisServer = server, **options: Any) -> RedisPubSub:
        settings = {"host": "127.0.0.1", "port": str(server.port), **options}
        prefixed = {f"anypubsub.{name}": value for name, value in settings.items()}
        backend: Any = create_backend({"anypubsub.backend": "redis", **prefixed})
        made.append(backend)
        return made[-1]

    yield make
    for backend in made:
        backend.close()
    wait_for(lambda: not greenlets(), "all greenlets end")


Connect = Callable[..., RedisPubSub]


class Heard(list[Any]):
    """The messages that were received."""

    def expect(self, *messages: Any) -> None:
        wait_for(lambda: len(self) >= len(messages), f"{messages} are heard")
        assert self == list(messages)


def publish_until_heard(backend: RedisPubSub, heard: list[Any]) -> float:
    """Publish until a message is received; return the seconds that it took."""
    begin = time.monotonic()
    heard.clear()
    while not heard:
        assert time.monotonic() < begin + DEADLINE
        try:
            backend.publish("news", "again")
        except BrokerUnavailable:
            pass
        gevent.sleep(0.02)
    return time.monotonic() - begin
