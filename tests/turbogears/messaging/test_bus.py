"""The bus carries broadcasts from one process to the others."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.messaging.bus import ClusterBus
from tgext.socketio.messaging.channels import Channels
from tgext.socketio.wire.socketio.packet import event_packet

from .test_busmessage import BAD

CHANNEL: Any = "tgext.socketio/cluster"
PACKET = event_packet("/chat", "said", ["hello", b"1"])


class Broker:
    """A broker that all processes share: listeners get what is published."""

    def __init__(self) -> None:
        self.heard: list[Callable[[Any], object]] = []
        self.published: list[Any] = []

    def listen(self, channel: str, heard: Callable[[Any], object]) -> None:
        assert channel == CHANNEL
        self.heard.append(heard)

    def unlisten(self, channel: str, heard: Callable[[Any], object]) -> None:
        self.heard.remove(heard)

    def publish(self, channel: str, message: Any) -> None:
        assert channel == CHANNEL
        self.published.append(message)
        for each in list(self.heard):
            each(message)


class Rooms:
    """Records what is delivered in a process."""

    def __init__(self, error: Exception | None = None) -> None:
        self.delivered: list[Any] = []
        self.error = error

    def deliver(self, packet: Any, room: Any) -> None:
        if self.error is not None:
            raise self.error
        self.delivered.append((packet, room))


@pytest.fixture
def broker() -> Broker:
    return Broker()


def bus(broker: Any, rooms: Any, secret: str = "") -> ClusterBus:
    return ClusterBus(rooms, Channels(broker), CHANNEL, secret)


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
        broker.publish(CHANNEL, data)
    assert rooms.delivered == []
    [line] = [each.getMessage() for each in caplog.records]
    assert line.startswith(f"Skipped a message of {CHANNEL}: ")
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
    [message] = broker.published
    assert json.loads(message)["room"] == 5
