"""Lua scripts, run by a real Redis."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.redis_server import RedisServer
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.backends.redis import RedisPubSub
from tgext.socketio.backends.redis_scripts import Script

from .conftest import Connect

ECHO = Script("return {KEYS[1], ARGV[1], ARGV[2], ARGV[3], 5, false}")


def test_a_script_runs_by_its_name(connect: Connect, server: RedisServer) -> None:
    backend = connect()
    server.client.script_flush()
    for _ in range(2):
        answer = backend.run(ECHO, ["é"], ["ü", b"\xff", 7])
        assert answer == ["é".encode(), "ü".encode(), b"\xff", b"7", 5, None]
    counts: Any = server.client.info("commandstats")
    assert counts["cmdstat_eval"]["calls"] == 1
    assert counts["cmdstat_evalsha"]["calls"] == 2


def test_something_may_come_before_a_script_that_redis_does_not_know(
    connect: Connect, server: RedisServer
) -> None:
    backend, before = connect(max_connections="1"), []

    def begin() -> None:
        before.append(backend.run(Script("return 'begun'")))

    server.client.script_flush()
    for _ in range(2):
        assert backend.run(Script("return 1"), unknown=begin) == 1
    assert before == [b"begun"]
    server.kill()
    server.start()
    assert backend.run(Script("return 1"), unknown=begin) == 1
    assert before == [b"begun"] * 2


def test_answers_are_bytes_also_if_a_pool_decodes(server: RedisServer) -> None:
    pool = redis.ConnectionPool(port=server.port, decode_responses=True, protocol=3)
    backend = RedisPubSub(connection_pool=pool)
    assert backend.run(ECHO, ["k"], ["é", b"\xff", 1.5])[1:4] == [
        "é".encode(),
        b"\xff",
        b"1.5",
    ]
    backend.close()


def test_what_goes_wrong_is_explained(connect: Connect, server: RedisServer) -> None:
    backend = connect()
    with pytest.raises(BrokerUnavailable, match=r"refuses: .*wrong"):
        backend.run(Script("return redis.error_reply('something is wrong')"))
    assert backend.run(Script("return 1")) == 1
    server.kill()
    try:
        with pytest.raises(BrokerUnavailable, match="cannot be reached"):
            backend.run(Script("return 1"))
    finally:
        server.start()
