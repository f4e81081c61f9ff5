"""Giving connections to a process that does not take them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.handover.links import Gone, Link, Silent


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "socket")


@pytest.fixture
def stopped(path: str) -> Iterator[Any]:
    """The listening socket of a process that is stopped."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(1)
    yield listening
    listening.close()


def give(link: Link) -> None:
    one, other = socket.socketpair()
    with one, other:
        link.give(one.fileno(), b"x" * 1000)


def test_nobody_listens(path: str) -> None:
    with pytest.raises(Gone):
        give(Link(path, 10))
    Path(path).touch()
    with pytest.raises(Gone):
        give(Link(path, 10))


def test_a_stopped_process_is_silent(path: str, stopped: Any) -> None:
    for _ in range(5):  # also when no more connections wait than may
        begin = time.monotonic()
        with pytest.raises(Silent):
            give(Link(path, 0.05))
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("answer", [b"", b"-"])
def test_another_program_is_no_process(path: str, stopped: Any, answer: bytes) -> None:
    def serve() -> None:
        sock, _ = stopped.accept()
        with sock:
            sock.recv(2000)
            sock.sendall(answer)

    serving = gevent.spawn(serve)
    with pytest.raises(Gone):
        give(Link(path, 10))
    serving.get()
