"""Listening to backends that implement anypubsub's interfaces."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from anypubsub.backends.memory import MemoryPubSub
from gevent.queue import Queue

from tests.engine.clients import DEADLINE, wait_for
from tgext.socketio.backends import feeds
from tgext.socketio.backends.errors import BackendError
from tgext.socketio.backends.feeds import Pumps, yielding
from tgext.socketio.backends.redis import RedisPubSub
from tgext.socketio.engine.concurrency.fairness import SLICE
from tgext.socketio.messaging.channels import Channels

from ..messaging.listeners import listener, packets


class Subscription:
    """A subscriber that iterates over messages until a test makes it fail."""

    def __init__(self) -> None:
        self.messages: Queue[Any] = Queue()
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        for each in self.messages:
            if isinstance(each, Exception):
                raise each
            yield each

    def close(self) -> None:
        self.closed += 1


class Iterating:
    """A backend that loses its broker."""

    def __init__(self) -> None:
        self.made: list[Subscription] = []
        self.failures = 0

    def subscribe(self, channel: str) -> Subscription:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("still away")
        self.made.append(Subscription())
        return self.made[-1]


@pytest.mark.parametrize("kind", [RedisPubSub, lambda: Pumps(MemoryPubSub())])
def test_nothing_listens_in_a_process_that_it_would_stop(
    monkeypatch: pytest.MonkeyPatch, kind: Callable[[], Any]
) -> None:
    monkeypatch.setattr(feeds, "is_module_patched", lambda name: name != "socket")
    with pytest.raises(BackendError, match="process is not patched for gevent"):
        kind().listen("news", print)


@pytest.fixture
def _no_greenlets(greenlets: Callable[[], list[Any]]) -> Iterator[None]:
    yield
    wait_for(lambda: not greenlets(), "all greenlets end")


@pytest.mark.usefixtures("_no_greenlets")
@pytest.mark.parametrize("end", [ConnectionError("away"), StopIteration])
def test_what_is_lost_is_subscribed_again(
    end: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    backend: Any = Iterating()
    channels = Channels(backend)
    each = listener()
    channels.subscribe("news", each)
    backend.made[0].messages.put("1")
    backend.failures = 2
    backend.made[0].messages.put(end)
    wait_for(lambda: len(backend.made) == 2, "it is subscribed again")
    assert backend.made[0].closed == 1
    backend.made[1].messages.put("2")
    wait_for(lambda: len(packets(each)) == 2, "both are heard")
    assert "'news' is lost" in caplog.text
    assert "'news' is back" in caplog.text
    channels.unsubscribe("news", each)
    assert backend.made[1].closed == 1


@pytest.mark.usefixtures("_no_greenlets")
def test_a_backend_that_cannot_be_closed_is_left_as_it_is() -> None:
    class Bare(Iterating):
        def subscribe(self, channel: str) -> Any:
            subscription: Any = super().subscribe(channel)
            subscription.cursor = Subscription()

            def fail() -> None:
                raise OSError("closed already")

            subscription.close = fail
            return subscription

    backend: Any = Bare()
    channels = Channels(backend)
    each = listener()
    channels.subscribe("news", each)
    channels.unsubscribe("news", each)
    assert backend.made[0].cursor.closed == 1


@pytest.mark.usefixtures("_no_greenlets")
def test_memory_forgets_channels_without_listeners() -> None:
    backend = MemoryPubSub()
    channels = Channels(backend)
    listeners = [listener() for _ in range(50)]
    for number, each in enumerate(listeners):
        channels.subscribe(f"private {number}", each)
    for number in range(len(listeners)):
        channels.publish(f"private {number}", number)
    wait_for(lambda: all(packets(each) for each in listeners), "all have heard")
    assert [packets(each)[0][2] for each in listeners] == [[n] for n in range(50)]
    for number, each in enumerate(listeners):
        channels.unsubscribe(f"private {number}", each)
    assert not backend.subscribers


def test_memory_keeps_no_name_that_was_published_on() -> None:
    backend = MemoryPubSub()
    channels = Channels(backend)
    each = listener()
    channels.subscribe("news", each)
    for number in range(1000):
        channels.publish(f"a client's {number}", number)
    assert list(backend.subscribers) == ["news"]
    channels.publish("news", "heard")
    wait_for(lambda: packets(each), "it is heard")
    channels.unsubscribe("news", each)
    assert not backend.subscribers


@pytest.mark.usefixtures("_no_greenlets")
def test_a_busy_channel_leaves_turns_for_others() -> None:
    backend = MemoryPubSub()
    channels = Channels(backend)
    each = listener()
    channels.subscribe("news", each)
    turns: list[int] = []
    other = gevent.spawn(lambda: [turns.append(len(packets(each)))])
    for number in range(5000):
        channels.publish("news", number)
    other.join(DEADLINE)
    wait_for(lambda: len(packets(each)) == 5000, "all are heard")
    assert [args for _, _, args in packets(each)] == [[n] for n in range(5000)]
    assert turns[0] < 5000
    channels.unsubscribe("news", each)


def test_few_messages_that_many_hear_leave_turns_for_others() -> None:
    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    other = gevent.spawn(count)
    for _ in yielding(range(10)):
        end = time.perf_counter() + 2 * SLICE
        while time.perf_counter() < end:
            """Write it to all of them."""
    other.kill()
    assert turns >= 9
