"""Output that arises together leaves together, whoever it is for."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.io.backlog import OutputBounds
from tgext.socketio.engine.io.cork import Cork
from tgext.socketio.engine.io.output import SocketOutbox
from tgext.socketio.engine.mixins import BroadcastMixin

from ..conftest import Serve
from ..sample_namespaces import Holding, fresh


class Receiver:
    """An outbox on a cork that it shares with others, and its peer."""

    def __init__(self, cork: Cork) -> None:
        self.sock, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        self.outbox = SocketOutbox(self.sock, cork, OutputBounds(10**6, 10))

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
def cork(monkeypatch: pytest.MonkeyPatch) -> Cork:
    """One that waits for the loop, however slow the machine is."""
    monkeypatch.setattr("tgext.socketio.engine.io.cork.PATIENCE", 3600)
    return Cork()


@pytest.fixture
def receivers(cork: Cork) -> Iterator[list[Receiver]]:
    receivers = [Receiver(cork) for _ in range(3)]
    yield receivers
    for each in receivers:
        each.close()


def test_each_gets_its_share_when_the_loop_turns(
    cork: Cork, receivers: list[Receiver]
) -> None:
    for word in (b"one ", b"two ", b"three"):
        cork.hold()
        for each in receivers:
            each.outbox.write(word)
        cork.release()
    assert [each.read() for each in receivers] == [b""] * 3
    gevent.sleep(0)
    assert [each.read() for each in receivers] == [b"one two three"] * 3


def test_a_batch_that_took_long_leaves_at_once(
    cork: Cork, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who are ready may be many, and handlers slow."""
    monkeypatch.setattr("tgext.socketio.engine.io.cork.PATIENCE", 0)
    first, second, _ = receivers
    cork.hold()
    first.outbox.write(b"one ")
    second.outbox.write(b"two ")
    cork.release()
    assert first.read() == b"one "
    assert second.read() == b"two "


def test_who_still_holds_it_keeps_nobody_waiting(
    cork: Cork, receivers: list[Receiver]
) -> None:
    """A handler that waits, while another connection's batch begins and ends."""
    first, second, third = receivers
    cork.hold()
    first.outbox.write(b"before it waits")
    cork.hold()
    second.outbox.write(b"meanwhile")
    cork.release()
    gevent.sleep(0)
    assert first.read() == b"before it waits"
    assert second.read() == b"meanwhile"
    third.outbox.write(b"still held")
    gevent.sleep(0)
    assert third.read() == b"still held"
    cork.release()
    third.outbox.write(b"at once")
    assert third.read() == b"at once"


def test_one_that_was_full_meanwhile_sends_nothing_twice(
    cork: Cork, receivers: list[Receiver]
) -> None:
    first, second, _ = receivers
    cork.hold()
    for size in (60_000, 10_000, 10_000):
        first.outbox.write(b"x" * size)
    second.outbox.write(b"a word")
    cork.release()
    first.outbox.write(b"the end")
    received = b""
    while not received.endswith(b"the end"):
        gevent.sleep(0)
        received += first.read()
    assert received == b"x" * 80_000 + b"the end"
    assert second.read() == b"a word"


def test_who_does_not_read_keeps_nobody_waiting(
    cork: Cork, receivers: list[Receiver]
) -> None:
    slow, *others = receivers
    sent = 0
    while not slow.outbox.size:
        slow.outbox.write(b"x" * 10_000)
        sent += 10_000
    more = Receiver(cork)
    more.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    cork.hold()
    for each in (slow, more, *others):
        each.outbox.write(b"y" * 50_000)
    cork.release()
    cork.flush()
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
    cork: Cork, receivers: list[Receiver]
) -> None:
    cork.hold()
    for each in receivers:
        each.outbox.write(b"a word")
    receivers[0].outbox.close()
    receivers[1].peer.close()
    cork.release()
    gevent.sleep(0)
    assert receivers[1].outbox.closed
    assert receivers[2].read() == b"a word"


def test_nothing_is_left_to_do_when_all_was_sent(
    cork: Cork, receivers: list[Receiver]
) -> None:
    cork.hold()
    receivers[0].outbox.write(b"once")
    cork.release()
    cork.flush()
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
