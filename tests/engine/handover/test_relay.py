"""What is copied between a client and a process, and when that ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.handover import relay as module
from tgext.socketio.engine.handover.relay import relay


class Between:
    """A client and a process, and the relay between them."""

    def __init__(self, seconds: float = 10.0) -> None:
        self.client, self._accepted = socket.socketpair()
        self._given, self.process = socket.socketpair()
        for each in (self.client, self.process):
            each.settimeout(10)
        self.relaying = gevent.spawn(relay, self._accepted, self._given, seconds)

    def close(self) -> None:
        self.relaying.kill()
        for each in (self.client, self._accepted, self._given, self.process):
            each.close()

    def end(self) -> None:
        """The relay has ended; who called it closes the connection."""
        self.relaying.get(timeout=10)
        self._accepted.close()


@pytest.fixture
def between() -> Iterator[Between]:
    made = Between()
    yield made
    made.close()


def received(sock: Any) -> bytes:
    data = bytearray()
    while piece := sock.recv(65536):
        data += piece
    return bytes(data)


def test_both_hear_each_other(between: Between) -> None:
    between.client.sendall(b"question")
    assert between.process.recv(100) == b"question"
    between.process.sendall(b"answer")
    assert between.client.recv(100) == b"answer"


def test_much_is_copied_both_ways_at_once(between: Between) -> None:
    one, other = b"a" * 3_000_000, b"b" * 2_000_000
    ends = ((between.client, one), (between.process, other))
    sending = [gevent.spawn(_send, *each) for each in ends]
    reading = [gevent.spawn(received, each) for each, _ in ends]
    assert [each.get() for each in reading] == [other, one]
    gevent.joinall(sending, raise_error=True)
    between.end()


def _send(sock: Any, data: bytes) -> None:
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def test_a_client_that_has_said_all_gets_its_answer(between: Between) -> None:
    between.client.sendall(b"question")
    between.client.shutdown(socket.SHUT_WR)
    assert received(between.process) == b"question"
    between.process.sendall(b"answer")
    between.process.close()
    assert received(between.client) == b"answer"
    between.end()


def test_the_end_of_a_client_is_passed_on(between: Between) -> None:
    between.client.close()
    assert received(between.process) == b""
    between.process.close()
    between.end()


def test_the_end_of_a_process_is_passed_on(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINGER", 0.02)
    between.process.close()
    assert received(between.client) == b""
    between.end()  # although the client has not closed


def test_a_client_that_does_not_read_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LINGER", 0.02)
    between = Between(seconds=0.05)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        between.process.sendall(b"x" * 10_000_000)
    between.end()
    between.close()
