"""Output that arises together leaves together, whoever it is for."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.cork import Cork
from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.engine.outbox import SocketOutbox

from .clients import wait_for
from .conftest import Serve
from .namespaces import Holding, fresh


class Receiver:
    """An outbox on a cork that it shares with others, and its peer."""

    def __init__(self, cork: Cork) -> None:
        self.sock, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        self.outbox = SocketOutbox(self.sock, cork=cork)

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
def cork() -> Cork:
    return Cork()


@pytest.fixture
def receivers(cork: Cork) -> Iterator[list[Receiver]]:
    receivers = [Receiver(cork) for _ in range(3)]
    yield receivers
    for each in receivers:
        each.close()


def test_each_gets_its_share_when_the_cork_is_released(
    cork: Cork, receivers: list[Receiver]
) -> None:
    cork.hold()
    for word in (b"one ", b"two ", b"three"):
        for each in receivers:
            each.outbox.write(word)
    assert [each.read() for each in receivers] == [b""] * 3
    cork.release()
    assert [each.read() for each in receivers] == [b"one two three"] * 3


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
    assert first.read() == b"before it waits"
    assert second.read() == b"meanwhile"
    third.outbox.write(b"still held")
    wait_for(lambda: not third.outbox.size, "the loop turns")
    assert third.read() == b"still held"
    cork.release()
    third.outbox.write(b"at once")
    assert third.read() == b"at once"


def test_one_that_has_gone_meanwhile_is_passed_over(
    cork: Cork, receivers: list[Receiver]
) -> None:
    cork.hold()
    for each in receivers:
        each.outbox.write(b"a word")
    receivers[0].outbox.close()
    receivers[1].peer.close()
    cork.release()
    assert receivers[1].outbox.closed
    assert receivers[2].read() == b"a word"


def test_nothing_is_left_to_do_when_all_was_sent(
    cork: Cork, receivers: list[Receiver]
) -> None:
    cork.hold()
    receivers[0].outbox.write(b"once")
    cork.release()
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
