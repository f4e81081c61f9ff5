"""Reads that follow the messages of a connection."""

from __future__ import annotations

import pytest

from tgext.socketio.engine.io.readsize import LARGE, MOST_READ, READ_SIZE, ReadSize

#: Bytes of a frame that has not begun.
NONE = 2


def sizes(*reads: tuple[int, int]) -> list[int]:
    """The size after each read: of its bytes, and of the frame that has begun."""
    size = ReadSize()
    found = [size.size]
    for count, frame in reads:
        size.follow(count, frame)
        found.append(size.size)
    return found


def test_it_begins_small() -> None:
    assert sizes() == [READ_SIZE]


@pytest.mark.parametrize("count", [0, 10, READ_SIZE - 1, READ_SIZE])
@pytest.mark.parametrize("frame", [NONE, 100, LARGE - 1])
def test_small_messages_are_read_in_small_pieces(count: int, frame: int) -> None:
    assert sizes((count, frame)) == [READ_SIZE] * 2


def test_several_large_messages_are_read_at_once() -> None:
    assert sizes((READ_SIZE, LARGE)) == [READ_SIZE, 4 * LARGE]
    assert sizes((READ_SIZE, 16384)) == [READ_SIZE, MOST_READ]
    assert sizes((READ_SIZE, 10**9)) == [READ_SIZE, MOST_READ]


def test_it_stays_while_messages_are_large_whether_they_are_whole_or_not() -> None:
    reads = [(READ_SIZE, 16384), (16384, NONE), (65536, 16384), (16384, NONE)]
    assert sizes(*reads)[1:] == [MOST_READ] * 4


@pytest.mark.parametrize("count", [10, MOST_READ], ids=["few", "a flood"])
def test_it_shrinks_when_messages_are_small_again(count: int) -> None:
    """One large message does not buy a client more of the others' time."""
    assert sizes((READ_SIZE, 16384), (count, 70))[-1] == READ_SIZE
