"""Hearing a log over a real Redis that fails, while another process publishes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.backends.logs import catching
from tgext.socketio.backends.logs.entries import (
    Entry,
    Keep,
    Position,
    Replay,
    new_epoch,
    write_logged,
)
from tgext.socketio.backends.logs.memory import MemoryLog
from tgext.socketio.backends.redis import RedisPubSub

from ..conftest import Connect

#: All that is published while the link is lost, and connecting again takes seconds.
KEEP = Keep(1_000_000, 300.0)
TOPICS = ("news", "sports", "weather")

#: Messages of the other process.
COUNT = 300

Trouble = Callable[[RedisServer], None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One that keeps what it took, also when it is killed."""
    directory = tmp_path_factory.mktemp("redis")
    with running_redis(directory, appendonly="yes") as server:
        yield server


@contextmanager
def publishing(server: RedisServer, count: int = COUNT) -> Iterator[None]:
    """Another process publishes; it has ended when this returns."""
    program = Path(__file__).with_name("publisher.py")
    command = [sys.executable, str(program), str(server.port), str(count), *TOPICS]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield
        assert process.wait() == 0


def numbers(heard: list[Entry], topic: str) -> list[int]:
    return [int(each.message) for each in heard if each.topic == topic]


def restart(server: RedisServer) -> None:
    server.kill()
    gevent.sleep(0.1)
    server.start()


def pause(server: RedisServer) -> None:
    server.freeze()
    gevent.sleep(1.0)
    server.thaw()


def cut(server: RedisServer) -> None:
    for _ in range(5):
        server.client.client_kill_filter(_type="pubsub")
        gevent.sleep(0.05)


def cut_all(server: RedisServer) -> None:
    for _ in range(3):
        server.client.client_kill_filter(_type="pubsub")
        server.client.client_kill_filter(_type="normal", skipme=True)
        gevent.sleep(0.1)


