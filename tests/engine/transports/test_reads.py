"""How much is read from a WebSocket in each turn of the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.io.readsize import MOST_READ, READ_SIZE
from tgext.socketio.engine.transports.reads import Reads
from tgext.socketio.wire.websocket.connection import Connection
from tgext.socketio.wire.websocket.frames import BINARY, TEXT, FrameReader, encode_frame

from ..clients import MASK


def connection() -> Connection:
    made = Connection(FrameReader())
    made.establish()
    return made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[socket.socket, socket.socket]


def test_what_came_with_the_handshake_comes_first(pair: Pair) -> None:
    ours, theirs = pair
    reads = Reads(ours, connection(), encode_frame(TEXT, b"early", MASK))
    theirs.sendall(encode_frame(TEXT, b"later", MASK))
    theirs.close()
    assert [list(messages) for messages in reads] == [
        [(TEXT, "early")],
        [(TEXT, "later")],
    ]
    reads.close()


@pytest.mark.parametrize("begun", [False, True], ids=["small", "large"])
def test_a_read_is_small_but_for_a_message_that_is_large(
    pair: Pair, begun: bool
) -> None:
    """Other greenlets run between two reads."""
    ours, theirs = pair
    frame = encode_frame(BINARY, bytes(4 * MOST_READ), MASK)
    mine = connection()
    reads = Reads(ours, mine, frame[:20] if begun else b"")
    if begun:
        assert list(next(reads)) == []
    sender = gevent.spawn(theirs.sendall, frame[20:])
    sizes = [len(reads.receive()) for _ in range(3)]
    assert max(sizes) <= (MOST_READ if begun else READ_SIZE)
    assert not begun or max(sizes) > READ_SIZE
    sender.kill()
    reads.close()


def test_a_greenlet_that_is_killed_while_it_reads_can_be_followed(pair: Pair) -> None:
    ours, theirs = pair
    reads = Reads(ours, connection(), b"")
    first = gevent.spawn(next, reads)
    gevent.sleep(0)
    first.kill()
    theirs.sendall(encode_frame(TEXT, b"a", MASK))
    assert list(next(reads)) == [(TEXT, "a")]
    reads.close()


def test_nothing_is_decoded_after_the_connection_was_given_up(pair: Pair) -> None:
    ours, theirs = pair
    mine = connection()
    reads = Reads(ours, mine, encode_frame(TEXT, b"early", MASK))
    mine.drop(0.0)
    assert list(next(reads)) == []
    theirs.close()
    assert next(reads, None) is None
    reads.close()
