"""Output of one turn of the event loop is written together, for all connections."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.io.backlog import OutputBounds
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.engine.io.output import SocketOutbox
from tgext.socketio.engine.mixins import BroadcastMixin

from ..clients import wait_for
from ..conftest import Serve
from ..sample_namespaces import Holding, fresh


class Receiver:
    """An outbox on a batcher that it shares with others, and its peer."""

    def __init__(self, batcher: Batcher) -> None:
        self.sock, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        self.outbox = SocketOutbox(self.sock, batcher, OutputBounds(10**6, 10))

    def read(self) -> bytes:
        try:
            return self.peer.recv(1000)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.outbox.close()
        self.sock.close()
        self.peer.close()


@pytest.fixture
def batcher(monkeypatch: pytest.MonkeyPatch) -> Batcher:
    """A batcher that waits for the loop, however slow the machine is."""
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.PATIENCE", 3600)
    return Batcher()


@pytest.fixture
def receivers(batcher: Batcher) -> Iterator[list[Receiver]]:
    receivers = [Receiver(batcher) for _ in range(3)]
    yield receivers
    for each in receivers:
        each.close()


def test_each_gets_its_share_when_the_loop_turns(
    batcher: Batcher, receivers: list[Receiver]
) -> None:
    for word in (b"one ", b"two ", b"three"):
        batcher.hold()
        for each in receivers:
            each.outbox.write(word)
        batcher.release()
    assert [each.read() for each in receivers] == [b""] * 3
    gevent.sleep(0)
    assert [each.read() for each in receivers] == [b"one two three"] * 3


def test_a_batch_that_took_long_leaves_at_once(
    batcher: Batcher, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many greenlets may be ready, and handlers may be slow."""
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.PATIENCE", 0)
    first, second, _ = receivers
    batcher.hold()
    first.outbox.write(b"one ")
    second.outbox.write(b"two ")
    batcher.release()
    assert first.read() == b"one "
    assert second.read() == b"two "


def test_who_still_holds_it_keeps_nobody_waiting(
    batcher: Batcher, receivers: list[Receiver]
) -> None:
    """A handler waits while the batch of another connection begins and ends."""
    first, second, third = receivers
    batcher.hold()
    first.outbox.write(b"before it waits")
    batcher.hold()
    second.outbox.write(b"meanwhile")
    batcher.release()
    gevent.sleep(0)
    assert first.read() == b"before it waits"
    assert second.read() == b"meanwhile"
    third.outbox.write(b"still held")
    gevent.sleep(0)
    assert third.read() == b"still held"
    batcher.release()
    third.outbox.write(b"at once")
    assert third.read() == b"at once"


def test_one_that_was_full_meanwhile_sends_nothing_twice(
    batcher: Batcher, receivers: list[Receiver]
) -> None:
    first, second, _ = receivers
    batcher.hold()
    for size in (60_000, 10_000, 10_000):
        first.outbox.write(b"x" * size)
    second.outbox.write(b"a word")
    batcher.release()
    first.outbox.write(b"the end")
    received = b""
    while not received.endswith(b"the end"):
        gevent.sleep(0)
        received += first.read()
    assert received == b"x" * 80_000 + b"the end"
    assert second.read() == b"a word"


def test_who_does_not_read_keeps_nobody_waiting(
    batcher: Batcher, receivers: list[Receiver]
) -> None:
    slow, *others = receivers
    sent = 0
    while not slow.outbox.size:
        slow.outbox.write(b"x" * 10_000)
        sent += 10_000
    more = Receiver(batcher)
    more.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    batcher.hold()
    for each in (slow, more, *others):
        each.outbox.write(b"y" * 50_000)
    batcher.release()
    batcher.flush()
    assert more.outbox.size
    for each in others:
        assert not each.outbox.size
        assert each.read() == b"y" * 1000
    for each, expected in ((slow, sent + 50_000), (more, 50_000)):
        received = b""
        while len(received) < expected:
            gevent.sleep(0)
            received += each.read()
        assert len(received) == expected
        assert received.endswith(b"y" * 50_000)
        assert not each.outbox.size
    more.close()


def test_one_that_has_gone_meanwhile_is_passed_over(
    batcher: Batcher, receivers: list[Receiver]
) -> None:
    batcher.hold()
    for each in receivers:
        each.outbox.write(b"a word")
    receivers[0].outbox.close()
    receivers[1].peer.close()
    batcher.release()
    gevent.sleep(0)
    assert receivers[1].outbox.closed
    assert receivers[2].read() == b"a word"


def test_nothing_is_left_to_do_when_all_was_sent(
    batcher: Batcher, receivers: list[Receiver]
) -> None:
    batcher.hold()
    receivers[0].outbox.write(b"once")
    batcher.release()
    batcher.flush()
    assert receivers[0].read() == b"once"
    gevent.sleep(0)
    assert receivers[0].read() == b""


class Crier(Holding, BroadcastMixin):
    """Broadcasts, and then waits."""

    def on_cry(self) -> None:
        self.broadcast_event("heard", 1)
        self.broadcast_event("heard", 2)
        self.hold()


def test_a_broadcast_leaves_before_its_handler_blocks(serve: Serve, kind: str) -> None:
    namespace = fresh(Crier)
    live = serve({"/chat": namespace})
    crier, listener = live.client(kind), live.client(kind)
    for client in (crier, listener):
        client.join("/chat")
    crier.emit("/chat", "cry")
    for client in (listener, crier):
        assert client.event("/chat") == ["heard", 1]
        assert client.event("/chat") == ["heard", 2]
    namespace.go_on.set()


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few connections are many, and writing to them takes long."""
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.WIDE", 2)
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.WRITING", 3600)


def say(batcher: Batcher, receivers: list[Receiver], word: bytes) -> None:
    """Broadcast."""
    batcher.hold()
    for each in receivers:
        each.outbox.write(word)
    batcher.release_broadcast()


@pytest.mark.usefixtures("wide")
def test_what_is_expected_is_written_with_what_came_before(
    batcher: Batcher, receivers: list[Receiver]
) -> None:
    for word in (b"one ", b"two ", b"three"):
        batcher.expect()
        say(batcher, receivers, word)
        gevent.sleep(0.001)
        batcher.has_come()
        assert [each.read() for each in receivers] == [b""] * 3
    gevent.sleep(0)
    assert [each.read() for each in receivers] == [b"one two three"] * 3
    assert batcher.expected == 0


@pytest.mark.usefixtures("wide")
def test_a_few_connections_wait_for_nothing(
    batcher: Batcher, receivers: list[Receiver]
) -> None:
    batcher.expect()
    say(batcher, receivers[:1], b"now")
    gevent.sleep(0)
    assert receivers[0].read() == b"now"


@pytest.mark.usefixtures("wide")
def test_nothing_expected_is_waited_for_longer_than_writing_takes(
    batcher: Batcher, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.WRITING", 0.001)
    batcher.expect()
    say(batcher, receivers, b"now")
    wait_for(lambda: not batcher.pending, "nothing waits")
    assert [each.read() for each in receivers] == [b"now"] * 3


def test_broadcasts_are_written_together_while_writing_would_take_longer(
    batcher: Batcher, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.PATIENCE", 0)
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.WRITING", 3600)
    say(batcher, receivers, b"one ")
    say(batcher, receivers, b"two")
    assert [each.read() for each in receivers] == [b""] * 3
    monkeypatch.setattr("tgext.socketio.engine.io.batcher.WRITING", 0)
    say(batcher, receivers, b" three")
    assert [each.read() for each in receivers] == [b"one two three"] * 3
