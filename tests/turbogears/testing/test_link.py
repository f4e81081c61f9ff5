"""Links, over a pair of sockets whose other end the test has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import socket

from tgext.socketio.testing import NotReceived
from tgext.socketio.testing.link import Link
from tgext.socketio.testing.loop import settle
from tgext.socketio.wire.websocket.close import encode_close
from tgext.socketio.wire.websocket.frames import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameReader,
    encode_frame,
)

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Pair:
    """A link whose WebSocket is open, and the server's end."""

    def __init__(self) -> None:
        ours, self.server = socket.socketpair()
        self.link = Link(ours, 5)
        self.messages: list[Any] = []
        self.ends = 0

    def open(self, early: bytes = b"") -> None:
        self.server.sendall(ACCEPTED + early)
        assert self.link.upgrade("/", {}).status == 101
        self.server.recv(65536)
        self.link.read(self.messages.append, self.end)
        settle()

    def end(self) -> None:
        self.ends += 1

    def frames(self) -> list[Any]:
        """What the server has received."""
        settle()
        return list(FrameReader().feed(self.server.recv(65536)))


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.link.drop()
    pair.server.close()


def test_an_answer(pair: Pair) -> None:
    pair.server.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n")
    answer = pair.link.ask("/a?b", {"Host": "here", "Cookie": "c=d"})
    assert (answer.status, answer.text) == (403, "no")
    head = pair.server.recv(65536)
    assert head == b"GET /a?b HTTP/1.1\r\nHost: here\r\nCookie: c=d\r\n\r\n"


def test_an_answer_in_pieces(pair: Pair) -> None:
    def answer() -> None:
        for each in (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 4\r\n\r\nab", b"cd"):
            pair.server.sendall(each)
            gevent.sleep(0)

    gevent.spawn(answer)
    assert pair.link.ask("/", {}).body == b"abcd"


def test_no_answer(pair: Pair) -> None:
    pair.server.shutdown(1)
    with pytest.raises(OSError, match="closed"):
        pair.link.ask("/", {})


def test_an_answer_that_does_not_come() -> None:
    ours, server = socket.socketpair()
    link = Link(ours, 0.01)
    text = r"GET /a has not been answered \(in 0.01 s\)\."
    with pytest.raises(NotReceived, match=text):
        link.ask("/a?b", {})
    link.drop()
    server.close()


def test_a_websocket_that_is_refused(pair: Pair) -> None:
    pair.server.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert pair.link.upgrade("/", {}, "a, b").status == 404
    assert pair.link.closed
    assert b"Sec-WebSocket-Protocol: a, b\r\n" in pair.server.recv(65536)


def test_frames_that_come_with_the_answer(pair: Pair) -> None:
    pair.open(encode_frame(TEXT, b"early"))
    assert pair.messages == ["early"]


def test_messages(pair: Pair) -> None:
    pair.open()
    pair.link.send("text")
    pair.link.send(b"bytes")
    assert [payload for _, payload in pair.frames()] == ["text", b"bytes"]


def test_pings_of_the_websocket_are_answered(pair: Pair) -> None:
    pair.open()
    pair.server.sendall(encode_frame(PING, b"x"))
    assert pair.frames() == [(PONG, b"x")]


def test_a_close_frame_is_answered(pair: Pair) -> None:
    pair.open()
    pair.server.sendall(encode_close(4001, "enough"))
    assert pair.frames() == [(CLOSE, encode_close(4001, "enough")[2:])]
    assert (pair.link.close_code, pair.link.close_reason) == (4001, "enough")
    assert pair.ends == 1


def test_the_answer_to_our_close_frame_is_not_answered(pair: Pair) -> None:
    pair.open()
    pair.link.close(4000, "bye")
    pair.link.close()  # no effect
    assert pair.frames() == [(CLOSE, encode_close(4000, "bye")[2:])]
    assert not pair.link.closed
    pair.server.sendall(encode_close(4000))
    settle()
    assert pair.link.close_code == 4000
    assert pair.server.recv(65536) == b""


def test_an_end_without_a_close_frame(pair: Pair) -> None:
    pair.open()
    pair.server.close()
    settle()
    assert (pair.link.close_code, pair.ends) == (1006, 1)


def test_a_link_that_is_dropped(pair: Pair) -> None:
    pair.open()
    pair.link.drop()
    settle()
    assert pair.server.recv(65536) == b""
    assert (pair.link.close_code, pair.ends) == (1006, 1)


def test_a_link_that_is_frozen(pair: Pair) -> None:
    pair.open()
    pair.link.freeze()
    pair.server.sendall(encode_frame(TEXT, b"1"))
    settle()
    pair.server.sendall(encode_frame(PING, b""))
    settle()
    assert pair.messages == []
    pair.link.drop()
    settle()
    assert pair.ends == 1


def test_invalid_frames_end_it(pair: Pair) -> None:
    pair.open()
    pair.server.sendall(b"\xff\xff")
    settle()
    assert (pair.link.close_code, pair.ends) == (1006, 1)
