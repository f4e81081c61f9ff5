"""The output of a connection: its order, its batches and its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from tgext.socketio.engine.io.backlog import BURST, OutputBounds
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.engine.io.output import SocketOutbox

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Holding, Witness, fresh

KIB = 1024


def bounds(limit: int = 1000 * KIB, patience: float = DEADLINE) -> OutputBounds:
    return OutputBounds(limit, patience)


class Pair:
    """An outbox, and the peer that may or may not read."""

    def __init__(self, limit: int = 10 * KIB) -> None:
        self.overflows: list[str] = []
        self.sock, self.peer = socket.socketpair()
        # The kernel makes the buffer as small as it can.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        self.peer.setblocking(False)
        self.batcher = Batcher()
        self.outbox = SocketOutbox(
            self.sock, self.batcher, bounds(limit), self.overflows.append
        )

    def fill(self) -> bytes:
        """Send until something is unsent; return all that was sent."""
        sent = b""
        while not self.outbox.size:
            sent += b"x" * KIB
            self.outbox.write(b"x" * KIB)
        return sent

    def read(self, size: int = 10 * KIB * KIB) -> bytes:
        """What has arrived."""
        try:
            return self.peer.recv(size)
        except BlockingIOError:
            return b""

    def read_all(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            gevent.sleep(0)
            data += self.read()
        return data

    def close(self) -> None:
        self.outbox.close()
        self.sock.close()
        self.peer.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def test_what_the_kernel_takes_is_gone_at_once(pair: Pair) -> None:
    pair.outbox.write(b"now")
    assert pair.read() == b"now"
    assert pair.outbox.size == 0


def test_what_it_does_not_take_follows_in_order(pair: Pair) -> None:
    expected = pair.fill()
    for number in range(100):
        pair.outbox.write(b"%d," % number)
        expected += b"%d," % number
    assert pair.outbox.size > 0
    assert pair.read_all(len(expected)) == expected
    assert pair.outbox.size == 0
    pair.outbox.write(b"more")
    assert pair.read() == b"more"


def test_batched_output_leaves_together(pair: Pair) -> None:
    pair.batcher.hold()
    for word in (b"one ", b"two ", b"three"):
        pair.outbox.write(word)
    assert pair.read() == b""
    pair.batcher.release()
    gevent.sleep(0)
    assert pair.read() == b"one two three"
    pair.outbox.write(b"four")
    assert pair.read() == b"four"
    # Nothing is sent twice when the loop turns.
    gevent.sleep(0)
    assert pair.read() == b""


def test_batched_output_leaves_when_the_loop_turns(pair: Pair) -> None:
    pair.batcher.hold()
    pair.outbox.write(b"one ")
    pair.outbox.write(b"two")
    wait_for(lambda: not pair.outbox.size, "the loop turns")
    assert pair.read() == b"one two"
    pair.outbox.write(b"three")
    pair.outbox.flush()
    assert pair.read() == b"three"


def test_much_batched_output_does_not_wait(pair: Pair) -> None:
    pair.outbox = SocketOutbox(pair.sock, pair.batcher, bounds())
    pair.batcher.hold()
    pair.outbox.write(b"x" * 60 * KIB)
    assert pair.read() == b""
    pair.outbox.write(b"x" * 60 * KIB)
    assert len(pair.read()) > 0


def test_batched_output_that_the_kernel_does_not_take_follows(
    pair: Pair,
) -> None:
    expected = pair.fill()
    pair.batcher.hold()
    pair.outbox.write(b"one ")
    pair.outbox.flush()
    pair.outbox.write(b"two")
    pair.batcher.release()
    expected += b"one two"
    assert pair.read_all(len(expected)) == expected


def test_past_the_burst_the_outbox_gives_up_once(pair: Pair) -> None:
    pair.fill()
    for _ in range(9 * BURST):
        pair.outbox.write(b"x" * KIB)
    assert pair.overflows == []
    for _ in range(100):
        pair.outbox.write(b"x" * KIB)
    [reason] = pair.overflows
    assert "more than 4 times max_outbox (10240)" in reason
    assert pair.outbox.closed
    assert pair.outbox.size == 0


def test_past_the_bound_a_websocket_without_anyone_to_tell(pair: Pair) -> None:
    pair.outbox = SocketOutbox(pair.sock, pair.batcher, bounds(1))
    pair.fill()
    pair.outbox.write(b"too much")
    assert pair.outbox.closed


def test_batched_output_above_the_limit_is_offered_to_the_kernel_first(
    pair: Pair,
) -> None:
    pair.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200 * KIB)
    pair.batcher.hold()
    for _ in range(10):
        pair.outbox.write(b"x" * 9 * KIB)
    pair.batcher.flush()
    assert pair.overflows == []
    assert len(pair.read()) == 90 * KIB


def test_one_message_may_be_larger_than_the_bound(pair: Pair) -> None:
    pair.outbox.write(b"x" * 200 * KIB)
    assert pair.overflows == []
    assert pair.read_all(200 * KIB) == b"x" * 200 * KIB


def test_as_much_may_wait_behind_it_as_before_it(pair: Pair) -> None:
    pair.outbox.write(b"x" * 1000 * KIB)
    for _ in range(10 * BURST):
        pair.outbox.write(b"y" * KIB)
    assert pair.overflows == []
    pair.outbox.write(b"y")
    assert len(pair.overflows) == 1


def test_what_the_server_says_itself_tips_nothing(pair: Pair) -> None:
    expected = pair.fill()
    for _ in range(9 * BURST):
        expected += b"x" * KIB
        pair.outbox.write(b"x" * KIB)
    for _ in range(10):
        expected += b"ping" * KIB
        pair.outbox.write_own(b"ping" * KIB)
    assert pair.overflows == []
    assert pair.read_all(len(expected)) == expected


def test_waiting_until_all_is_sent(pair: Pair) -> None:
    assert pair.outbox.wait_drained(DEADLINE)
    expected = pair.fill()
    waiting = gevent.spawn(pair.outbox.wait_drained, DEADLINE)
    gevent.sleep(0)
    assert not waiting.ready()
    pair.read_all(len(expected))
    assert waiting.get(timeout=DEADLINE) is True


def test_waiting_in_vain(pair: Pair) -> None:
    pair.fill()
    assert pair.outbox.wait_drained(0.01) is False
    assert not pair.outbox.closed


def test_two_may_wait_until_all_is_sent(pair: Pair) -> None:
    expected = pair.fill()
    waiting = [gevent.spawn(pair.outbox.wait_drained, DEADLINE) for _ in range(2)]
    gevent.sleep(0)
    pair.read_all(len(expected))
    assert [each.get(timeout=DEADLINE) for each in waiting] == [True, True]


def overfill(pair: Pair, size: int = 8 * KIB) -> bytes:
    """Send until more than half of the limit is unsent; return all that was sent."""
    sent = pair.fill()
    while pair.outbox.size < size:
        sent += b"x" * KIB
        pair.outbox.write(b"x" * KIB)
    return sent


def impatient(pair: Pair, patience: float) -> None:
    pair.outbox = SocketOutbox(
        pair.sock, pair.batcher, bounds(10 * KIB, patience), pair.overflows.append
    )


def test_waiting_for_room(pair: Pair) -> None:
    expected = pair.fill()
    assert pair.outbox.wait_for_room()
    expected += overfill(pair)
    waiting = gevent.spawn(pair.outbox.wait_for_room)
    gevent.sleep(0)
    assert not waiting.ready()
    pair.read_all(len(expected))
    assert waiting.get(timeout=DEADLINE) is True


def test_room_is_half_of_the_bound(pair: Pair) -> None:
    """Sending goes on below half of the limit: the outbox may never be empty."""
    overfill(pair)
    waiting = gevent.spawn(pair.outbox.wait_for_room)
    while not waiting.ready():
        pair.read(KIB // 4)
        if pair.outbox.size < 4 * KIB:
            pair.outbox.write(b"x" * KIB)
        gevent.sleep(0.001)
    assert waiting.get() is True


def test_room_that_does_not_come(pair: Pair) -> None:
    impatient(pair, 0.02)
    overfill(pair)
    assert not pair.outbox.wait_for_room()
    pair.outbox.give_up_waiting()
    [reason] = pair.overflows
    assert reason.startswith("it read none of ")
    assert "slow_timeout" in reason


def test_waiting_for_room_as_long_as_some_is_taken(pair: Pair) -> None:
    impatient(pair, 1)  # reading takes longer than that, and each read much less
    expected = overfill(pair, 10 * KIB)
    waiting = gevent.spawn(pair.outbox.wait_for_room)
    received = b""
    while len(received) < len(expected):
        received += pair.read(KIB // 2)
        gevent.sleep(0.1)
    assert waiting.get(timeout=DEADLINE) is True


def test_room_for_nobody_is_waited_for_no_longer(pair: Pair) -> None:
    overfill(pair)
    waiting = gevent.spawn(pair.outbox.wait_for_room)
    gevent.sleep(0)
    pair.outbox.close()
    assert waiting.get(timeout=DEADLINE) is True


def test_batched_output_is_sent_before_waiting(pair: Pair) -> None:
    pair.batcher.hold()
    pair.outbox.write(b"last words")
    assert pair.outbox.wait_drained(DEADLINE)
    assert pair.read() == b"last words"


@pytest.mark.parametrize("look", [SocketOutbox.expect_taking, SocketOutbox.forgive])
def test_batched_output_above_the_limit_is_sent_when_it_is_checked(
    look: Callable[[SocketOutbox], None],
) -> None:
    """One message may be larger than a small bound."""
    pair = Pair(limit=100)
    pair.batcher.hold()
    pair.outbox.write(b"x" * KIB)
    look(pair.outbox)
    pair.batcher.flush()
    assert pair.read() == b"x" * KIB
    pair.outbox.write(b"more")
    pair.batcher.flush()
    assert pair.read() == b"more"
    pair.close()


@pytest.mark.parametrize("batched", [True, False])
def test_a_closed_outbox_sends_nothing_more(pair: Pair, batched: bool) -> None:
    if batched:
        pair.batcher.hold()
        pair.outbox.write(b"never sent")
        waiting = gevent.spawn(lambda: True)
    else:
        pair.fill()
        waiting = gevent.spawn(pair.outbox.wait_drained, DEADLINE)
        gevent.sleep(0)
    pair.outbox.close()
    pair.outbox.close()
    assert waiting.get(timeout=DEADLINE) is True
    assert pair.outbox.size == 0
    pair.read()
    pair.outbox.write(b"never sent")
    pair.batcher.release()
    pair.outbox.flush()
    gevent.sleep(0)
    assert pair.read() == b""
    assert pair.outbox.wait_drained(0.01)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("waiting", [True, False])
def test_a_peer_that_has_gone_is_the_readers_matter(
    pair: Pair, batched: bool, waiting: bool
) -> None:
    if waiting:
        pair.fill()
    if batched:
        pair.batcher.hold()
    pair.peer.close()
    for _ in range(3 if waiting else 30):
        pair.outbox.write(b"x" * KIB)
    pair.batcher.release()
    wait_for(lambda: pair.outbox.closed, "the outbox meets the error")
    assert pair.overflows == []
    assert pair.outbox.size == 0


# Connections


class Talkative(Holding):
    """Sends as much as the client asks for, and does not wait."""

    def on_talk(self, count: int, size: int) -> None:
        for _ in range(count):
            self.emit("words", "x" * size)

    def on_interrupted(self) -> None:
        self.emit("before")
        self.hold()
        self.emit("after")


def test_what_a_handler_sends_leaves_before_it_blocks(serve: Serve, kind: str) -> None:
    namespace = fresh(Talkative)
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    client.emit("/chat", "interrupted")
    assert client.event("/chat") == ["before"]
    namespace.go_on.set()
    assert client.event("/chat") == ["after"]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_client_that_does_not_read_is_disconnected_and_others_are_not(
    serve: Serve, transport: str
) -> None:
    namespace = fresh(Talkative)
    live = serve({"/chat": namespace}, max_outbox=100 * KIB, slow_timeout=0.3)
    neighbour = live.client()
    neighbour.join("/chat")
    slow: Any
    if transport == "websocket":
        slow = live.websocket_5(receive_buffer=4 * KIB)
    else:
        slow = live.polling_5()
    slow.join("/chat")
    slow.emit("/chat", "talk", 2000, 10 * KIB)
    wait_for(lambda: namespace.left, "the server gives the client up")
    assert namespace.left == ["slow consumer"]
    assert neighbour.call("/chat", "echo", 1) == [1]
    if transport == "websocket":
        # The client reads what was sent before, then the end. It gets no close frame,
        # since messages before it are missing.
        slow.websocket.drain()
        slow.websocket.expect_end()
    else:
        assert slow.gets.get(slow.target).json["code"] == 1


def test_a_client_that_reads_in_time_gets_all(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Talkative)}, max_outbox=100 * KIB)
    client = live.client(kind)
    client.join("/chat")
    for _ in range(5):
        client.emit("/chat", "talk", 5, 15 * KIB)
        for _ in range(5):
            assert client.event("/chat") == ["words", "x" * 15 * KIB]


@pytest.mark.parametrize("kind", ["4-polling", "4-websocket"])
def test_a_client_that_reads_slowly_gets_all(serve: Serve, kind: str) -> None:
    """It needs seconds for output that may stay unsent for half a second."""
    live = serve({"/chat": fresh(Talkative)}, max_outbox=20 * KIB, slow_timeout=0.5)
    options = {"receive_buffer": 4 * KIB} if kind == "4-websocket" else {}
    client = live.client(kind, **options)
    client.join("/chat")
    client.emit("/chat", "talk", 200, 10 * KIB)
    for _ in range(200):
        assert client.event("/chat") == ["words", "x" * 10 * KIB]
        gevent.sleep(0.005)
    assert client.call("/chat", "echo", 1) == [1]


def test_a_message_above_the_bound_arrives(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Talkative)}, max_outbox=KIB)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "talk", 1, 900 * KIB)
    assert client.event("/chat") == ["words", "x" * 900 * KIB]
    assert client.call("/chat", "echo", 1) == [1]


def test_a_disconnected_client_costs_nothing_more(serve: Serve, kind: str) -> None:
    """What a namespace sends after the end is dropped."""
    done = Event()

    class Stubborn(Witness):
        def recv_disconnect(self) -> None:
            super().recv_disconnect()
            for _ in range(100):
                self.emit("words", "x" * KIB)
            done.set()

    live = serve({"/chat": Stubborn}, max_outbox=10 * KIB)
    client = live.client(kind)
    client.join("/chat")
    live.socket(client).kill()
    assert done.wait(DEADLINE)
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert Stubborn.left == ["server namespace disconnect"]
