"""``drain``: a handler or a job that sends much waits until its client has it."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from tests.native import start_in_pool
from tgext.socketio.engine.concurrency.threads import WrongThread

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, Holding, fresh

SIZE = 100_000
#: More than the buffers of the kernel and the bound of the outbox.
COUNT = 100


class Feed(Holding):
    """Sends its client much, and notes when it has left.

    :cvar entered: set when the handler is about to wait.
    """

    def on_send(self, count: int, timeout: float | None = None) -> bool:
        for number in range(count):
            self.emit("piece", number, "x" * SIZE)
        self.entered.set()
        drained = self.drain(timeout)
        self.notes.append(drained)
        return drained

    def on_spawn(self, count: int) -> None:
        self.spawn(self.on_send, count)


def expect_pieces(client: Any, count: int) -> None:
    for number in range(count):
        assert client.event("/chat")[:2] == ["piece", number]


def test_it_returns_when_the_client_has_read_all(serve: Serve, kind: str) -> None:
    feed = fresh(Feed)
    live = serve({"/chat": feed}, max_outbox=200 * SIZE)
    client = live.joined(kind)
    client.emit("/chat", "send", COUNT, number=1)
    assert feed.entered.wait(DEADLINE)
    assert feed.notes == []
    expect_pieces(client, COUNT)
    assert client.read()["args"] == [True]


def test_a_job_waits_too(serve: Serve) -> None:
    feed = fresh(Feed)
    client = serve({"/chat": feed}, max_outbox=200 * SIZE).joined()
    client.emit("/chat", "spawn", COUNT)
    assert feed.entered.wait(DEADLINE)
    assert feed.notes == []
    expect_pieces(client, COUNT)
    wait_for(lambda: feed.notes == [True], "the handler goes on")


def test_with_nothing_to_send_it_returns_at_once(serve: Serve, kind: str) -> None:
    client = serve({"/chat": fresh(Feed)}).joined(kind)
    assert client.call("/chat", "send", 0) == [True]


def test_a_client_that_reads_too_slowly(serve: Serve, kind: str) -> None:
    feed = fresh(Feed)
    client = serve({"/chat": feed}, max_outbox=200 * SIZE).joined(kind)
    client.emit("/chat", "send", COUNT, 0.01, number=1)
    assert feed.entered.wait(DEADLINE)
    wait_for(lambda: feed.notes == [False], "the time is over")
    expect_pieces(client, COUNT)
    assert client.read()["args"] == [False]


def test_the_end_of_the_connection_ends_the_wait(serve: Serve, kind: str) -> None:
    feed = fresh(Feed)
    live = serve({"/chat": feed}, max_outbox=200 * SIZE)
    client = live.joined(kind)
    socket = live.socket(client)
    client.emit("/chat", "send", COUNT)
    assert feed.entered.wait(DEADLINE)
    gevent.spawn(socket.kill)
    wait_for(lambda: feed.notes == [False], "the handler goes on")
    assert socket.drain() is False


def test_a_client_that_reads_nothing_misses_its_pings(serve: Serve) -> None:
    feed = fresh(Feed)
    times = {"heartbeat_interval": 0.1, "heartbeat_timeout": 0.2}
    live = serve({"/chat": feed}, max_outbox=200 * SIZE, **times)
    client = live.joined()
    client.emit("/chat", "send", COUNT)
    wait_for(lambda: feed.notes == [False], "the connection ends")
    assert feed.left == ["ping timeout"]


def test_what_waits_when_the_transport_changes_is_waited_for(serve: Serve) -> None:
    feed = fresh(Feed)
    live = serve({"/chat": feed}, max_outbox=200 * SIZE)
    client = live.joined("4-polling")
    client.emit("/chat", "send", COUNT)
    assert feed.entered.wait(DEADLINE)
    target = f"/socket.io/?EIO=4&transport=websocket&sid={client.sid}"
    websocket = live.websocket(target)
    websocket.send("2probe")
    assert websocket.receive() == "3probe"
    websocket.send("5")
    for number in range(COUNT):
        assert f'["piece",{number},' in websocket.receive()
    wait_for(lambda: feed.notes == [True], "the handler goes on")


def test_before_the_client_is_admitted_nothing_leaves(serve: Serve, kind: str) -> None:
    told: list[bool] = []

    class Greeting(Echo):
        def recv_connect(self) -> None:
            self.emit("hello")
            told.append(self.drain())

    client = serve({"/chat": Greeting}).joined(kind)
    assert client.event("/chat") == ["hello"]
    assert told == [False]


def test_another_thread_cannot_wait(serve: Serve) -> None:
    live = serve({"/chat": fresh(Feed)})
    namespace = live.socket(live.joined())["/chat"]
    with pytest.raises(WrongThread):
        start_in_pool(namespace.drain).get()


def test_several_wait_for_one_client(serve: Serve) -> None:
    live = serve({"/chat": fresh(Feed)}, max_outbox=200 * SIZE)
    client = live.joined()
    namespace = live.socket(client)["/chat"]
    gevent.spawn(client.emit, "/chat", "send", COUNT).join()
    jobs = [namespace.spawn(namespace.drain) for _ in range(3)]
    expect_pieces(client, COUNT)
    assert [each.get(timeout=DEADLINE) for each in jobs] == [True] * 3
