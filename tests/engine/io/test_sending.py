"""Sending to clients that read slowly, or not at all."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from tgext.socketio.engine.io.sending import SENT_AT_ONCE, send_all, send_in_pieces
from tgext.socketio.engine.io.sockets import below

from ..clients import DEADLINE
from ..conftest import Ends

#: More than the kernel takes at once.
LARGE = bytes(range(256)) * 20_000


def read(sock: Any, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += sock.recv(1_000_000)
    return data


@pytest.mark.parametrize("data", [b"", b"a", LARGE], ids=["nothing", "little", "much"])
def test_all_is_sent(ends: Ends, data: bytes) -> None:
    ours, theirs = ends
    sending = gevent.spawn(send_all, ours, below(ours), data, DEADLINE)
    assert read(theirs, len(data)) == data
    sending.get(timeout=DEADLINE)
    assert ours.gettimeout() is None


def test_each_piece_is_reported(ends: Ends) -> None:
    ours, theirs = ends
    reading = gevent.spawn(read, theirs, len(LARGE))
    counts = list(send_in_pieces(ours, memoryview(LARGE), DEADLINE))
    assert reading.get(timeout=DEADLINE) == LARGE
    assert set(counts[:-1]) == {SENT_AT_ONCE}
    assert sum(counts) == len(LARGE)


def test_who_does_not_read_is_not_waited_for(ends: Ends) -> None:
    ours, _ = ends
    with pytest.raises(ConnectionResetError):
        send_all(ours, below(ours), LARGE, 0.05)
    assert ours.gettimeout() is None


@pytest.mark.parametrize("data", [b"a", LARGE], ids=["little", "much"])
def test_who_has_left_is_noticed(ends: Ends, data: bytes) -> None:
    ours, theirs = ends
    theirs.close()
    with pytest.raises(OSError, match=r"pipe|reset"):
        send_all(ours, below(ours), data, DEADLINE)
