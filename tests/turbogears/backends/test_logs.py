"""The logs of topics: one suite for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tests.engine.clients import DEADLINE, wait_for
from tests.redis_server import RedisServer
from tgext.socketio.backends.logs.entries import (
    Entry,
    Keep,
    Log,
    Position,
    new_epoch,
    read_logged,
    write_logged,
)
from tgext.socketio.backends.logs.memory import MemoryLog
from tgext.socketio.backends.logs.redis import RedisLog

from .conftest import Connect

KEEP = Keep(3, 60.0)
TOPIC, OTHER = "news", "sports é"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "redis"])
def log(
    request: pytest.FixtureRequest,
    clock: Clock,
    server: RedisServer,
    connect: Connect,
) -> Log:
    if request.param == "memory":
        return MemoryLog(now=clock)
    server.client.flushall()
    return RedisLog(connect(), clock)


def fill(log: Log, *messages: str, topic: str = TOPIC, keep: Keep = KEEP) -> Any:
    """Append messages; returns the position of the last one."""
    positions = [log.append(topic, each, keep) for each in messages]
    return positions[-1]


def messages(entries: list[Entry]) -> list[str]:
    return [entry.message for entry in entries]


def expect(heard: list[Any], *expected: str) -> None:
    """Entries, or texts, are heard."""
    wait_for(lambda: len(heard) >= len(expected), f"{expected} are heard")
    got = [each if isinstance(each, str) else each.message for each in heard]
    assert got == list(expected)


def read(log: Log, after: Position, *topics: str) -> tuple[list[str], bool]:
    replay = log.read(topics or [TOPIC], after)
    assert replay.entries == sorted(replay.entries)
    assert replay.position == log.now()
    return messages(replay.entries), replay.complete


# Positions


def test_a_position_is_read_as_it_is_written() -> None:
    position = Position(new_epoch(), 12)
    assert Position.read(str(position)) == position


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1", "a-1", "abcdefghijkl", "abcdefghijkl-", "abcdefghijkl--1", None),
        *("abcdefghijkl-x", "1bcdefghijkl-1", "ABCDEFGHIJKL-1", "abcdefghijkl-1 "),
        *("abcdefghijkl-1\n", "abcdefghijkl-" + "9" * 16, ["abcdefghijkl-1"], b"a-1"),
    ],
)
def test_other_texts_are_no_positions(text: object) -> None:
    with pytest.raises(ValueError, match="a position is a text such as"):
        Position.read(text)


@pytest.mark.parametrize("message", ["", "{}", "é 漢", "a b", "abcdefghijkl-1 x"])
@pytest.mark.parametrize("form", [str, str.encode, lambda text: bytearray(text, "utf")])
def test_what_subscribers_receive_is_read_as_it_is_written(
    message: str, form: Callable[[str], Any]
) -> None:
    position = Position(new_epoch(), 7)
    assert read_logged(form(write_logged(position, message))) == (position, message)


@pytest.mark.parametrize(
    "data",
    [
        *('"abcdefghijkl-1 x"', "{}", "1", "null", "", "abcdefghijkl-1", None, 5),
        *(b"\xff\xfe", b"abcdefghijkl-1 \xff", b"[1]"),
    ],
)
def test_what_others_publish_is_no_message_of_a_log(data: object) -> None:
    assert read_logged(data) is None


# Appending and reading


def test_numbers_ascend_over_all_topics(log: Log) -> None:
    start = log.now()
    positions = [log.append(topic, "x", KEEP) for topic in (TOPIC, OTHER, TOPIC)]
    assert positions == [Position(start.epoch, start.number + n) for n in (1, 2, 3)]
    assert log.now() == positions[-1]


def test_what_many_append_at_once_is_in_its_order(log: Log) -> None:
    """Of topics, amounts and keys of all kinds."""
    heard: dict[str, list[Any]] = {topic: [] for topic in (TOPIC, OTHER)}
    for topic, entries in heard.items():
        log.listen(topic, entries.append)
    start = log.now()
    topics = [(TOPIC, OTHER)[number % 3 // 2] for number in range(250)]

    def append(number: int) -> Position | None:
        keep = Keep(1000 + number % 2, 60.0)
        key = f"key {number // 2}" if number % 5 < 2 else None
        return log.append(topics[number], str(number), keep, key)

    jobs = [gevent.spawn(append, number) for number in range(250)]
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    appended = [n for n, job in enumerate(jobs) if job.value is not None]
    assert 200 < len(appended) < 250, "some keys were used before"
    positions = [jobs[number].value for number in appended]
    numbers = range(start.number + 1, start.number + 1 + len(appended))
    assert positions == [Position(start.epoch, number) for number in numbers]
    assert read(log, start, TOPIC, OTHER) == ([str(n) for n in appended], True)
    for topic, entries in heard.items():
        expect(entries, *(str(n) for n in appended if topics[n] == topic))


def test_what_came_after_a_position_is_read(log: Log) -> None:
    start = log.now()
    first = fill(log, "1")
    fill(log, "2", topic=OTHER)
    last = fill(log, "3 é\n", "")
    assert read(log, start) == (["1", "3 é\n", ""], True)
    assert read(log, start, TOPIC, OTHER, TOPIC) == (["1", "2", "3 é\n", ""], True)
    assert read(log, first) == (["3 é\n", ""], True)
    assert read(log, last, TOPIC, OTHER) == ([], True)
    assert log.read([], start).entries == []


def test_entries_know_their_topic_and_number(log: Log) -> None:
    start = log.now()
    position = fill(log, "x", topic=OTHER)
    replay = log.read([OTHER], start)
    assert replay.entries == [Entry(position.number, OTHER, "x")]


def test_so_many_entries_are_kept(log: Log) -> None:
    start = log.now()
    first = fill(log, "1")
    assert read(log, start) == (["1"], True)
    fill(log, "2", "3")
    assert read(log, start) == (["1", "2", "3"], True)
    fill(log, "4")
    assert read(log, start) == (["2", "3", "4"], False)
    assert read(log, first) == (["2", "3", "4"], True)
    fill(log, "5", "6", "7", topic=OTHER)
    assert read(log, first) == (["2", "3", "4"], True)


def test_fewer_are_kept_when_less_is_asked_for(log: Log) -> None:
    start = log.now()
    fill(log, "1", "2", "3")
    fill(log, "4", keep=Keep(1, 60.0))
    assert read(log, start) == (["4"], False)


def test_entries_are_kept_so_long(log: Log, clock: Clock) -> None:
    start = log.now()
    first = fill(log, "1")
    clock.seconds += 30
    second = fill(log, "2")
    clock.seconds += 29
    assert read(log, start) == (["1", "2"], True)
    clock.seconds += 1
    assert read(log, start) == (["2"], False)
    assert read(log, first) == (["2"], True)
    clock.seconds += 30
    assert read(log, first) == ([], False)
    assert read(log, second) == ([], True)


def test_a_quiet_topic_is_complete_when_others_are_not(log: Log, clock: Clock) -> None:
    fill(log, "x", topic="quiet")
    position = log.now()
    clock.seconds += 1000
    fill(log, "1", "2", "3", "4")
    clock.seconds += 1000
    fill(log, "5")
    assert read(log, position, "quiet") == ([], True)
    assert read(log, position, "quiet", TOPIC) == (["5"], False)


def test_a_topic_without_messages_is_complete(log: Log) -> None:
    assert read(log, log.now(), "none") == ([], True)


def test_a_position_of_another_epoch_gets_all_and_is_not_complete(log: Log) -> None:
    fill(log, "1", "2")
    assert read(log, Position(new_epoch(), 1)) == (["1", "2"], False)


def test_a_position_in_the_future_is_not_complete(log: Log) -> None:
    position = fill(log, "1", "2")
    later = position._replace(number=position.number + 1)
    assert read(log, later) == ([], False)


def test_nothing_is_kept_when_nothing_shall_be(log: Log) -> None:
    start = log.now()
    fill(log, "1", keep=Keep(0, 60.0))
    assert read(log, start) == ([], False)
    assert read(log, log.now()) == ([], True)


def test_the_latest_entries(log: Log, clock: Clock) -> None:
    assert messages(log.latest("none", 2).entries) == []
    fill(log, "1", "2")
    fill(log, "x", topic=OTHER)
    assert messages(log.latest(TOPIC, 1).entries) == ["2"]
    assert messages(log.latest(TOPIC, 9).entries) == ["1", "2"]
    assert messages(log.latest(TOPIC, 0).entries) == []
    assert log.latest(TOPIC, 1).position == log.now()
    clock.seconds += 60
    assert messages(log.latest(TOPIC, 9).entries) == []


def test_a_key_is_used_once_in_its_time(log: Log, clock: Clock) -> None:
    start = log.now()
    assert log.append(TOPIC, "1", KEEP, "key")
    assert log.append(TOPIC, "1", KEEP, "key") is None
    assert log.append(OTHER, "2", KEEP, "key"), "of another topic"
    assert log.append(TOPIC, "3", KEEP, "")
    assert log.append(TOPIC, "3", KEEP, "") is None
    assert log.append(TOPIC, "4", KEEP, "x" * 10_000)
    clock.seconds += 59
    assert log.append(TOPIC, "5", KEEP, "key") is None
    clock.seconds += 1
    assert log.append(TOPIC, "6", KEEP, "key")
    assert read(log, start, TOPIC, OTHER) == (["6"], False)


# Listening


def test_listeners_hear_each_entry_once_and_in_order(log: Log) -> None:
    heard: list[Entry] = []
    fill(log, "before")
    log.listen(TOPIC, heard.append)
    fill(log, "1", "2")
    fill(log, "x", topic=OTHER)
    fill(log, "3")
    expect(heard, "1", "2", "3")
    log.unlisten(TOPIC, heard.append)
    log.unlisten(TOPIC, heard.append)
    fill(log, "after")
    log.listen(TOPIC, heard.append)
    fill(log, "4")
    expect(heard, "1", "2", "3", "4")
    log.unlisten(TOPIC, heard.append)


def test_a_listener_may_append(log: Log) -> None:
    heard: list[str] = []

    def answer(entry: Entry) -> None:
        if entry.message == "question":
            log.append(TOPIC, "answer", KEEP)

    log.listen(TOPIC, answer)
    log.listen(TOPIC, lambda entry: heard.append(entry.message))
    fill(log, "question")
    expect(heard, "question", "answer")


def test_who_has_not_lost_messages_is_not_told(log: Log, server: RedisServer) -> None:
    heard: list[Entry] = []
    told: list[str] = []
    log.when_lost(lambda: told.append("lost"))
    log.listen(TOPIC, heard.append)
    server.client.client_kill_filter(_type="pubsub")
    fill(log, "1", "2", "3")
    expect(heard, "1", "2", "3")
    assert told == []
    log.unlisten(TOPIC, heard.append)


def test_a_listener_that_fails_is_alone(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Entry] = []

    def fail(entry: Entry) -> None:
        raise RuntimeError("failed")

    log.listen(TOPIC, fail)
    log.listen(TOPIC, heard.append)
    fill(log, "1", "2")
    expect(heard, "1", "2")
    assert "A message of 'news' failed" in caplog.text


# In memory


def test_memory_tells_those_who_know_no_log() -> None:
    told: list[tuple[str, str]] = []
    log = MemoryLog(lambda topic, text: told.append((topic, text)))
    position = fill(log, "1")
    assert told == [(TOPIC, f"{position} 1")]
