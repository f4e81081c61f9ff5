"""The Redis backend: channels of many listeners over one connection."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
import redis as redis_py
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.clients import DEADLINE, wait_for
from tests.redis_server import RedisServer
from tests.wire.strategies import examples
from tgext.socketio.backends import (
    BackendOptionError,
    create_backend,
    shared_backend,
)
from tgext.socketio.backends.redis import RedisPubSub
from tgext.socketio.messaging.channels import Channels

from ..messaging.listeners import listener, packets
from .conftest import BACK_WITHIN, Connect, Heard, publish_until_heard
from .test_channelnames import BAD_NAMES

# One connection


def test_all_channels_go_over_one_connection(
    connect: Connect, server: RedisServer
) -> None:
    channels = Channels(connect())
    everyone = [listener() for _ in range(2000)]
    private = [listener() for _ in range(1200)]
    for each in everyone:
        channels.subscribe("news", each)
    for number, each in enumerate(private):
        channels.subscribe(f"private {number}", each)
    assert server.subscribers() == [1201]
    assert server.listeners("news") == 1
    channels.publish("news", "hello")
    channels.publish("private 7", "you")
    wait_for(lambda: all(packets(each) for each in everyone), "all have heard")
    wait_for(lambda: packets(private[7]), "one has heard what was for it")
    assert [bool(packets(each)) for each in private].count(True) == 1
    for each in everyone:
        channels.unsubscribe("news", each)
    wait_for(lambda: server.subscribers() == [1200], "the others are heard")
    assert server.listeners("news") == 0
    for number, each in enumerate(private):
        channels.unsubscribe(f"private {number}", each)
    wait_for(lambda: server.subscribers() == [], "the connection is closed")
    channels.subscribe("news", everyone[0])
    assert server.subscribers() == [1]


def test_messages_come_in_order(connect: Connect) -> None:
    backend, other, heard = connect(), connect(), Heard()
    backend.listen("news", heard.append)
    for number in range(500):
        other.publish("news", str(number))
    heard.expect(*(str(number).encode() for number in range(500)))


def test_publishing_needs_few_connections(
    connect: Connect, server: RedisServer
) -> None:
    backend = connect(max_connections="3")
    before = len(server.connections())
    jobs = [gevent.spawn(backend.publish, "news", "x") for _ in range(200)]
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    assert len(server.connections()) - before <= 3


def test_several_may_hear_one_channel(connect: Connect, server: RedisServer) -> None:
    backend, first, second = connect(), Heard(), Heard()
    backend.listen("news", first.append)
    backend.listen("news", second.append)
    assert backend.publish("news", "1") == 1
    first.expect(b"1")
    second.expect(b"1")
    backend.unlisten("news", first.append)
    backend.publish("news", "2")
    second.expect(b"1", b"2")
    assert first == [b"1"]


def test_one_that_fails_does_not_stop_the_others(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    backend, heard = connect(), Heard()

    def fail(message: bytes) -> None:
        raise RuntimeError("no")

    backend.listen("news", fail)
    backend.listen("news", heard.append)
    backend.publish("news", "1")
    heard.expect(b"1")
    assert "A message of channel 'news' failed" in caplog.text


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_name_that_may_not_be_does_not_reach_redis(
    connect: Connect, server: RedisServer, name: str
) -> None:
    backend, heard = connect(), Heard()
    backend.listen("news", heard.append)
    with pytest.raises(ValueError, match="invalid channel name"):
        backend.listen(name[:], heard.append)
    with pytest.raises(ValueError, match="invalid channel name"):
        backend.publish(name[:], "forged")
    backend.publish("news", "1")
    heard.expect(b"1")
    assert server.subscribers() == [1]


@settings(max_examples=examples(50), deadline=None)
@given(names=st.lists(st.text(st.characters(), max_size=300), max_size=8))
def test_whatever_a_listener_is_given_the_others_hear(
    server: RedisServer, names: list[str]
) -> None:
    """The listener gets the names unchecked, one by one and all at once."""
    backend = RedisPubSub(port=server.port, socket_timeout=0.5)
    heard: list[Any] = []
    try:
        backend.listen("news", heard.append)
        for name in names:
            try:
                backend.listener.listen(name, heard.append)
            except UnicodeEncodeError:
                pass
        backend.publish("news", "1")
        wait_for(lambda: b"1" in heard, "it is heard")
        for name in names:
            backend.listener.heard.setdefault(name, []).append(heard.append)
        heard.clear()
        server.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert publish_until_heard(backend, heard) < BACK_WITHIN
    finally:
        backend.close()


def test_names_are_utf_8_whatever_a_pool_writes(
    connect: Connect, server: RedisServer
) -> None:
    pool = redis_py.ConnectionPool(
        port=server.port,
        encoding="ascii",
        encoding_errors="ignore",
        decode_responses=True,
    )
    backend, plain, accented = connect(connection_pool=pool), Heard(), Heard()
    backend.listen("room", plain.append)
    backend.listen("room-é", accented.append)
    backend.publish("room-é", "1")
    server.client.publish("room-é", "2")
    accented.expect(b"1", b"2")
    backend.publish("room", "3")
    plain.expect(b"3")


# anypubsub's interfaces


def test_a_subscriber_iterates_until_it_is_closed(
    connect: Connect, server: RedisServer
) -> None:
    backend = connect()
    subscriber = backend.subscribe("a", "b")
    other = backend.subscribe("b")
    for channel, message in (("a", "1"), ("b", "2"), ("c", "3"), ("a", "4")):
        backend.publish(channel, message)
    assert [next(subscriber) for _ in range(3)] == [b"1", b"2", b"4"]
    assert other.next() == b"2"
    assert server.subscribers() == [2]
    reader = gevent.spawn(list, subscriber)
    gevent.sleep(0)
    subscriber.close()
    assert reader.get(timeout=DEADLINE) == []
    assert list(subscriber) == []
    assert server.listeners("b") == 1
    other.close()
    wait_for(lambda: server.subscribers() == [], "the connection is closed")


def test_a_subscriber_that_cannot_be_leaves_nothing(connect: Connect) -> None:
    backend = connect(db="99")
    with pytest.raises(BackendOptionError):
        backend.subscribe("a", "b")


def test_the_options_of_anypubsub_s_own_backend_do() -> None:
    given = redis_py.ConnectionPool(host="192.0.2.1")
    backend = RedisPubSub("localhost", 6380, 2, "secret", 7, None)
    kwargs = backend.connection_pool.connection_kwargs
    assert (kwargs["host"], kwargs["port"], kwargs["db"], kwargs["password"]) == (
        "localhost",
        6380,
        2,
        "secret",
    )
    assert RedisPubSub(connection_pool=given).connection_pool is given
    # A host whose name begins like a URL is not a URL.
    assert RedisPubSub("redis").name == "Redis at redis:6379"


# Redis cannot be reached


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("port", "redis", "'redis' is not a whole number"),
        ("port", "70000", "70000 is more than 65535"),
        ("port", "0", "0 is not greater than 0"),
        ("db", "-1", "-1 is less than 0"),
        ("db", "9" * 5000, "is not a whole number"),
        ("max_connections", "0", "0 is not greater than 0"),
        ("socket_timeout", "soon", "'soon' is not a number"),
        ("socket_timeout", "nan", "nan is not greater than 0"),
        ("socket_connect_timeout", "inf", "inf is more than 1000000"),
        ("health_check_interval", "0", "0 is not greater than 0"),
        ("hots", "localhost", "is not an option of the redis backend .*: .*host"),
        ("host", "http://localhost", "this URL is invalid: .*redis://"),
        ("host", "redis://localhost:port", "this URL is invalid: "),
        ("host", "redis+sentinel://localhost:1", "does not name the service"),
        ("host", "rediss+sentinel:///mymaster", "does not name the sentinels"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: str, problem: str) -> None:
    settings = {"anypubsub.backend": "redis", f"anypubsub.{option}": value}
    with pytest.raises(
        BackendOptionError, match=f"^anypubsub.{option}: .*{problem}"
    ) as raised:
        create_backend(settings)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("value", [float("inf"), True, 1.5, [], b"1"])
@pytest.mark.parametrize("option", ["port", "db", "max_connections"])
def test_a_value_of_another_type_is_named(option: str, value: Any) -> None:
    settings = {"anypubsub.backend": "redis", f"anypubsub.{option}": value}
    with pytest.raises(BackendOptionError, match=f"^anypubsub.{option}: .* is not a "):
        create_backend(settings)


def test_a_password_of_another_type_is_its_text() -> None:
    settings = {"anypubsub.backend": "redis", "anypubsub.password": 12345}
    backend: Any = create_backend(settings)
    assert backend.connection_pool.connection_kwargs["password"] == "12345"


def test_a_backend_of_a_script_is_made_once(server: RedisServer) -> None:
    settings = {"anypubsub.backend": "redis", "anypubsub.port": str(server.port)}
    backend: Any = shared_backend({**settings, "sqlalchemy.url": "sqlite://"})
    assert shared_backend(dict(settings)) is backend
    assert backend.publish("news", "hello") == 0
    backend.close()