@pytest.mark.parametrize("trouble", [restart, pause, cut, cut_all])
def test_what_redis_took_is_heard_once_and_in_order(
    connect: Connect, server: RedisServer, trouble: Trouble
) -> None:
    server.client.flushall()
    backend = connect(health_check_interval="0.2", socket_timeout="0.3")
    heard: list[Entry] = []
    for topic in TOPICS:
        backend.log.listen(topic, heard.append)
    with publishing(server):
        wait_for(lambda: len(heard) > COUNT // 10, "some are heard")
        trouble(server)
        wait_for(lambda: len(heard) >= COUNT, "all are heard")
    for index, topic in enumerate(TOPICS):
        assert numbers(heard, topic) == list(range(index, COUNT, len(TOPICS)))
    assert heard == sorted(heard)


@contextmanager
def broken_link(server: RedisServer, backend: RedisPubSub) -> Iterator[None]:
    """The subscribed connection is lost, and cannot be opened again."""
    assert backend.listener.link is not None
    server.client.config_set("requirepass", "secret")
    server.client.client_kill_filter(_type="pubsub")
    wait_for(lambda: backend.listener.link is None, "the loss is noticed")
    yield
    server.client.config_set("requirepass", "")


def test_what_was_published_meanwhile_is_heard_before_what_is_new(
    connect: Connect, server: RedisServer
) -> None:
    backend, other, heard = connect(), connect(), list[Entry]()
    backend.log.listen("news", heard.append)
    other.log.append("news", "1", KEEP)
    wait_for(lambda: heard, "it is heard")
    with broken_link(server, backend):
        for number in range(2, 200):
            other.log.append("news", str(number), KEEP)
    while len(heard) < 199:
        number += 1
        other.log.append("news", str(number), KEEP)
        gevent.sleep(0.001)
    wait_for(lambda: len(heard) >= number, "all are heard")
    assert numbers(heard, "news") == list(range(1, number + 1))


def test_listeners_who_leave_or_come_meanwhile(
    connect: Connect, server: RedisServer
) -> None:
    backend, other = connect(), connect()
    stays, leaves, comes = list[Entry](), list[Entry](), list[Entry]()
    backend.log.listen("news", stays.append)
    backend.log.listen("news", leaves.append)
    other.log.now()
    with broken_link(server, backend):
        other.log.append("news", "1", KEEP)
        backend.log.unlisten("news", leaves.append)
        backend.log.listen("sports", comes.append)
    wait_for(lambda: stays, "what was missed is heard")
    other.log.append("sports", "2", KEEP)
    other.log.append("news", "3", KEEP)
    wait_for(lambda: len(stays) == 2 and comes, "all are heard")
    assert numbers(stays, "news") == [1, 3]
    assert (leaves, numbers(comes, "sports")) == ([], [2])


def test_a_log_that_reaches_not_back_is_reported(
    connect: Connect, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    backend, other, heard = connect(), connect(), list[Entry]()
    backend.log.listen("news", heard.append)
    other.log.now()
    with broken_link(server, backend):
        for number in range(10):
            other.log.append("news", str(number), Keep(3, 300.0))
    wait_for(lambda: len(heard) == 3, "the last are heard")
    assert numbers(heard, "news") == [7, 8, 9]
    assert "no longer has all that were missed" in caplog.text


def test_after_a_flush_all_of_the_new_epoch_is_heard(
    connect: Connect, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    backend, other, heard = connect(), connect(), list[Entry]()
    backend.log.listen("news", heard.append)
    old = other.log.append("news", "1", KEEP)
    wait_for(lambda: heard, "it is heard")
    server.client.flushall()
    for number in range(2, 5):
        other.log.append("news", str(number), KEEP)
    wait_for(lambda: len(heard) == 4, "the new ones are heard")
    assert numbers(heard, "news") == [1, 2, 3, 4]
    assert old is not None
    assert backend.log.epoch == backend.log.now().epoch != old.epoch
    assert "has lost messages" in caplog.text


def test_messages_of_another_log_are_skipped(
    connect: Connect, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    backend, heard = connect(), list[Entry]()
    backend.log.listen("news", heard.append)
    strange = Position(new_epoch(), 7)
    for _ in range(2):
        server.client.publish("news", f"{strange} strange")
    backend.log.append("news", "1", KEEP)
    wait_for(lambda: heard, "the own one is heard")
    for number in range(2, 4):
        server.client.publish("news", f"{strange} strange")
        server.client.publish("news", "plain")
        backend.log.append("news", str(number), KEEP)
    wait_for(lambda: len(heard) >= 3, "the own ones are heard")
    assert numbers(heard, "news") == [1, 2, 3]
    assert caplog.text.count("Messages of another log") == 1


@pytest.mark.parametrize("limit", ["MOST_WAITING", "MOST_WAITING_SIZE"])
def test_what_waits_is_bounded(
    connect: Connect, server: RedisServer, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(catching, limit, 5)
    backend, other, heard = connect(), connect(), list[Entry]()
    backend.log.listen("news", heard.append)
    other.log.now()
    with broken_link(server, backend):
        for number in range(200):
            other.log.append("news", str(number), KEEP)
    while len(heard) < 200:
        number += 1
        other.log.append("news", str(number), KEEP)
        gevent.sleep(0.001)
    wait_for(lambda: len(heard) > number, "all are heard")
    assert numbers(heard, "news") == list(range(number + 1))


class Carrier:
    """A backend whose link the test cuts."""

    name = "a broker"

    def __init__(self) -> None:
        self.lost: list[Callable[[], object]] = []
        self.returned: list[Callable[[], object]] = []
        self.listener = self
        self.heard: list[Callable[[Any], object]] = []

    def listen(self, channel: str, heard: Callable[[Any], object]) -> None:
        self.heard.append(heard)

    def unlisten(self, channel: str, heard: Callable[[Any], object]) -> None:
        self.heard.remove(heard)


@pytest.mark.parametrize(
    ("limit", "most"), [("MOST_WAITING", 3), ("MOST_WAITING_SIZE", 3000)]
)
def test_more_than_that_is_read_again(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(catching, limit, most)
    log, carrier, go_on, heard = MemoryLog(), Carrier(), Event(), list[Entry]()
    reads: list[Position] = []

    def read(topics: Iterable[str], after: Position, is_own: bool) -> Replay:
        reads.append(after)
        go_on.wait()
        return log.read(topics, after)

    listening = catching.Catching(carrier, log.now, read)
    listening.listen("news", heard.append)
    for each in (*carrier.lost, *carrier.returned):
        each()
    wait_for(lambda: reads, "it is read")
    for number in range(10):
        position = log.append("news", str(number).ljust(1000), KEEP)
        assert position is not None
        for hear in carrier.heard:
            hear(write_logged(position, str(number).ljust(1000)))
        gevent.sleep(0)
    go_on.set()
    wait_for(lambda: len(heard) == 10, "all are heard")
    assert numbers(heard, "news") == list(range(10))
    assert len(reads) > 2
