"""A question to all that listen to a channel of Redis, and their answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from tests.engine.clients import DEADLINE, wait_for
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.backends.errors import BrokerUnavailable
from tgext.socketio.backends.redis import RedisPubSub


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def backend(redis: RedisServer) -> Iterator[RedisPubSub]:
    backend = RedisPubSub(redis.url)
    yield backend
    backend.close()
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed any more")


class Answering:
    """Processes that answer the question."""

    def __init__(self, backend: RedisPubSub, answers: list[str]) -> None:
        self.backend = backend
        self.answers = answers
        backend.listen("questions", self.hear)

    def hear(self, message: Any) -> None:
        for each in self.answers:
            gevent.spawn(self.backend.publish, "answers", each)


def ask(backend: RedisPubSub, seconds: float = DEADLINE) -> list[Any]:
    heard: list[Any] = []

    def hear(answer: Any) -> int:
        heard.append(answer)
        return len(heard)

    asked = backend.converse("answers", "questions", "who?", seconds, hear)
    return [asked, *heard]


def test_all_who_listen_have_answered(redis: RedisServer, backend: RedisPubSub) -> None:
    others = [RedisPubSub(redis.url) for _ in range(3)]
    for number, each in enumerate(others):
        Answering(each, [str(number)])
    asked, *heard = ask(backend)
    assert asked == 3
    assert sorted(heard) == [b"0", b"1", b"2"]
    for each in others:
        each.close()


def test_nobody_is_waited_for_when_nobody_listens(backend: RedisPubSub) -> None:
    assert ask(backend) == [0]


def test_who_does_not_answer_is_waited_for_until_the_time_is_over(
    redis: RedisServer, backend: RedisPubSub
) -> None:
    silent = RedisPubSub(redis.url)
    Answering(silent, [])
    began = time.monotonic()
    assert ask(backend, 0.1) == [1]
    assert time.monotonic() - began >= 0.1
    silent.close()


def test_without_redis_it_fails() -> None:
    with pytest.raises(BrokerUnavailable, match="cannot be reached"):
        ask(RedisPubSub("redis://127.0.0.1:1"))
