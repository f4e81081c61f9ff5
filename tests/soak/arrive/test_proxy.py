"""The proxy passes connections on, and loses them in each of its ways."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest

from .way import SHARES, Way

DEADLINE = 20.0


@pytest.fixture
def target() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE)
        yield server


@pytest.fixture
def way(target: socket.socket) -> Iterator[Way]:
    made = Way(target.getsockname()[1])
    yield made
    made.close()


def connect(way: Way, target: socket.socket) -> tuple[socket.socket, socket.socket]:
    port = int(way.url.rpartition(":")[2])
    near = socket.create_connection(("127.0.0.1", port), DEADLINE)
    far, _ = target.accept()
    far.settimeout(DEADLINE)
    return near, far


def read(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := sock.recv(65536)):
        data += more
    return data


class Chosen(random.Random):
    """Chooses one way to lose the first connection."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def choices(self, *args: object, **kwargs: object) -> list[str]:  # type: ignore[override]
        return [self._name]


def test_all_is_passed_on(way: Way, target: socket.socket) -> None:
    near, far = connect(way, target)
    with near, far:
        near.sendall(b"hello")
        assert read(far, 5) == b"hello"
        # More than the kernel keeps: the one that sends has to wait.
        data = bytes(range(256)) * 65536
        sent, near_ends = 0, near.dup()
        near_ends.setblocking(False)
        try:
            while sent < len(data):
                sent += near_ends.send(data[sent : sent + 65536])
        except BlockingIOError:
            pass
        assert read(far, sent) == data[:sent]
        far.sendall(b"good bye")
        far.close()
        assert read(near, 100) == b"good bye"
        near_ends.close()


@pytest.mark.parametrize("name", SHARES)
def test_connections_are_lost(way: Way, target: socket.socket, name: str) -> None:
    near, far = connect(way, target)
    with near, far:
        assert way.lose(Chosen(name)) == name
        assert near.recv(1) == b""
        if name == "halved":
            far.sendall(b"to nobody")
            far.settimeout(0.1)
            with pytest.raises(TimeoutError):
                far.recv(1)
        else:
            assert far.recv(1) == b""


def test_a_process_that_is_away(way: Way, target: socket.socket) -> None:
    target.close()
    port = int(way.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as near:
        assert near.recv(1) == b""
    assert way.lose(Chosen("cut")) == ""
