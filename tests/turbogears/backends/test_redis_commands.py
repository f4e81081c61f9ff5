"""Commands that many greenlets send at the same time, to a real Redis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.engine.clients import DEADLINE
from tests.redis_server import RedisServer
from tests.wire.strategies import examples
from tgext.socketio.backends import BackendError, BrokerUnavailable
from tgext.socketio.backends.redis import RedisPubSub
from tgext.socketio.backends.redis_scripts import Script

from .conftest import Connect, Heard

FIRST = Script("return ARGV[1]")
FAILS = Script("return redis.error_reply('no ' .. ARGV[1])")


def together(*calls: Callable[[], Any]) -> list[Any]:
    """What each of some calls returns or raises, in greenlets that begin together."""

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except BackendError as error:
            return error

    jobs = [gevent.spawn(outcome, each) for each in calls]
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    return [each.get(block=False) for each in jobs]


def text_of(script: Script, text: str, backend: RedisPubSub) -> Callable[[], Any]:
    return partial(backend.run, script, [], [text])


def test_what_is_sent_together_is_written_together(
    connect: Connect, server: RedisServer
) -> None:
    backend = connect()
    backend.run(FIRST, [], ["known from now on"])

    def reads() -> int:
        stats: Any = server.client.info("stats")
        return int(stats["total_reads_processed"])

    before, texts = reads(), [str(number) for number in range(90)]
    answers = together(*(text_of(FIRST, each, backend) for each in texts))
    assert answers == [each.encode() for each in texts]
    # Alone each would be one: the first is, and the others are a pipeline.
    assert reads() - before < 10


def test_messages_of_many_greenlets_come_in_the_order_of_their_calls(
    connect: Connect,
) -> None:
    backend, heard = connect(), Heard()
    backend.listen("news", heard.append)
    texts = [str(number) for number in range(300)]
    calls = [partial(backend.publish, "news", each) for each in texts]
    counts = together(*calls)
    assert counts == [1] * 300
    heard.expect(*(each.encode() for each in texts))


@settings(max_examples=examples(10))
@given(
    st.lists(st.sampled_from(["told", "refused", "unknown", "killed"]), max_size=30),
    st.booleans(),
)
def test_each_has_its_own_answer(
    server: RedisServer, kinds: list[str], decodes: bool
) -> None:
    encoding = "utf-8" if decodes else "utf-16"
    pool = redis.ConnectionPool(
        port=server.port, decode_responses=decodes, encoding=encoding
    )
    backend = RedisPubSub(connection_pool=pool)
    backend.run(FIRST, [], ["known from now on"])
    jobs = []
    for number, kind in enumerate(kinds):
        script = {
            "refused": FAILS,
            # Redis has not seen this one yet.
            "unknown": Script(f"return ARGV[1] -- {id(jobs)} {number}"),
        }.get(kind, FIRST)
        jobs.append(gevent.spawn(together, text_of(script, f"é {number}", backend)))
    gevent.sleep(0)
    for kind, job in zip(kinds, jobs, strict=True):
        if kind == "killed":
            job.kill(block=False)
    gevent.joinall(jobs, timeout=DEADLINE)
    for number, (kind, job) in enumerate(zip(kinds, jobs, strict=True)):
        if kind == "refused":
            [answer] = job.get(block=False)
            assert isinstance(answer, BrokerUnavailable)
            assert f"refuses: no é {number}" in str(answer)
        elif kind != "killed":
            assert job.get(block=False) == [f"é {number}".encode()]
    assert backend.run(FIRST, [], ["still there"]) == b"still there"
    backend.close()


COUNTS = Script("return redis.call('INCR', KEYS[1])")


def test_what_was_answered_before_the_connection_was_lost_is_not_sent_again(
    server: RedisServer,
) -> None:
    """Also if the application's own pool sends again what has failed."""
    pool = redis.ConnectionPool(port=server.port, retry=Retry(NoBackoff(), 3))
    backend = RedisPubSub(connection_pool=pool)
    server.client.delete("count")
    backend.run(COUNTS, ["count"])
    count = partial(backend.run, COUNTS, ["count"])
    # Redis answers QUIT, and closes the connection.
    leave = partial(backend.commands.send, "QUIT")
    alone, *answers = together(count, count, count, leave, count, count)
    assert (alone, answers[:3]) == (2, [3, 4, b"OK"])
    assert ["cannot be reached" in str(each) for each in answers[3:]] == [True, True]
    assert answers[3] is not answers[4]
    assert backend.run(COUNTS, ["count"]) == 5
    backend.close()


def test_a_connection_that_is_closed_meanwhile_is_an_error_of_the_backend(
    connect: Connect, server: RedisServer
) -> None:
    backend = connect(socket_timeout="0.3")
    backend.run(FIRST, [], ["connected"])
    server.freeze()
    try:
        jobs = [gevent.spawn(together, text_of(FIRST, "x", backend)) for _ in "12"]
        gevent.sleep(0)
        backend.connection_pool.disconnect()
        gevent.joinall(jobs[:1], timeout=DEADLINE)
    finally:
        server.thaw()
    [first] = jobs[0].get(block=False)
    assert isinstance(first, BrokerUnavailable)
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)


def test_without_redis_all_are_told(connect: Connect, server: RedisServer) -> None:
    backend = connect(socket_timeout="0.3")
    assert together(*[text_of(FIRST, "here", backend)] * 9) == [b"here"] * 9
    server.freeze()
    try:
        answers = together(*[text_of(FIRST, "frozen", backend)] * 9)
    finally:
        server.thaw()
    assert all(isinstance(each, BrokerUnavailable) for each in answers)
    assert together(*[text_of(FIRST, "back", backend)] * 9) == [b"back"] * 9
    server.kill()
    try:
        answers = together(*[text_of(FIRST, "gone", backend)] * 9)
    finally:
        server.start()
    assert all("cannot be reached" in str(each) for each in answers)
    assert together(*[text_of(FIRST, "back", backend)] * 9) == [b"back"] * 9
