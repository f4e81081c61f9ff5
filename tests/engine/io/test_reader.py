"""The input of HTTP connections: it has a timeout, and lets others have turns."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.io.reader import FairInput, InputTimeout, buffered_input

from ..clients import DEADLINE


@pytest.fixture
def pair() -> Iterator[tuple[Any, Any]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_lines_and_bodies_are_read(pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    read = buffered_input(ours, DEADLINE)
    theirs.sendall(b"GET / HTTP/1.1\r\n\r\nbody")
    assert read.readline() == b"GET / HTTP/1.1\r\n"
    assert read.readline() == b"\r\n"
    assert read.read(4) == b"body"
    theirs.close()
    assert read.read(1) == b""


def test_who_sends_nothing_is_waited_for_so_long(pair: tuple[Any, Any]) -> None:
    begin = time.monotonic()
    with pytest.raises(InputTimeout) as raised:
        buffered_input(pair[0], 0.05).read(1)
    assert time.monotonic() - begin >= 0.05
    assert raised.value.errno == errno.ETIMEDOUT


def test_the_patience_may_be_changed_meanwhile(pair: tuple[Any, Any]) -> None:
    """A request line may take as long as a connection is kept; a body may not."""
    ours, _ = pair
    source = FairInput(ours, DEADLINE)
    source.patience = 0.01
    with pytest.raises(InputTimeout):
        source.readinto(bytearray(1))


def test_what_comes_meanwhile_is_read(pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    gevent.spawn_later(0.01, theirs.sendall, b"late")
    assert buffered_input(ours, DEADLINE).read(4) == b"late"


def test_between_two_reads_others_have_their_turn(pair: tuple[Any, Any]) -> None:
    """Although there is always input."""
    ours, theirs = pair
    source = FairInput(ours, DEADLINE)
    theirs.sendall(b"x" * 10)
    turns: list[int] = []
    other = gevent.spawn(lambda: [turns.append(gevent.sleep(0) or 1) for _ in "12345"])
    for _ in range(10):
        assert source.readinto(bytearray(1)) == 1
    other.join(DEADLINE)
    assert source.reads == 10
    assert turns


def test_one_that_must_not_wait_returns_at_once(pair: tuple[Any, Any]) -> None:
    """As with gevent's own sockets whose timeout is 0."""
    ours, _ = pair
    ours.settimeout(0)
    assert FairInput(ours, DEADLINE).readinto(bytearray(1)) is None


def test_it_can_be_read() -> None:
    ours, theirs = socket.socketpair()
    assert FairInput(ours, 1).readable()
    ours.close()
    theirs.close()
