"""Listening to topics, compared with a model: nothing is lost or doubled.

Members join and leave rooms in three processes, and events are sent, while the broker
confirms subscriptions late, and is lost and comes back.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import AsyncResult
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.engine.clients import wait_for
from tests.wire.strategies import machine_settings
from tgext.socketio.backends.channelnames import OwnName
from tgext.socketio.backends.errors import BrokerUnavailable
from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.messaging.bus import ClusterBus
from tgext.socketio.messaging.channels import Channels
from tgext.socketio.messaging.listening import Listening, Plain
from tgext.socketio.wire.socketio import v1
from tgext.socketio.wire.socketio.encoded import Encoded
from tgext.socketio.wire.socketio.generations import SOCKETIO_1
from tgext.socketio.wire.socketio.packet import event_packet

CHANNEL = OwnName("tgext.socketio/cluster")
ENDPOINT = "/chat"
ROOMS = [None, "lobby", 1]

Heard = Callable[[Any], object]


class Broker:
    """A broker that confirms subscriptions when the test says so."""

    def __init__(self) -> None:
        self.active: list[tuple[str, Heard]] = []
        self.pending: list[tuple[str, Heard, AsyncResult[None]]] = []
        self.lost = False

    def listen(self, channel: str, heard: Heard) -> None:
        if self.lost:
            # As with Redis: it is subscribed when the broker is back.
            self.active.append((channel, heard))
            return
        answer: AsyncResult[None] = AsyncResult()
        asked = (channel, heard, answer)
        self.pending.append(asked)
        try:
            answer.get()
        except BaseException:
            self.pending = [each for each in self.pending if each is not asked]
            self.active = [each for each in self.active if each != asked[:2]]
            raise

    def unlisten(self, channel: str, heard: Heard) -> None:
        self.active.remove((channel, heard))

    def publish(self, channel: str, message: Any) -> None:
        if self.lost:
            raise BrokerUnavailable("lost")
        for name, heard in list(self.active):
            if name == channel:
                heard(message)

    def confirm(self, error: Exception | None = None) -> None:
        """Answer what was asked first."""
        channel, heard, answer = self.pending.pop(0)
        if error is not None:
            answer.set_exception(error)
            return
        self.active.append((channel, heard))
        answer.set()


class Member:
    """A socket that records the numbers of the events that it was sent."""

    generation = SOCKETIO_1
    json_dumps = staticmethod(json.dumps)
    outbox = None
    ended = False

    def __init__(self) -> None:
        self.heard: list[int] = []

    def encode(self, packet: Any) -> Encoded:
        return SOCKETIO_1.encode(packet, self.json_dumps)

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None:
        [number] = v1.decode(encoded.text)["args"]
        self.heard.append(number)


def switch() -> None:
    """Let the greenlets do what they can do now."""
    for _ in range(4):
        gevent.sleep(0)


class Process:
    """Rooms with a bus, and what the model knows of them."""

    def __init__(self, broker: Broker) -> None:
        self.rooms = Rooms(Batcher())
        channels = Channels(broker)
        self.rooms.bus = ClusterBus(self.rooms, channels, CHANNEL)
        self.members = [Member() for _ in range(2)]
        self.inside: dict[Any, list[Member]] = {each: [] for each in ROOMS}
        #: Rooms for which a join has returned since they were empty.
        self.sure: set[Any] = set()

    def join(self, room: Any, member: Any) -> None:
        self.rooms.join(ENDPOINT, room, member)
        if member not in self.inside[room]:
            self.inside[room].append(member)

    def leave(self, room: Any, member: Any) -> None:
        self.rooms.leave(ENDPOINT, room, member)
        if member in self.inside[room]:
            self.inside[room].remove(member)
        if not self.inside[room]:
            self.sure.discard(room)


class Cluster(RuleBasedStateMachine):
    """Three processes with two sockets each."""

    rooms = st.sampled_from(ROOMS)
    numbers = st.integers(0, 2)
    members = st.integers(0, 1)

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.processes = [Process(self.broker) for _ in range(3)]
        self.number = 0

    @rule(number=numbers, room=rooms, member=members)
    def join(self, number: int, room: Any, member: int) -> None:
        process = self.processes[number]
        process.join(room, process.members[member])

    @rule(number=numbers, room=rooms, member=members)
    def leave(self, number: int, room: Any, member: int) -> None:
        process = self.processes[number]
        process.leave(room, process.members[member])

    @rule(number=numbers, room=rooms, first=members)
    def one_leaves_while_another_joins(
        self, number: int, room: Any, first: int
    ) -> None:
        process = self.processes[number]
        process.leave(room, process.members[first])
        process.join(room, process.members[1 - first])

    @rule(number=numbers, room=rooms)
    def a_join_returns(self, number: int, room: Any) -> None:
        process = self.processes[number]
        if not process.inside[room]:
            return
        waiting = gevent.spawn(process.rooms.wait, ENDPOINT, [room])
        switch()
        while self.broker.pending and not waiting.ready():
            self.broker.confirm()
            switch()
        assert waiting.ready()
        process.sure.add(room)

    @precondition(lambda self: self.broker.pending)
    @rule()
    def confirm(self) -> None:
        self.broker.confirm()

    @rule()
    def wait(self) -> None:
        switch()

    @rule()
    def lose_the_broker(self) -> None:
        self.broker.lost = True
        while self.broker.pending:
            self.broker.confirm()
        switch()

    @rule()
    def find_the_broker(self) -> None:
        self.broker.lost = False

    @rule(number=numbers, room=rooms)
    def send(self, number: int, room: Any) -> None:
        self.number += 1
        packet = event_packet(ENDPOINT, "news", [self.number])
        sender = self.processes[number]
        if self.broker.lost:
            with pytest.raises(BrokerUnavailable):
                sender.rooms.broadcast(packet, room)
        else:
            sender.rooms.broadcast(packet, room)
        for process in self.processes:
            for member in process.members:
                heard, member.heard = member.heard, []
                if member not in process.inside[room]:
                    assert heard == []
                elif process is sender:
                    assert heard == [self.number]
                elif self.broker.lost:
                    assert heard == []
                elif room in process.sure:
                    assert heard == [self.number]
                else:
                    assert heard in ([], [self.number])

    @invariant()
    def no_topic_is_listened_to_twice(self) -> None:
        listening = [*self.broker.active, *(each[:2] for each in self.broker.pending)]
        assert len(set(map(id, (each for _, each in listening)))) == len(listening)

    def teardown(self) -> None:
        self.broker.lost = False
        for process in self.processes:
            for room, inside in process.inside.items():
                for member in list(inside):
                    process.leave(room, member)
        switch()
        while self.broker.pending:
            self.broker.confirm()
            switch()
        assert self.broker.active == []
        for process in self.processes:
            bus = process.rooms.bus
            assert bus is not None
            bus.close()
        assert self.broker.active == []


TestCluster = Cluster.TestCase
TestCluster.settings = machine_settings(30, 30)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def listening(broker: Broker) -> Listening:
    plain = Plain(Channels(broker))
    heard: list[Any] = []
    return Listening(
        lambda endpoint, room: OwnName(f"{endpoint} {room}"),
        lambda endpoint: plain,
        lambda topic: lambda data: heard.append((topic, data)),
    )


def test_a_topic_that_the_broker_refuses_is_tried_again(
    broker: Broker, listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    listening.begin("/chat", "lobby")
    wait_for(lambda: broker.pending, "it asks")
    broker.confirm(BrokerUnavailable("no permission"))
    wait_for(lambda: broker.pending, "it asks again")
    [line] = [each for each in caplog.messages if "cannot be listened to" in each]
    assert "/chat lobby" in line
    assert "no permission" in line
    broker.confirm()
    listening.wait("/chat", ["lobby"])
    assert [each for each, _ in broker.active] == ["/chat lobby"]


def test_a_broker_that_does_not_answer_delays_a_join_once(
    broker: Broker,
    listening: Listening,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tgext.socketio.messaging.listening.PATIENCE", 0.2)
    rooms = list(range(100))
    for room in rooms:
        listening.begin("/chat", room)
    begin = time.monotonic()
    listening.wait("/chat", rooms)
    # A delay for each would be twenty seconds.
    assert 0.2 <= time.monotonic() - begin < 10
    [line] = [each for each in caplog.messages if "is not heard yet" in each]
    assert "the broker does not answer" in line
    # It hears the rooms as soon as the broker does.
    while broker.pending:
        broker.confirm()
    listening.wait("/chat", rooms)
    assert len(broker.active) == len(rooms)


def test_who_waits_for_a_room_that_is_left_goes_on(
    broker: Broker, listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    listening.begin("/chat", "lobby")
    waiting = gevent.spawn(listening.wait, "/chat", ["lobby"])
    wait_for(lambda: broker.pending, "it asks")
    listening.end("/chat", "lobby")
    broker.confirm()
    waiting.get(timeout=20)
    assert broker.active == []
    assert len(listening) == 0
    assert caplog.messages == []


def test_what_is_closed_listens_to_nothing(
    broker: Broker, listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for room in ("lobby", "hall"):
        listening.begin("/chat", room)
    wait_for(lambda: len(broker.pending) == 2, "it asks")
    broker.confirm()
    wait_for(lambda: broker.active, "it hears one")
    listening.close()
    wait_for(lambda: not broker.active + broker.pending, "nothing is listened to")
    listening.end("/chat", "lobby")
    listening.wait("/chat", ["lobby"])
    assert len(listening) == 0
