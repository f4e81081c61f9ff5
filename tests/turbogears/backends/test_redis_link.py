"""The connection to Redis: it is lost, refused and opened again."""

from __future__ import annotations

import logging
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import redis as redis_py

from tests.certificates import make_certificate
from tests.engine.clients import DEADLINE, wait_for
from tests.ports import free_port
from tests.redis_server import RedisServer, redis_command, running_redis
from tgext.socketio.backends import (
    BackendOptionError,
    BrokerUnavailable,
)
from tgext.socketio.backends.redis import RedisPubSub
from tgext.socketio.messaging.channels import Channels

from ..messaging.listeners import listener
from .conftest import BACK_WITHIN, Connect, Heard, publish_until_heard


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RedisServer]:
    """A server for a test that kills it."""
    with running_redis(tmp_path) as server:
        yield server


# Redis goes, and comes back


def test_a_redis_that_comes_back_is_heard(
    connect: Connect, own: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    backend, heard = connect(own), Heard()
    backend.listen("news", heard.append)
    backend.listen("other", heard.append)
    backend.publish("news", "1")
    heard.expect(b"1")
    own.kill()
    begin = time.monotonic()
    while time.monotonic() < begin + 1:
        with pytest.raises(BrokerUnavailable, match=r"anypubsub\.host: Redis at "):
            backend.publish("news", "lost")
        gevent.sleep(0.05)
    # A channel that is subscribed to meanwhile is heard with the others.
    backend.listen("late", heard.append)
    own.start()
    assert publish_until_heard(backend, heard) < BACK_WITHIN
    heard.clear()
    for channel in ("other", "late"):
        backend.publish(channel, channel)
    heard.expect(b"other", b"late")
    assert own.subscribers() == [3]
    assert f"Redis at 127.0.0.1:{own.port} is lost, reconnecting" in caplog.text
    assert f"Redis at 127.0.0.1:{own.port} is back after" in caplog.text


def test_who_only_listens_finds_it_again(connect: Connect, own: RedisServer) -> None:
    backend, heard = connect(own), Heard()
    backend.listen("news", heard.append)
    own.kill()
    gevent.sleep(0.5)
    own.start()
    wait_for(lambda: own.subscribers() == [1], "it subscribed again")
    connect(own).publish("news", "1")
    heard.expect(b"1")


def test_a_killed_connection_is_replaced(connect: Connect, own: RedisServer) -> None:
    backend, heard = connect(own), Heard()
    backend.listen("news", heard.append)
    for _ in range(3):
        own.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert publish_until_heard(backend, heard) < BACK_WITHIN
    assert own.subscribers() == [1]


@pytest.mark.parametrize("how", ["freeze", "pause"])
def test_a_redis_that_does_not_answer(
    connect: Connect, own: RedisServer, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    options = {"socket_timeout": "0.3", "health_check_interval": "0.2"}
    backend, heard = connect(own, **options), Heard()
    backend.listen("news", heard.append)
    if how == "freeze":
        own.freeze()
    else:
        own.client.client_pause(1_500)
    begin = time.monotonic()
    with pytest.raises(BrokerUnavailable, match="cannot be reached: Timeout"):
        backend.publish("news", "lost")
    assert time.monotonic() - begin < 5
    wait_for(lambda: "is lost" in caplog.text, "that is noticed")
    assert re.search("no answer to a ping|Timeout", caplog.text)
    if how == "freeze":
        own.thaw()
    else:
        wait_for(own.answers, "the pause ends")
    assert publish_until_heard(backend, heard) < BACK_WITHIN
    backend.unlisten("news", heard.append)


def test_silence_is_not_a_lost_connection(
    connect: Connect, own: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    backend, heard = connect(own, health_check_interval="0.05"), Heard()
    backend.listen("news", heard.append)
    [connection] = [each for each in own.connections() if each["sub"] == "1"]

    def was_pinged() -> bool:
        listed = own.connections()
        [now] = [each for each in listed if each["id"] == connection["id"]]
        return bool(now["cmd"] == "ping")

    wait_for(was_pinged, "it was asked")
    backend.publish("news", "1")
    heard.expect(b"1")
    assert caplog.text == ""


def test_those_who_wait_for_a_connection_wait_no_longer_than_for_redis(
    connect: Connect, own: RedisServer
) -> None:
    backend = connect(own, max_connections="1", socket_timeout="0.3")
    backend.publish("news", "1")
    own.freeze()
    jobs = [gevent.spawn(backend.publish, "news", "x") for _ in range(20)]
    gevent.joinall(jobs, timeout=DEADLINE)
    assert {type(job.exception) for job in jobs} == {BrokerUnavailable}
    own.thaw()


def test_those_who_wait_for_its_first_connection_wait_no_longer_than_one(
    connect: Connect, own: RedisServer
) -> None:
    backend, heard = connect(own, socket_timeout="0.5"), Heard()
    own.freeze()
    begin = time.monotonic()
    jobs = [gevent.spawn(backend.listen, f"c{n}", heard.append) for n in range(20)]
    gevent.joinall(jobs, timeout=DEADLINE)
    assert [job.exception for job in jobs] == [None] * 20
    # One after the other they would wait for ten seconds.
    assert time.monotonic() - begin < 8
    own.thaw()
    wait_for(lambda: own.subscribers() == [20], "all are heard later")


def test_closing_it_ends_what_is_just_beginning(
    connect: Connect, own: RedisServer
) -> None:
    backend, heard = connect(own, socket_timeout="2"), Heard()
    own.freeze()
    beginning = gevent.spawn(backend.listen, "news", heard.append)
    wait_for(lambda: backend.listener.connecting, "it connects")
    backend.close()
    own.thaw()
    beginning.get(timeout=DEADLINE)
    wait_for(lambda: own.subscribers() == [], "nothing is subscribed")


# Redis cannot be reached


@pytest.mark.parametrize("host", ["127.0.0.1", "redis.invalid"])
def test_a_redis_that_is_not_there_is_tried_again(
    connect: Connect, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    backend = connect(host=host, port=str(free_port()))
    channels = Channels(backend)
    for _ in range(2):
        with gevent.Timeout(DEADLINE):
            channels.subscribe("news", listener())
        with pytest.raises(BrokerUnavailable, match=r"anypubsub\.host: .* cannot be"):
            channels.publish("news", "hello")
    assert caplog.text.count("is not there, connecting: ") == 1
    assert len(channels) == 1


def test_one_that_is_started_later_is_heard(
    connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    later = RedisServer(tmp_path)
    backend, heard = connect(later), Heard()
    backend.listen("news", heard.append)
    backend.listen("other", heard.append)
    try:
        later.start()
        assert publish_until_heard(backend, heard) < BACK_WITHIN
        assert later.subscribers() == [2]
    finally:
        later.kill()
    assert "is back after" in caplog.text


def expect_refusal(backend: RedisPubSub, kind: type[Exception], message: str) -> None:
    channels = Channels(backend)
    for _ in range(2):
        with gevent.Timeout(DEADLINE):
            with pytest.raises(kind, match=message):
                channels.subscribe("news", listener())
            with pytest.raises(kind, match=message):
                channels.publish("news", "hello")
    assert len(channels) == 0


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path, requirepass="friend") as server:
        yield server


@pytest.mark.parametrize("options", [{}, {"password": "swordfish"}])
def test_a_wrong_password_is_reported(
    connect: Connect, guarded: RedisServer, options: dict[str, str]
) -> None:
    backend = connect(guarded, **options)
    message = r"anypubsub\.password: Redis at \S+ refuses it"
    expect_refusal(backend, BackendOptionError, message)
    with pytest.raises(BackendOptionError) as refusal:
        backend.publish("news", "hello")
    assert "swordfish" not in str(refusal.value)


def test_a_wrong_password_in_a_url_is_reported(
    connect: Connect, guarded: RedisServer
) -> None:
    backend = connect(host=f"redis://:swordfish@127.0.0.1:{guarded.port}")
    expect_refusal(backend, BackendOptionError, r"anypubsub\.host: .* refuses it")


def test_the_right_password_lets_in(connect: Connect, guarded: RedisServer) -> None:
    for options in (
        {"password": "friend", "port": str(guarded.port)},
        {"username": "default", "password": "friend", "port": str(guarded.port)},
        {"host": f"redis://:friend@127.0.0.1:{guarded.port}/1"},
    ):
        backend, heard = connect(**options), Heard()
        backend.listen("news", heard.append)
        backend.publish("news", "1")
        heard.expect(b"1")
        backend.close()


def test_a_database_that_does_not_exist_is_reported(connect: Connect) -> None:
    expect_refusal(connect(db="99"), BackendOptionError, r"anypubsub\.db: .*DB index")


def test_what_the_user_may_not_is_told(connect: Connect, own: RedisServer) -> None:
    own.client.acl_setuser("mute", enabled=True, nopass=True, commands=["+subscribe"])
    backend = connect(own, username="mute", password="any")
    with pytest.raises(BrokerUnavailable, match=r"refuses: .*no permissions"):
        backend.publish("news", "hello")


def test_a_channel_that_the_user_may_not_hear_is_told(
    connect: Connect, own: RedisServer
) -> None:
    own.client.acl_setuser(
        "reader", enabled=True, nopass=True, commands=["+@all"], channels=["news"]
    )
    backend, heard = connect(own, username="reader", password="any"), Heard()
    backend.listen("news", heard.append)
    for _ in range(2):
        with pytest.raises(BrokerUnavailable, match=r"refuses: .*channel"):
            backend.listen("secret", heard.append)
    # Other channels are heard again, although the refused one is asked for with them.
    backend.listener.heard["secret"] = [heard.append]
    own.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    assert publish_until_heard(backend, heard) < BACK_WITHIN


# Where Redis may be


@pytest.mark.parametrize("options", [{}, {"protocol": 2}, {"protocol": 3}])
def test_a_pool_of_the_application_s_own(
    connect: Connect, server: RedisServer, options: dict[str, Any]
) -> None:
    pool = redis_py.ConnectionPool(port=server.port, **options)
    exchange(connect(connection_pool=pool))


@pytest.mark.parametrize("query", ["", "?protocol=3&decode_responses=yes"])
def test_a_redis_at_a_url(connect: Connect, server: RedisServer, query: str) -> None:
    exchange(connect(host=server.url + query))


def exchange(backend: RedisPubSub) -> None:
    heard = Heard()
    backend.listen("news", heard.append)
    assert backend.publish("news", "1") == 1
    wait_for(lambda: heard in ([b"1"], ["1"]), "it is heard")


def test_a_redis_on_a_unix_socket(connect: Connect, tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with running_redis(tmp_path, unixsocket=str(path)):
        backend = connect(host=f"unix://{path}")
        assert backend.name == f"Redis at {path}"
        exchange(backend)


def test_a_redis_behind_tls(connect: Connect, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    port = free_port()
    with running_redis(
        tmp_path,
        tls_port=str(port),
        tls_cert_file=str(certificate),
        tls_key_file=str(key),
        tls_ca_cert_file=str(certificate),
        tls_auth_clients="no",
    ):
        url = f"rediss://localhost:{port}"
        exchange(connect(host=f"{url}?ssl_ca_certs={certificate}"))
        with pytest.raises(BrokerUnavailable, match="certificate verify failed"):
            connect(host=url).publish("news", "hello")


def test_a_redis_behind_sentinel(
    connect: Connect, own: RedisServer, tmp_path: Path
) -> None:
    port = free_port()
    conf = tmp_path / "sentinel.conf"
    conf.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n"
        f"sentinel monitor mymaster 127.0.0.1 {own.port} 1\n"
    )
    sentinel = subprocess.Popen(
        [redis_command(), str(conf), "--sentinel"], stdout=subprocess.DEVNULL
    )
    try:
        name = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{port}/mymaster/1"
        backend = connect(host=name)
        assert backend.name == "Redis at service mymaster of Sentinel"

        def is_found() -> bool:
            try:
                return backend.publish("news", "hello") == 0
            except BrokerUnavailable:
                return False

        wait_for(is_found, "Sentinel answers")
        exchange(backend)
        with pytest.raises(BrokerUnavailable, match="No master found"):
            connect(host=name.replace("mymaster", "other")).publish("news", "hello")
    finally:
        sentinel.kill()
        sentinel.wait()
