"""What a log in memory keeps, and what it drops."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from tgext.socketio.backends.logs.entries import Keep, Position
from tgext.socketio.backends.logs.memory import MemoryLog

from ..test_logs import Clock

KEEP = Keep(10_000, 100.0)
MB = 1024 * 1024
MOST = MB // 4


@pytest.fixture
def clock() -> Clock:
    return Clock()


def read(log: MemoryLog, after: Position, *topics: str) -> tuple[list[str], bool]:
    replay = log.read(topics, after)
    return [each.message for each in replay.entries], replay.complete


def test_the_oldest_are_dropped_whatever_their_topic(clock: Clock) -> None:
    log = MemoryLog(now=clock, most=10_000)
    start = log.now()
    positions = [log.append(f"topic {n}", str(n) * 4000, KEEP) for n in range(4)]
    assert log.size <= 10_000
    first, second, *_ = positions
    assert first is not None
    assert second is not None
    assert read(log, start, "topic 0") == ([], False)
    assert read(log, first, "topic 0") == ([], True)
    assert read(log, start, "topic 3", "topic 1") == (["3" * 4000], False)
    assert read(log, second, "topic 3", "topic 1") == (["3" * 4000], True)
    assert read(log, start, "topic 9") == ([], True)


def test_a_message_larger_than_the_log(clock: Clock) -> None:
    log = MemoryLog(now=clock, most=10_000)
    start = log.now()
    log.append("news", "x" * 11_000, KEEP)
    assert log.size == 0
    assert read(log, start, "news") == ([], False)
    position = log.append("news", "x", KEEP)
    assert read(log, start, "news") == (["x"], False)
    assert position is not None
    assert read(log, position, "news") == ([], True)


def test_the_oldest_are_known_after_many_were_dropped_otherwise(clock: Clock) -> None:
    log = MemoryLog(now=clock, most=MOST)
    start = log.now()
    for number in range(150):
        log.append("news", str(number), KEEP)
    for _ in range(500):
        log.append("latest", "x", Keep(1, 100.0))
    for number in range(150, 400):
        log.append("news", str(number) + "x" * 1000, KEEP)
        kept, complete = read(log, start, "news")
        assert kept[-1] == str(number) + "x" * 1000
        assert complete == (kept[0] == "0")
    assert log.size > MOST - 2000
    assert read(log, start, "latest") == ([], False)


def test_a_key_is_dropped_with_the_message_of_its_time(clock: Clock) -> None:
    log = MemoryLog(now=clock, most=10_000)
    few = Keep(1, 100.0)
    assert log.append("news", "1", few, "key")
    assert log.append("news", "2", few)
    assert log.append("news", "1", few, "key") is None, "its message was dropped"
    log.append("sports", "x" * 9000, KEEP)
    assert log.append("news", "1", few, "key"), "the key was, too"


def test_24_000_rooms_leave_others_alone(clock: Clock) -> None:
    """A client joins them, sends a message to each, and leaves."""
    log = MemoryLog(now=clock)
    log.append("lobby", "1", KEEP)
    position = log.now()
    for number in range(24_000):
        log.append(f"room {number}", "x", KEEP)
        clock.seconds += 0.1
    clock.seconds += 1000
    log.append("kitchen", "2", KEEP)
    quiet = [read(log, position, f"quiet {n}", "kitchen") for n in range(100)]
    assert quiet.count((["2"], True)) > 90
    assert read(log, position, "lobby") == ([], True)
    assert read(log, position, "room 23999") == ([], False)


def flood(log: MemoryLog, clock: Clock) -> None:
    for _ in range(1000):
        log.append("news", "x" * 10_000, KEEP)


def flood_topics(log: MemoryLog, clock: Clock) -> None:
    for number in range(3000):
        log.append(f"topic {number}", "x", KEEP)


def flood_keys(log: MemoryLog, clock: Clock) -> None:
    for number in range(3000):
        log.append("news", "x", Keep(1, 100.0), f"key {number}")


def flood_few(log: MemoryLog, clock: Clock) -> None:
    """One topic stays, another changes all the time."""
    log.append("first", "x", KEEP)
    for _ in range(12_000):
        log.append("news", "x", Keep(1, 100.0))


def flood_nothing(log: MemoryLog, clock: Clock) -> None:
    for number in range(5000):
        log.append(f"topic {number}", "x", Keep(0, 100.0))


def flood_again(log: MemoryLog, clock: Clock) -> None:
    """Topics come and go."""
    for number in range(6000):
        log.append(f"topic {number % 100}", "x", Keep(3, 1.0), "key")
        clock.seconds += 1


def flood_unicode(log: MemoryLog, clock: Clock) -> None:
    for number in range(1000):
        log.append("news", f"漢{number:04}" * 1000, KEEP)
        log.read(["news"], log.now())[0]


@pytest.mark.parametrize(
    "filled",
    [
        *(flood, flood_topics, flood_keys, flood_few, flood_nothing, flood_again),
        flood_unicode,
    ],
)
def test_memory_does_not_grow(
    filled: Callable[[MemoryLog, Clock], None], clock: Clock
) -> None:
    tracemalloc.start()
    try:
        log = MemoryLog(now=clock, most=MOST)
        filled(log, clock)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert log.size <= MOST
    assert used < MB + 2 * MOST, "the log, and a table of 1 MB"
