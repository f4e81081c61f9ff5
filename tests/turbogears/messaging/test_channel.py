"""A channel with a history: what a listener is sent first, and what is new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from anypubsub.backends.memory import MemoryPubSub

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.messaging.channels import Channels, Listener
from tgext.socketio.messaging.log import Keep, Log, Position, Replay, log_of
from tgext.socketio.messaging.subscriptions import after, latest

from ..backends.conftest import Connect, connect, server  # noqa: F401
from .listeners import Mock, packets

KEEP = Keep(50, 300.0)


class Reading(Mock):
    """A socket that also takes packets of its own; a turn passes with each."""

    #: Called with the number of packets after each.
    sent: Callable[[int], object] = staticmethod(lambda number: None)

    def send_packet(self, packet: Any) -> None:
        gevent.sleep(0)
        self.send_encoded(self.encode(packet), packet["endpoint"])
        self.sent(len(self.packets))


def listener(positioned: bool = False, keep: Keep | None = KEEP) -> Listener:
    mock: Any = Reading()
    return Listener(mock, "/chat", False, object(), positioned, keep)


def heard(each: Listener) -> list[Any]:
    return [args[0] for _, _, args in packets(each)]


@pytest.fixture(params=["memory", "redis"])
def channels(
    request: pytest.FixtureRequest,
    server: RedisServer,  # noqa: F811
    connect: Connect,  # noqa: F811
) -> Channels:
    if request.param == "memory":
        return Channels(MemoryPubSub())
    server.client.flushall()
    return Channels(connect())


def the_log(channels: Channels) -> Log:
    log = log_of(channels)
    assert log is not None
    return log


def publish(channels: Channels, *messages: int) -> None:
    for each in messages:
        channels.send("news", str(each), KEEP)


def test_the_latest_come_before_what_is_new(channels: Channels) -> None:
    publish(channels, *range(10))
    each = listener()
    assert channels.subscribe("news", each, latest("news", 3))
    assert heard(each) == [7, 8, 9]
    publish(channels, 10)
    wait_for(lambda: len(heard(each)) == 4, "what is new is heard")
    assert heard(each) == [7, 8, 9, 10]
    channels.unsubscribe("news", each)


@pytest.mark.parametrize("is_first", [True, False])
def test_none_is_twice_or_missing_while_others_publish(
    channels: Channels, is_first: bool
) -> None:
    other = listener()
    if not is_first:
        channels.subscribe("news", other)
    publish(channels, *range(20))
    publishing = gevent.spawn(publish, channels, *range(20, 120))
    each = listener()
    channels.subscribe("news", each, latest("news", 5))
    publishing.get()
    wait_for(lambda: 119 in heard(each), "all are heard")
    numbers = heard(each)
    assert numbers == list(range(numbers[0], 120))
    assert len(numbers) >= 5
    channels.unsubscribe("news", each)
    channels.unsubscribe("news", other)
    assert len(channels) == 0


def test_positions_are_carried_and_resumed_from(channels: Channels) -> None:
    each = listener(positioned=True)
    channels.subscribe("news", each)
    publish(channels, 1, 2, 3)
    wait_for(lambda: len(heard(each)) == 3, "all are heard")
    channels.unsubscribe("news", each)
    publish(channels, 4)
    _, text = packets(each)[1][2]
    again = listener(positioned=True)
    since = Position.read(text)
    assert channels.subscribe("news", again, after("news", since))
    assert heard(again) == [3, 4]
    assert packets(again)[0] == packets(each)[2]
    channels.unsubscribe("news", again)


def test_listeners_without_a_history_hear_it_too(channels: Channels) -> None:
    plain, kept = listener(positioned=True, keep=None), listener()
    channels.subscribe("news", plain)
    publish(channels, 1)
    wait_for(lambda: heard(plain) == [1], "it is heard")
    channels.subscribe("news", kept)
    publish(channels, 2)
    wait_for(lambda: heard(plain) == [1, 2] and heard(kept) == [2], "both hear")
    log = the_log(channels)
    positions = [Position.read(args[1]) for _, _, args in packets(plain)]
    assert [each.epoch for each in positions] == [log.epoch] * 2
    channels.unsubscribe("news", plain)
    channels.unsubscribe("news", kept)


def test_what_others_publish_is_heard_and_reported_once(
    channels: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    each = listener(positioned=True)
    channels.subscribe("news", each)
    for number in range(3):
        channels.backend.publish("news", str(number))
    wait_for(lambda: len(heard(each)) == 3, "they are heard")
    assert [args for _, _, args in packets(each)] == [[0, None], [1, None], [2, None]]
    assert caplog.text.count("is not in its history") == 1
    channels.unsubscribe("news", each)


def test_whoever_leaves_meanwhile_is_sent_nothing_more(channels: Channels) -> None:
    publish(channels, *range(20))
    each = listener()

    def leave(sent: int) -> None:
        if sent == 3:
            channels.unsubscribe("news", each)

    mock: Any = each.socket
    mock.sent = leave
    channels.subscribe("news", each, latest("news", 20))
    assert heard(each) == [0, 1, 2]
    assert len(channels) == 0


def test_a_failure_to_read_leaves_nothing(channels: Channels) -> None:
    def fail(log: Log) -> Replay:
        raise RuntimeError("failed")

    each = listener()
    with pytest.raises(RuntimeError, match="failed"):
        channels.subscribe("news", each, fail)
    assert len(channels) == 0
    assert heard(each) == []
