"""The bus carries broadcasts from one process to the others."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine.hub.roomkeys import UserRoom
from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.messaging.bus import ClusterBus
from tgext.socketio.messaging.busmessage import BusCodec
from tgext.socketio.messaging.channels import Channels
from tgext.socketio.messaging.topics import topic_of
from tgext.socketio.wire.socketio.packet import event_packet

from .test_busmessage import BAD

CHANNEL: Any = "tgext.socketio/cluster"
PACKET = event_packet("/chat", "said", ["hello", b"1"])


LOBBY = topic_of(CHANNEL, "/chat", "lobby")
ALL = topic_of(CHANNEL, "/chat", None)


class Broker:
    """A broker that all processes share: listeners get what is published."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Callable[[Any], object]]] = {}
        self.published: list[tuple[str, Any]] = []

    def listen(self, channel: str, heard: Callable[[Any], object]) -> None:
        self.heard.setdefault(channel, []).append(heard)

    def unlisten(self, channel: str, heard: Callable[[Any], object]) -> None:
        self.heard[channel].remove(heard)

    def publish(self, channel: str, message: Any) -> None:
        self.published.append((channel, message))
        for each in list(self.heard.get(channel, ())):
            each(message)


class Rooms:
    """Records what is delivered in a process, which has members in the lobby."""

    def __init__(self, error: Exception | None = None) -> None:
        self.delivered: list[Any] = []
        self.error = error

    def occupied(self) -> list[tuple[str, str | None]]:
        return [("/chat", None), ("/chat", "lobby")]

    def hear(self, packet: Any, receivers: Any) -> None:
        if self.error is not None:
            raise self.error
        self.delivered.append((packet, receivers))


@pytest.fixture
def broker() -> Broker:
    return Broker()


def bus(broker: Any, rooms: Any, secret: str = "") -> ClusterBus:
    made = ClusterBus(rooms, Channels(broker), CHANNEL, secret)
    made.wait("/chat", [None, "lobby"])
    return made


@pytest.mark.parametrize("secret", ["", "a secret"])
def test_the_others_hear_what_one_publishes(broker: Broker, secret: str) -> None:
    processes = [Rooms() for _ in range(3)]
    first, *_ = [bus(broker, each, secret) for each in processes]
    first.publish(PACKET, "lobby")
    own, *others = [each.delivered for each in processes]
    assert own == []
    for delivered in others:
        [(packet, room)] = delivered
        assert room == "lobby"
        assert (packet["name"], list(packet["args"])) == ("said", ["hello", b"1"])


@pytest.mark.parametrize("secret", ["", "a secret"])
def test_what_a_process_has_sent_itself_is_not_read(
    broker: Broker, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bus(broker, Rooms(), secret)
    monkeypatch.setattr(BusCodec, "read", lambda *args: pytest.fail("it is read"))
    made.publish(PACKET, None)
    made.publish(PACKET, "lobby")
    assert len(broker.published) == 2


def test_who_is_closed_hears_nothing(broker: Broker) -> None:
    rooms = Rooms()
    speaking, listening = bus(broker, Rooms()), bus(broker, rooms)
    listening.close()
    speaking.publish(PACKET, None)
    assert rooms.delivered == []


@pytest.mark.parametrize("data", BAD.values(), ids=list(BAD))
def test_what_cannot_be_read_is_skipped_with_a_line(
    broker: Broker, caplog: pytest.LogCaptureFixture, data: Any
) -> None:
    rooms = Rooms()
    bus(broker, rooms)
    with caplog.at_level(logging.WARNING):
        broker.publish(LOBBY, data)
    assert rooms.delivered == []
    [line] = [each.getMessage() for each in caplog.records]
    assert line.startswith(f"Skipped a message of {LOBBY}: ")
    # The bus still listens.
    bus(broker, Rooms()).publish(PACKET, None)
    assert len(rooms.delivered) == 1


def test_who_does_not_know_the_secret_is_not_heard(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    rooms = Rooms()
    bus(broker, rooms, "a secret")
    bus(broker, Rooms(), "another").publish(PACKET, None)
    bus(broker, Rooms()).publish(PACKET, None)
    assert rooms.delivered == []
    assert "Skipped" in caplog.text


def test_a_broadcast_that_cannot_be_delivered_to_all_is_logged(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    bus(broker, Rooms(LookupError("a bug")))
    bus(broker, Rooms()).publish(PACKET, None)
    assert "A broadcast of another process was not sent to all" in caplog.text


def test_what_cannot_be_written_is_not_published(broker: Broker) -> None:
    with pytest.raises(TypeError):
        bus(broker, Rooms()).publish(event_packet("/chat", "said", [object()]), None)
    assert broker.published == []


def test_a_message_is_json(broker: Broker) -> None:
    bus(broker, Rooms()).publish(event_packet("/chat", "said", [1]), 5)
    [(topic, message)] = broker.published
    assert topic == topic_of(CHANNEL, "/chat", 5)
    assert json.loads(message)["room"] == 5


@pytest.mark.parametrize(
    ("receivers", "topic"),
    [
        ("lobby", LOBBY),
        (None, ALL),
        (UserRoom("ann"), ALL),
        (Selection(("lobby", "hall"), ("bar",)), ALL),
        (Selection(("lobby",), ("bar",)), LOBBY),
    ],
)
def test_who_is_meant_gets_it_once(broker: Broker, receivers: Any, topic: str) -> None:
    rooms = Rooms()
    bus(broker, rooms)
    bus(broker, Rooms()).publish(PACKET, receivers)
    assert [each for each, _ in broker.published] == [topic]
    assert [each for _, each in rooms.delivered] == [receivers]


class Log:
    """Carries the topics of one namespace in another way."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def publish(self, topic: str, message: str) -> None:
        self._broker.publish(f"log {topic}", f"5 {message}")

    def listen(self, topic: str, heard: Callable[[Any], object]) -> None:
        self._broker.listen(f"log {topic}", lambda data: heard(data.partition(" ")[2]))

    def unlisten(self, topic: str, heard: Callable[[Any], object]) -> None:
        del self._broker.heard[f"log {topic}"]


def test_a_namespace_may_have_another_carrier(broker: Broker) -> None:
    rooms = Rooms()
    channels = Channels(broker)  # type: ignore[arg-type]
    carriers: Any = {"/chat": Log(broker)}
    there = ClusterBus(rooms, channels, CHANNEL, carriers=carriers)  # type: ignore[arg-type]
    there.wait("/chat", ["lobby"])
    here = ClusterBus(Rooms(), channels, CHANNEL, carriers=carriers)  # type: ignore[arg-type]
    here.publish(PACKET, "lobby")
    assert [each for each, _ in broker.published] == [f"log {LOBBY}"]
    assert [each for _, each in rooms.delivered] == ["lobby"]
