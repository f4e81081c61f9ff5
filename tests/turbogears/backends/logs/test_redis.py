"""The log in a real Redis: which failures it survives, and which it notices."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import pytest

from tests.engine.clients import DEADLINE, wait_for
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.backends.errors import (
    BrokerRefused,
    BrokerUnavailable,
    KeyInUse,
)
from tgext.socketio.backends.logs.entries import Entry, Keep, Position
from tgext.socketio.backends.logs.redis import RedisLog

from ..conftest import Connect
from ..test_logs import Clock

KEEP = Keep(10, 300.0)


def fill(log: RedisLog, *messages: str) -> Position:
    position: Position | None = None
    for each in messages:
        position = log.append("news", each, KEEP)
    assert position is not None
    return position


def read(log: RedisLog, after: Position) -> tuple[list[str], bool]:
    replay = log.read(["news"], after)
    return [each.message for each in replay.entries], replay.complete


def restart(server: RedisServer) -> None:
    server.kill()
    server.start()


@contextmanager
def with_file(directory: Path) -> Iterator[RedisServer]:
    options = {"appendonly": "yes", "appendfsync": "always"}
    with running_redis(directory, **options, repl_diskless_sync_delay="0") as server:
        yield server


def test_after_a_restart_with_its_file_the_log_goes_on(
    tmp_path: Path, connect: Connect
) -> None:
    with with_file(tmp_path) as server:
        log, other = connect(server).log, connect(server).log
        first = fill(log, "1", "2")
        restart(server)
        second = fill(other, "3")
        assert second.epoch == first.epoch
        assert second.number > first.number + 1, "no number is used twice"
        assert read(log, Position(first.epoch, 0)) == (["1", "2", "3"], True)
        assert read(log, first) == (["3"], True)
        in_gap = first._replace(number=first.number + 1)
        assert read(log, in_gap) == (["3"], False)
        assert read(log, first) == (["3"], True), "whoever asked has no say in that"


def test_entries_that_a_file_has_lost_are_noticed(
    tmp_path: Path, connect: Connect
) -> None:
    with with_file(tmp_path / ".") as server:
        backend, heard = connect(server), list[Entry]()
        backend.log.listen("news", heard.append)
        first = fill(backend.log, "1")
        files = tmp_path / "appendonlydir"
        shutil.copytree(files, tmp_path / "earlier")
        last = fill(backend.log, "lost", "lost")
        wait_for(lambda: len(heard) == 3, "they are heard")
        server.kill()
        shutil.rmtree(files)
        shutil.copytree(tmp_path / "earlier", files)
        server.start()
        other = connect(server).log
        fill(other, "2")
        wait_for(lambda: len(heard) == 4, "what is new is heard")
        assert other.now().epoch == last.epoch
        assert read(other, first) == (["2"], False)
        assert read(other, other.now()) == ([], True)


@pytest.mark.parametrize("is_saved", [False, True])
def test_after_another_restart_a_new_epoch_begins(
    tmp_path: Path, connect: Connect, is_saved: bool
) -> None:
    with running_redis(tmp_path) as server:
        log = connect(server).log
        first = fill(log, "1", "2")
        if is_saved:
            server.client.save()
        restart(server)
        assert read(log, first) == ([], False)
        second = fill(log, "3")
        assert second.epoch != first.epoch
        assert read(log, first) == (["3"], False)
        assert read(log, second) == ([], True)


def test_after_a_failover_a_new_epoch_begins(tmp_path: Path, connect: Connect) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with with_file(old) as primary, with_file(new) as replica:
        first = fill(connect(primary).log, "1")
        replica.client.replicaof("127.0.0.1", str(primary.port))
        wait_for(lambda: replica.client.exists("tgext.socketio/log"), "it has a copy")
        replica.client.replicaof("NO", "ONE")
        log = connect(replica).log
        assert read(log, first) == ([], False)
        assert log.now().epoch != first.epoch


def test_flushed_scripts_change_nothing(connect: Connect, server: RedisServer) -> None:
    log = connect().log
    first = fill(log, "1")
    server.client.script_flush()
    assert fill(log, "2") == first._replace(number=first.number + 1)


def test_a_flush_is_noticed_by_all(connect: Connect, server: RedisServer) -> None:
    log, other = connect().log, connect().log
    first = fill(log, "1")
    assert other.now() == first
    server.client.flushall()
    second = fill(log, "2")
    assert second.epoch != first.epoch
    assert (other.now(), log.now()) == (second, second)
    assert read(other, first) == (["2"], False)


def test_redis_forgets_old_topics_and_keys(
    connect: Connect, server: RedisServer
) -> None:
    server.client.flushall()
    log = connect().log
    start = log.now()
    assert log.append("news", "1", Keep(5, 0.2), "key")
    assert log.append("news", "1", Keep(5, 0.2), "key") is None
    gevent.sleep(0.25)
    assert read(log, start) == ([], False)
    assert log.append("news", "1", Keep(5, 300), "key")
    [head] = server.client.keys("*/head/news")
    [stream] = server.client.keys("*/stream/news")
    [key] = server.client.keys("*/key/*")
    assert 3 * 3600 < server.client.ttl(head) <= 3 * 3600 + 300
    assert 0 < server.client.ttl(stream) <= 300
    assert 0 < server.client.ttl(key) <= 300


def test_topics_that_redis_forgot_may_have_lost_what_is_old(
    connect: Connect, server: RedisServer
) -> None:
    server.client.flushall()
    clock = Clock()
    log = RedisLog(connect(), clock)
    start = log.now()
    fill(log, "1")
    for hours in (0.5, 0.5, 1.0, 1.5, 10, 10):
        clock.seconds += 3600 * hours
        position = log.append("other", "x", KEEP)
    server.client.delete(*server.client.keys("*/news"))
    assert position is not None
    assert read(log, start) == ([], False)
    assert read(log, position) == ([], True)
    clock.seconds += 3600 * 3
    assert read(log, position) == ([], True)
    fill(log, "2")
    assert read(log, position) == (["2"], True)
    assert read(log, start) == (["2"], False)


def test_topics_that_are_new_have_lost_nothing(
    connect: Connect, server: RedisServer
) -> None:
    server.client.flushall()
    clock = Clock()
    log = RedisLog(connect(), clock)
    log.append("other", "x", KEEP)
    clock.seconds += 3600 * 1.5
    position = log.append("other", "x", KEEP)
    assert position is not None
    clock.seconds += 3600
    assert read(log, position) == ([], True)
    fill(log, "1")
    assert read(log, position) == (["1"], True)


def test_many_that_are_dropped_at_once(connect: Connect, server: RedisServer) -> None:
    server.client.flushall()
    log, start = connect().log, connect().log.now()
    for number in range(500):
        log.append("news", str(number), Keep(1000, 300))
    middle = log.now()
    log.append("news", "last", Keep(2, 300))
    assert read(log, start) == (["499", "last"], False)
    assert read(log, middle) == (["last"], True)


def append_at_once(log: RedisLog, *topics: str) -> list[Position | Exception | None]:
    """Append a message to each of some topics: to the first, and then to the others."""
    jobs = [gevent.spawn(log.append, topic, topic, KEEP, "key") for topic in topics]
    gevent.joinall(jobs, timeout=DEADLINE)
    return [job.exception or job.value for job in jobs]


def test_what_redis_refuses_in_one_topic_keeps_no_others(
    connect: Connect, server: RedisServer
) -> None:
    server.client.flushall()
    log = connect().log
    start = log.now()
    stream = f"tgext.socketio/log/{start.epoch}/stream/bad"
    server.client.set(stream, "no stream")
    topics = ("first", "news", "bad", "sports", "bad")
    first, news, bad, sports, again = append_at_once(log, *topics)
    for each in (bad, again):
        assert isinstance(each, BrokerRefused)
        assert "refuses: " in str(each)
        assert "WRONGTYPE" in str(each)
    heard = log.read(["first", "news", "sports"], start)
    numbers = [each.number for each in (first, news, sports)]  # type: ignore[union-attr]
    assert [each.number for each in heard.entries] == numbers
    server.client.delete(stream)
    assert log.append("bad", "once more", KEEP, "key"), "its key was not used"


def test_in_a_new_epoch_all_are_appended(connect: Connect, server: RedisServer) -> None:
    log = connect().log
    before = fill(log, "1")
    server.client.flushall()
    positions = append_at_once(log, "first", "news", "sports")
    epoch = log.now().epoch
    assert epoch != before.epoch
    assert positions == [Position(epoch, number) for number in (1, 2, 3)]


def test_what_was_gathered_while_redis_did_not_answer_is_not_appended(
    tmp_path: Path, connect: Connect
) -> None:
    with running_redis(tmp_path) as server:
        log = connect(server, socket_timeout="0.2").log
        start = fill(log, "1")
        server.freeze()
        first, *others = append_at_once(log, *"abcdefgh")
        assert "cannot be reached: Timeout" in str(first)
        for each in others:
            assert isinstance(each, BrokerUnavailable)
            assert "does not answer in time: what was published before" in str(each)
        server.thaw()
        again = append_at_once(log, *"ijklmnop")
        after = log.read("ijklmnop", start).entries
        assert [each.topic for each in after] == list("ijklmnop")
        numbers = [each.number for each in again]  # type: ignore[union-attr]
        assert [each.number for each in after] == numbers


def test_many_of_one_topic_drop_as_many(connect: Connect, server: RedisServer) -> None:
    server.client.flushall()
    log, start = connect().log, connect().log.now()
    keeps = [Keep(3, 300), Keep(2, 300), Keep(5, 300), Keep(0, 300), Keep(5, 300)]
    jobs = [
        gevent.spawn(log.append, "news", str(number), keep)
        for number, keep in enumerate([*keeps, *keeps])
    ]
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    last = jobs[-2].value
    assert read(log, start) == (["9"], False)
    assert read(log, last) == (["9"], True)
    assert read(log, last._replace(number=last.number - 1)) == (["9"], False)


@pytest.mark.parametrize("part", ["head", "stream"])
def test_a_key_of_another_type(
    connect: Connect, server: RedisServer, part: str
) -> None:
    """One topic cannot be read or written then; the others can."""
    server.client.flushall()
    log = connect().log
    position = fill(log, "1")
    key = f"tgext.socketio/log/{position.epoch}/{part}/news"
    server.client.delete(key)
    server.client.set(key, "a text")
    with pytest.raises(KeyInUse):
        fill(log, "2")
    log.append("sport", "3", KEEP)
    replay = log.read(["news", "sport"], position)
    assert [each.message for each in replay.entries] == ["3"]
    assert not replay.complete
    assert log.read(["sport"], position).complete


def test_an_idempotency_key_of_another_type(
    connect: Connect, server: RedisServer
) -> None:
    """It concerns its own message: what is appended in the same call is there."""
    server.client.flushall()
    log = connect().log
    position = log.append("news", "1", KEEP, key="once")
    assert position is not None
    [key] = server.client.keys("tgext.socketio/log/key/*")
    server.client.delete(key)
    server.client.lpush(key, "a list")
    jobs = [
        gevent.spawn(log.append, *each)
        for each in (
            ("news", "2", KEEP),
            ("sport", "3", KEEP),
            ("news", "4", KEEP, "once"),
            ("news", "5", KEEP),
        )
    ]
    gevent.joinall(jobs, timeout=DEADLINE)
    assert isinstance(jobs[2].exception, KeyInUse)
    replay = log.read(["news", "sport"], position)
    assert [each.message for each in replay.entries] == ["2", "3", "5"]
    assert replay.complete
    assert server.client.type(key) == "list"
