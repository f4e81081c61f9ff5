"""A worker, and what its parent tells it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from tests.engine.clients import DEADLINE, Http, wait_for
from tgext.socketio.engine.io.listening import place_of
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.workers.inherited import NOW, RETIRE, STOP, Inherited
from tgext.socketio.workers.serving import serve

FREE = -1


class Worker:
    """A worker in a greenlet of this process, and its parent."""

    def __init__(
        self, listener: Any = None, place: Any = ("127.0.0.1", 0), **options: Any
    ) -> None:
        self.counts = memoryview(bytearray(8 * 4)).cast("q")
        for each in range(4):
            self.counts[each] = FREE
        self.parent, end = socket.socketpair()
        fd = None if listener is None else listener.detach()
        inherited = Inherited(end.detach(), fd, self.counts, 2, 2)
        self.entered, self.go_on = Event(), Event()
        self.server = SocketIOServer(place, self._application, **options)
        self.run = gevent.spawn(serve, self.server, inherited)
        self.said, self.fds = self._hear()

    def _application(self, environ: Any, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/wait":
            self.entered.set()
            self.go_on.wait(DEADLINE)
        start_response("200 OK", [])
        return [b"a page"]

    def _hear(self) -> tuple[dict[str, Any], list[int]]:
        with gevent.Timeout(DEADLINE):
            data, fds, _, _ = socket.recv_fds(self.parent, 1000, 2)
        return json.loads(data), fds

    def tell(self, *words: str) -> None:
        self.parent.sendall("".join(f"{each}\n" for each in words).encode())

    def end(self) -> float:
        told: float = self.run.get(timeout=DEADLINE)
        return told


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(shutdown_timeout=7)
    yield made
    made.run.kill()
    for each in made.fds:
        socket.socket(fileno=each).close()


def ask(port: int, path: str = "/") -> bytes:
    client = Http(port)
    try:
        return bytes(client.get(path).body)
    finally:
        client.close()


def test_it_says_that_it_serves_and_where(worker: Worker) -> None:
    assert worker.said == {"grace": 7, "file": None}
    [fd] = worker.fds
    listener = socket.socket(fileno=fd)
    assert listener.getsockname()[1] == worker.server.server_port
    worker.fds.clear()
    listener.close()


def test_another_one_takes_the_socket_of_the_first(worker: Worker) -> None:
    listener = socket.socket(fileno=worker.fds.pop())
    other = Worker(listener)
    assert other.fds == []
    assert other.server.server_port == worker.server.server_port
    worker.tell(RETIRE)
    worker.end()
    assert ask(other.server.server_port) == b"a page"
    other.tell(STOP)
    other.end()


def test_the_file_of_a_socket_is_left_to_the_parent(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    worker = Worker(place=place_of(f"unix:{path}"))
    assert worker.said["file"] == str(path)
    worker.tell(RETIRE)
    worker.end()
    assert path.is_socket()
    listener = socket.socket(fileno=worker.fds.pop())
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(str(path))  # it waits for another worker
    listener.close()


@pytest.mark.parametrize("word", [RETIRE, STOP, NOW])
def test_it_ends_when_it_is_told(worker: Worker, word: str) -> None:
    worker.tell(word)
    worker.end()
    assert worker.server.closed


def test_it_ends_when_its_parent_does(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    worker.parent.close()
    worker.end()
    assert "The parent process has ended" in caplog.text


def test_sigterm_ends_it(worker: Worker) -> None:
    signal.raise_signal(signal.SIGTERM)
    worker.end()


@pytest.mark.parametrize("word", [RETIRE, STOP])
def test_a_request_may_finish_and_words_may_be_repeated(
    worker: Worker, word: str
) -> None:
    answer = gevent.spawn(ask, worker.server.server_port, "/wait")
    assert worker.entered.wait(DEADLINE)
    worker.tell(word, word, RETIRE, STOP)
    signal.raise_signal(signal.SIGTERM)
    wait_for(lambda: not worker.server.keeps_connections, "it stops")
    gevent.sleep(0.05)
    assert not worker.run.ready()
    worker.go_on.set()
    assert answer.get(timeout=DEADLINE) == b"a page"
    worker.end()


def test_one_that_retires_accepts_no_more_and_is_not_counted(worker: Worker) -> None:
    gevent.spawn(ask, worker.server.server_port, "/wait")
    assert worker.entered.wait(DEADLINE)
    assert worker.counts[2] == 1
    worker.tell(RETIRE)
    wait_for(lambda: worker.counts[2] < 0, "it has left")
    assert worker.server.socket.fileno() == -1
    worker.go_on.set()
    worker.end()


def test_one_that_retires_closes_connections_that_are_kept(worker: Worker) -> None:
    kept, waiting = Http(worker.server.server_port), Http(worker.server.server_port)
    for each in (kept, waiting):
        assert each.get("/").headers["connection"] is None
    last = gevent.spawn(waiting.get, "/wait")
    assert worker.entered.wait(DEADLINE)
    worker.tell(RETIRE)
    wait_for(lambda: worker.counts[2] < 0, "it retires")
    # A client knows of the end of a connection before it sends its next request.
    sock: Any = kept.connection.sock
    assert sock.recv(1) == b""
    assert not worker.run.ready()
    worker.go_on.set()
    assert last.get(timeout=DEADLINE).headers["connection"] == "close"
    for each in (kept, waiting):
        each.close()
    worker.end()
