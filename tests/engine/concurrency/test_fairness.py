"""Work whose amount a client decides yields to others."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from tgext.socketio.engine.concurrency import fairness as turns_module
from tgext.socketio.engine.concurrency.fairness import (
    SLICE,
    Turns,
    in_turns,
    take_turn,
)
from tgext.socketio.engine.io.reader import buffered_input
from tgext.socketio.engine.session.dispatch import Dispatcher

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, Holding, fresh


class Watch:
    """Counts the turns of the event loop in which input could be read."""

    def __init__(self) -> None:
        self.count = 0
        here, self._there = socket.socketpair()
        self._there.sendall(b"x")
        self._watcher = gevent.get_hub().loop.io(here.fileno(), 1)
        self._here = here

    def __enter__(self) -> Watch:
        self._watcher.start(self._turn)
        return self

    def _turn(self) -> None:
        self.count += 1

    def __exit__(self, *exc_info: Any) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._here.close()
        self._there.close()


def work(seconds: float) -> None:
    end = perf_counter() + seconds
    while perf_counter() < end:
        pass


def test_whose_turn_is_over_comes_after_the_input_of_others() -> None:
    here, there = socket.socketpair()
    seen: list[str] = []

    def read() -> None:
        for _ in range(2):
            seen.append(here.recv(1).decode())

    reader = gevent.spawn(read)
    gevent.sleep(0)
    for text in ("1", "2"):
        there.sendall(text.encode())
        take_turn()
        seen.append("then")
    reader.join()
    assert seen == ["1", "then", "2", "then"]
    here.close()
    there.close()


def test_items_come_in_order_and_others_have_turns() -> None:
    came = []
    with Watch() as turns:
        for each in in_turns(range(8)):
            came.append(each)
            work(SLICE)
    assert came == list(range(8))
    assert turns.count >= 7


def test_work_that_is_short_waits_for_nobody() -> None:
    with Watch() as turns:
        assert list(in_turns(range(10))) == list(range(10))
    assert turns.count == 0


def test_the_event_loop_itself_does_not_wait(unhandled: list[BaseException]) -> None:
    done = Event()

    def callback() -> None:
        turns = Turns()
        work(SLICE)
        turns.check()
        done.set()

    gevent.get_hub().loop.run_callback(callback)
    assert done.wait(DEADLINE)
    assert unhandled == []


def test_input_that_is_there_does_not_keep_others_waiting() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"x" * 50_000)
    rfile = buffered_input(ours, DEADLINE)
    with Watch() as turns:
        for _ in range(5000):
            assert rfile.read(10) == b"x" * 10
    # All that the buffer has is read without a turn: some thousand bytes.
    assert turns.count >= 5
    theirs.close()
    assert rfile.read(1) == b""
    ours.close()


def test_what_is_there_can_be_had_without_waiting() -> None:
    """The bytes that a WebSocket client sends together with its handshake."""
    ours, theirs = socket.socketpair()
    rfile = buffered_input(ours, DEADLINE)
    ours.settimeout(0)
    assert rfile.peek() == b""
    theirs.sendall(b"early")
    with Watch() as turns:
        assert rfile.peek() == b"early"
    assert turns.count == 0
    ours.close()
    theirs.close()


def test_a_connection_that_is_gone_cannot_be_read() -> None:
    ours, theirs = socket.socketpair()
    rfile = buffered_input(ours, DEADLINE)
    ours.detach()
    with pytest.raises(OSError, match="file descriptor"):
        rfile.read(1)
    theirs.close()


def test_many_packets_in_one_body_keep_nobody_from_being_answered(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are answered while packets are read, and while acks are looked for."""
    namespace = fresh(Holding)
    live = serve({"/chat": namespace, "/other": Echo})
    client, neighbour = live.polling_4(), live.websocket_5()
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    neighbour.join("/other")
    served: list[Any] = []

    def take_turn() -> None:
        served.append(neighbour.call("/other", "echo", 1))

    with monkeypatch.context() as patch:
        patch.setattr(turns_module, "take_turn", take_turn)
        patch.setattr(turns_module, "SLICE", 0.0)
        client.send(*["6"] * 100)
    # Each is read once, and checked once whether it is an ack.
    assert len(served) >= 200
    namespace.go_on.set()
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize("kind", ["2-polling", "4-polling"])
def test_what_follows_the_end_in_a_body_is_not_looked_at(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Echo})
    client: Any = live.client(kind)
    client.join("/chat")
    socket: Any = live.socket(client)
    received: list[str | bytes] = []
    handled = socket.transport.handled

    class Counting(Dispatcher):
        def receive(self, message: str | bytes) -> None:
            received.append(message)
            super().receive(message)

    socket.dispatcher = Counting(socket)
    client.send("3", "42", *["3"] * 100)
    wait_for(handled.is_set, "all is handled")
    assert received == ["3", "42"]
