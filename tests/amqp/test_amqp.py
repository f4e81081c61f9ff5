"""Channels over a real RabbitMQ."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer

from tests.engine.clients import wait_for
from tests.ports import free_port
from tests.turbogears.messaging.listeners import listener, packets
from tgext.socketio.backends import (
    BackendOptionError,
    BrokerUnavailable,
    create_backend,
)
from tgext.socketio.backends.amqp import AmqpPubSub
from tgext.socketio.messaging.channels import Channels, Listener

from .conftest import DEADLINE, Broker

Connect = Callable[..., AmqpPubSub]


@pytest.fixture
def connect(
    broker: Broker, greenlets: Callable[[], list[Any]], unhandled: list[Any]
) -> Iterator[Connect]:
    made: list[Any] = []

    def make(**options: str) -> AmqpPubSub:
        settings = {"host": f"127.0.0.1:{broker.port}", **options}
        prefixed = {f"anypubsub.{name}": value for name, value in settings.items()}
        backend: Any = create_backend({"anypubsub.backend": "amqp", **prefixed})
        made.append(backend)
        return made[-1]

    yield make
    for backend in made:
        backend.close()
    wait_for(lambda: not greenlets(), "all greenlets end")
    assert unhandled == []


def heard(each: Listener) -> list[Any]:
    return [args[0] for _, _, args in packets(each)]


def test_messages_reach_all_in_order(connect: Connect) -> None:
    here, there = Channels(connect()), Channels(connect())
    listeners = [listener() for _ in range(20)]
    for number, each in enumerate(listeners):
        (here if number % 2 else there).subscribe("the news", each)
    others = listener()
    here.subscribe("other", others)
    for number in range(100):
        (here if number % 2 else there).publish("the news", {"n": number})
    wait_for(lambda: all(len(heard(each)) == 100 for each in listeners), "all hear")
    for each in listeners:
        assert heard(each) == [{"n": number} for number in range(100)]
    assert heard(others) == []
    for number, each in enumerate(listeners):
        (here if number % 2 else there).unsubscribe("the news", each)
    here.unsubscribe("other", others)
    assert len(here) == len(there) == 0


def test_a_subscriber_iterates_until_it_is_closed(connect: Connect) -> None:
    backend = connect(heartbeat="2")
    subscriber = backend.subscribe("a", "b")
    backend.publish("a", "1")
    backend.publish("b", b"2")
    backend.publish("c", "3")
    assert [next(subscriber), subscriber.next()] == ["1", b"2"]
    gevent.sleep(3)  # more than a heartbeat's time
    backend.publish("a", "4")
    assert next(subscriber) == "4"
    subscriber.close()
    subscriber.close()
    assert list(subscriber) == []


def test_many_may_publish_at_once(connect: Connect) -> None:
    backend = connect()
    channels = Channels(backend)
    each = listener()
    channels.subscribe("news", each)
    jobs = [gevent.spawn(channels.publish, "news", n) for n in range(50)]
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    wait_for(lambda: len(heard(each)) == 50, "all are heard")
    assert sorted(heard(each)) == list(range(50))
    channels.unsubscribe("news", each)


@pytest.mark.parametrize(
    ("options", "kind", "problem"),
    [
        (
            {"host": f"127.0.0.1:{free_port()}"},
            BrokerUnavailable,
            r"anypubsub\.host: .* cannot be reached",
        ),
        (
            {"password": "swordfish"},
            BackendOptionError,
            r"anypubsub\.password: .* refuses it",
        ),
        ({"virtual_host": "none"}, BackendOptionError, r"anypubsub\.virtual_host: "),
    ],
)
def test_a_broker_that_cannot_be_reached_is_reported(
    connect: Connect, options: dict[str, str], kind: type[Exception], problem: str
) -> None:
    channels = Channels(connect(**options))
    for _ in range(2):
        with pytest.raises(kind, match=problem):
            channels.subscribe("news", listener())
        with pytest.raises(kind, match=problem):
            channels.publish("news", "hello")
    assert len(channels) == 0


def test_those_who_wait_for_one_that_waits_are_told_in_time() -> None:
    silent = StreamServer(
        ("127.0.0.1", 0), lambda sock, address: gevent.sleep(DEADLINE)
    )
    silent.start()
    host = f"127.0.0.1:{silent.server_port}"
    backend = AmqpPubSub(host, connect_timeout=0.5, read_timeout=0.5)
    begin = time.monotonic()
    jobs = [gevent.spawn(backend.publish, "news", "hello") for _ in range(20)]
    gevent.joinall(jobs, timeout=DEADLINE)
    assert {type(job.exception) for job in jobs} == {BrokerUnavailable}
    # One after the other they would wait for ten seconds.
    assert time.monotonic() - begin < 8
    silent.stop(timeout=0)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"hots": "localhost"}, r"anypubsub\.hots: is not an option of the amqp"),
        ({"heartbeat": "fast"}, r"anypubsub\.heartbeat: 'fast' is not a number"),
        ({"heartbeat": "-1"}, r"anypubsub\.heartbeat: -1.0 is not greater than 0"),
        ({"read_timeout": "inf"}, r"anypubsub\.read_timeout: inf is more than"),
        ({"ssl": "perhaps"}, r"anypubsub\.ssl: 'perhaps' is not true or false"),
        (
            {"host": "redis://localhost"},
            r"anypubsub\.host: .*it has to begin with amqp://",
        ),
        ({"host": "amqp://localhost:port"}, r"anypubsub\.host: this URL is invalid"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], problem: str) -> None:
    settings = {f"anypubsub.{name}": value for name, value in options.items()}
    with pytest.raises(BackendOptionError, match=problem):
        create_backend({"anypubsub.backend": "amqp", **settings})


def test_urls(connect: Connect, broker: Broker) -> None:
    backend = connect(host=f"amqp://guest:guest@127.0.0.1:{broker.port}/%2F")
    assert backend.name == f"AMQP broker at 127.0.0.1:{broker.port}"
    backend.publish("news", "hello")


def test_a_broker_that_comes_back_is_heard(
    connect: Connect, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    channels = Channels(connect())
    each = listener()
    channels.subscribe("news", each)
    channels.publish("news", 1)
    wait_for(lambda: heard(each) == [1], "it is heard")
    broker.kill()
    with pytest.raises(BrokerUnavailable):
        channels.publish("news", "lost")
    wait_for(lambda: "'news' is lost" in caplog.text, "that is noticed")
    broker.start()
    with gevent.Timeout(DEADLINE):
        while "'news' is back" not in caplog.text:
            gevent.sleep(0.1)
    channels.publish("news", 2)
    wait_for(lambda: heard(each) == [1, 2], "it is heard")
    channels.unsubscribe("news", each)
