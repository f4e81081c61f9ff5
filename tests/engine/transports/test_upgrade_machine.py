"""The upgrade, compared with a model: numbered messages in both directions.

A client posts and polls, probes a WebSocket, gives it up, upgrades, and loses
connections, in any order, while the server sends, handlers wait, and the session may
end. The numbers show that no message is lost, doubled or reordered.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import gevent
from gevent import socket as native_socket
from gevent.event import Event
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.transports.polling import PollingTransport
from tgext.socketio.engine.transports.upgrade import Upgrade
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.wire.socketio.generations import (
    SOCKETIO_4,
    SOCKETIO_5,
    Generation,
)
from tgext.socketio.wire.websocket.close import encode_close
from tgext.socketio.wire.websocket.frames import (
    CLOSE,
    PONG,
    TEXT,
    FrameReader,
    encode_frame,
)

from ..clients import DEADLINE, wait_for

NAME = "/numbers"
MASK = b"mask"

#: More seconds than any example takes.
NEVER = 3600.0


class Numbers(BaseNamespace):
    """Keeps the numbers that it gets; its handler waits while the gate is closed."""

    def on_number(self, number: int) -> None:
        state = self.socket.session
        state["gate"].wait()
        gevent.sleep(0)  # a second greenlet that handles messages would run now
        state["received"].append(number)


class Poll:
    """A GET of the client, and the greenlet that the server answers it in."""

    def __init__(self, transport: PollingTransport) -> None:
        self.transport = transport
        self.server, self.client = native_socket.socketpair()
        self.lost = False
        self._greenlet = gevent.spawn(transport.poll, self.server)
        self._greenlet.link_value(self._begin)

    def _begin(self, greenlet: Any) -> None:
        self.transport.answer_begins(self.server)

    @property
    def answered(self) -> bool:
        """Whether there is an answer, which may be on its way."""
        return bool(self._greenlet.ready())

    def drop(self) -> None:
        """The connection ends before the answer has come."""
        self.lost = True
        self.client.close()

    def finish(self) -> list[str | bytes]:
        """The end of an answer: what reaches the client."""
        messages: list[str | bytes] = self._greenlet.get(block=False)
        if self.lost:
            self.transport.put_back(messages)
            messages = []
        self.transport.answer_ends(self.server)
        self.server.close()
        self.client.close()
        return messages


def _close_when_ended(sock: Any, run: Any) -> None:
    """As the server does it: the WebSocket may go on without its greenlet."""
    if run.value is None:
        sock.close()
    else:
        run.value.when_ended(sock.close)


class Upgrades(RuleBasedStateMachine):
    """A client and its session."""

    @initialize(generation=st.sampled_from([SOCKETIO_4, SOCKETIO_5]))
    def begin(self, generation: Generation) -> None:
        server = SocketIOServer(("127.0.0.1", 0), None, handshake_timeout=NEVER)
        self.socket = Socket(server, server.config)
        self.socket.generation = generation
        self.socket.environ = {"socketio": self.socket, "QUERY_STRING": ""}
        self.socket.namespaces = {NAME: Numbers, "": Numbers}
        self.gate = Event()
        self.gate.set()
        self.received: list[int] = []
        self.socket.session.update(gate=self.gate, received=self.received)
        self.polling = PollingTransport(server.hub, self.socket)
        self.polling.open()
        self.prefix = f"42{NAME},"
        self.polling.post([f"40{NAME},"])
        self.polling.handled.wait(DEADLINE)
        self.namespace = self.socket.active_ns[NAME]
        #: What the client has received, and what the server has sent.
        self.got: list[int] = []
        self.sent = 0
        #: How many numbers the client has sent.
        self.asked = 0
        self.poll: Poll | None = None
        self.peer: Any = None
        self.run: Any = None
        self.frames = FrameReader(masked=False)
        self.probed = self.upgraded = self.ended = False

    def settle(self) -> None:
        """Let all greenlets run that can."""
        for _ in range(5):
            gevent.idle()
        if self.gate.is_set() and not self.ended:
            wait_for(lambda: len(self.received) == self.asked, "all is handled")

    # The server

    @rule(count=st.integers(1, 20))
    def emit(self, count: int) -> None:
        for _ in range(count):
            self.namespace.emit("number", self.sent)
            if not self.ended:
                self.sent += 1

    @rule()
    def hold(self) -> None:
        self.gate.clear()

    @rule()
    def go_on(self) -> None:
        self.gate.set()
        self.settle()

    # Polling

    @property
    def polls(self) -> bool:
        return not self.upgraded and not self.ended

    def numbers(self, count: int) -> list[str]:
        first, self.asked = self.asked, self.asked + count
        return [f'{self.prefix}["number",{each}]' for each in range(first, self.asked)]

    @precondition(lambda self: self.polls)
    @rule(count=st.integers(1, 5))
    def post(self, count: int) -> None:
        self.polling.begin_post(None)
        self.polling.post(self.numbers(count))
        self.polling.end_post()
        self.settle()

    @precondition(lambda self: self.polls and self.poll is None)
    @rule()
    def send_poll(self) -> None:
        self.poll = Poll(self.polling)
        self.settle()

    @precondition(lambda self: self.poll is not None and not self.poll.lost)
    @rule()
    def lose_poll(self) -> None:
        """Before there is an answer, or while it is on its way."""
        assert self.poll is not None
        self.poll.drop()
        self.settle()

    @precondition(lambda self: self.poll is not None and self.poll.answered)
    @rule()
    def end_poll(self) -> None:
        assert self.poll is not None
        self.take(self.poll.finish())
        self.poll = None

    def take(self, messages: list[str | bytes]) -> None:
        """What the client receives, by polling or over the WebSocket."""
        for each in messages:
            assert isinstance(each, str)
            if each.startswith(self.prefix):
                number = each.removeprefix(f'{self.prefix}["number",').rstrip("]")
                self.got.append(int(number))

    # The WebSocket

    @property
    def probes(self) -> bool:
        return self.polls and self.peer is not None

    @precondition(lambda self: self.polls and self.peer is None)
    @rule()
    def open_websocket(self) -> None:
        ours, self.peer = native_socket.socketpair()
        self.frames = FrameReader(masked=False)
        self.socket.claimed = True
        upgrade = Upgrade(self.polling, ours, b"", NEVER)
        self.run = gevent.spawn(upgrade.run)
        self.run.link(partial(_close_when_ended, ours))
        self.settle()

    def tell(self, *texts: str) -> None:
        frames = (encode_frame(TEXT, each.encode(), MASK) for each in texts)
        self.peer.sendall(b"".join(frames))
        self.settle()

    @precondition(lambda self: self.polls and not self.probed)
    @rule()
    def probe(self) -> None:
        if self.peer is None:
            self.open_websocket()
        self.tell("2probe")
        frames: list[Any] = []

        def has_come() -> bool:
            frames.extend(self.heard())
            return bool(frames)

        wait_for(has_come, "the pong comes")
        assert frames == [(TEXT, "3probe")]
        self.probed = True

    @precondition(lambda self: self.probes)
    @rule(how=st.sampled_from(("close", "drop", "message", "garbage")))
    def give_up(self, how: str) -> None:
        """The WebSocket fails before the upgrade: polling goes on."""
        if how == "close":
            self.peer.sendall(encode_frame(CLOSE, encode_close(1000)[2:], MASK))
        elif how == "message":
            self.peer.sendall(encode_frame(TEXT, b"41/numbers,", MASK))
        elif how == "garbage":
            self.peer.sendall(b"\xff" * 8)
        else:
            self.peer.close()
        self.run.join(DEADLINE)
        assert self.run.ready()
        assert not self.socket.claimed
        self.peer.close()
        self.peer, self.probed = None, False

    @precondition(lambda self: self.polls and self.poll is None)
    @rule(count=st.integers(0, 5))
    def upgrade(self, count: int) -> None:
        """Polling has paused; messages may follow in the same segment."""
        if not self.probed:
            self.probe()
        self.upgraded = True
        self.tell("5", *self.numbers(count))

    @precondition(lambda self: self.upgraded and not self.ended)
    @rule(count=st.integers(1, 5))
    def send_over_websocket(self, count: int) -> None:
        self.tell(*self.numbers(count))

    def heard(self) -> list[Any]:
        """The frames that have come."""
        self.peer.setblocking(False)
        try:
            data = self.peer.recv(10**6)
        except BlockingIOError:
            return []
        finally:
            self.peer.setblocking(True)
        return list(self.frames.feed(data)) if data else []

    @precondition(lambda self: self.upgraded and not self.ended)
    @rule()
    def read_websocket(self) -> None:
        frames = self.heard()
        assert {opcode for opcode, _ in frames} <= {TEXT, PONG}
        self.take([text for _, text in frames])

    # The end

    @precondition(lambda self: not self.ended)
    @rule(by_client=st.booleans())
    def end(self, by_client: bool) -> None:
        """Unhandled input and unsent output are dropped."""
        self.ended = True
        if by_client and self.upgraded:
            self.peer.close()
        elif by_client:
            self.polling.post(["1"])
        else:
            gevent.spawn(self.socket.kill)
        self.settle()

    @invariant()
    def all_is_in_order(self) -> None:
        if hasattr(self, "got"):
            assert self.got == list(range(len(self.got)))
            assert len(self.got) <= self.sent
            assert self.received == list(range(len(self.received)))
            assert len(self.received) <= self.asked

    def teardown(self) -> None:
        if not hasattr(self, "got"):
            return
        try:
            self.go_on()
            if not self.ended:
                self.receive_the_rest()
                assert self.got == list(range(self.sent))
                assert self.received == list(range(self.asked))
        finally:
            self.clear()

    def receive_the_rest(self) -> None:
        """All that was sent arrives in the end."""
        if self.poll is not None:
            if not self.poll.answered:
                self.poll.drop()
                self.settle()
            self.end_poll()
        while self.polls and len(self.got) < self.sent:
            self.send_poll()
            self.end_poll()
        while self.upgraded and len(self.got) < self.sent:
            self.settle()
            self.read_websocket()

    def clear(self) -> None:
        self.gate.set()
        self.ended = True
        gevent.spawn(self.socket.kill)
        self.settle()
        if self.poll is not None:
            self.poll.drop()
            self.settle()
            self.poll.finish()
        if self.peer is not None:
            self.peer.close()
            self.run.join(DEADLINE)
            assert self.run.ready()
        self.settle()


TestUpgrades = Upgrades.TestCase
TestUpgrades.settings = machine_settings(150, 40)
