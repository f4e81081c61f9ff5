"""Noticing that a peer has disconnected while the server does not read from it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import gevent.select
import pytest
from gevent import socket

from tgext.socketio.engine.concurrency.heartbeat import Wheel
from tgext.socketio.engine.io import hangup
from tgext.socketio.engine.io.hangup import LOOK, HangupWatch, has_gone

from ..clients import DEADLINE, wait_for


class Ends:
    """The two ends of a connection."""

    def __init__(self, ours: Any, theirs: Any) -> None:
        self.ours = ours
        self.theirs = theirs

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def tcp() -> Iterator[Ends]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    ends = Ends(ours, theirs)
    yield ends
    ends.close()


def close(ends: Ends) -> None:
    ends.theirs.close()


def close_one_half(ends: Ends) -> None:
    ends.theirs.shutdown(socket.SHUT_WR)


def reset(ends: Ends) -> None:
    ends.theirs.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    ends.theirs.close()


WAYS = pytest.mark.parametrize("go", [close, close_one_half, reset])


def test_a_peer_that_is_there_has_not_gone(tcp: Ends) -> None:
    assert not has_gone(tcp.ours)
    tcp.theirs.sendall(b"unread")
    gevent.select.select([tcp.ours], [], [], DEADLINE)
    assert not has_gone(tcp.ours)
    # It is still there to be read.
    assert tcp.ours.recv(10) == b"unread"


@WAYS
@pytest.mark.parametrize("unread", [b"", b"unread"], ids=["nothing", "something"])
def test_a_peer_that_went_has_gone(tcp: Ends, go: Any, unread: bytes) -> None:
    """Linux tells the state of the connection even with unread input."""
    tcp.theirs.sendall(unread)
    go(tcp)
    wait_for(lambda: has_gone(tcp.ours), "the peer has gone")


def test_a_closed_socket_has_no_peer(tcp: Ends) -> None:
    tcp.ours.close()
    assert has_gone(tcp.ours)


@pytest.mark.parametrize("linux", [True, False], ids=["Linux", "elsewhere"])
def test_unread_input_hides_the_end_elsewhere(
    linux: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linux:
        monkeypatch.setattr(hangup, "_ENDED", None)
    ours, theirs = socket.socketpair()
    ends = Ends(ours, theirs)
    assert not has_gone(ours)
    theirs.sendall(b"unread")
    assert not has_gone(ours)
    theirs.close()
    assert has_gone(ours) == linux
    ours.recv(10)
    assert has_gone(ours)
    ends.close()
    assert has_gone(ours)


@pytest.fixture
def wheel() -> Iterator[Wheel]:
    wheel = Wheel()
    yield wheel
    wheel.close()


@WAYS
def test_the_end_of_an_idle_peer_is_reported_once(
    tcp: Ends, wheel: Wheel, go: Any
) -> None:
    told: list[None] = []
    HangupWatch(tcp.ours, wheel, lambda: told.append(None))
    gevent.sleep(0)
    assert not told
    go(tcp)
    wait_for(lambda: told, "it is told")
    gevent.sleep(0.01)
    assert len(told) == 1
    assert len(wheel) == 0


def test_with_unread_input_it_polls(tcp: Ends, wheel: Wheel) -> None:
    """The event loop would call again and again for the same unread input."""
    told: list[None] = []
    watch = HangupWatch(tcp.ours, wheel, lambda: told.append(None))
    tcp.theirs.sendall(b"unread")
    wait_for(lambda: len(wheel) == 1, "it looks by the clock")
    assert watch.on_timer(0) == LOOK
    assert not told
    close(tcp)
    wait_for(lambda: has_gone(tcp.ours), "the peer has gone")
    assert watch.on_timer(LOOK) is None
    assert len(told) == 1
    assert len(wheel) == 0


def test_a_closed_watch_calls_nothing(tcp: Ends, wheel: Wheel) -> None:
    told: list[None] = []
    watch = HangupWatch(tcp.ours, wheel, lambda: told.append(None))
    tcp.theirs.sendall(b"unread")
    wait_for(lambda: len(wheel) == 1, "it looks by the clock")
    watch.close()
    watch.close()
    assert len(wheel) == 0
    close(tcp)
    gevent.sleep(0.01)
    assert not told
