"""A process's channels: opened with the first listener, closed with the last."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from anypubsub.backends.memory import MemoryPubSub
from gevent import GreenletExit
from gevent.event import Event
from gevent.queue import Queue

from tests.engine.clients import DEADLINE, KINDS, wait_for
from tests.engine.conftest import Live, Serve, manage
from tests.engine.sample_namespaces import Echo
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.backends.backoff import LONGEST, Backoff
from tgext.socketio.backends.feeds import yielding
from tgext.socketio.engine.concurrency.fairness import SLICE
from tgext.socketio.engine.io.output import Batcher
from tgext.socketio.messaging.channels import Channels, Listener
from tgext.socketio.wire.socketio import v1
from tgext.socketio.wire.socketio.encoded import Encoded
from tgext.socketio.wire.socketio.generations import SOCKETIO_1

Heard = Callable[[Any], object]


class OwnFeed:
    """A backend that hears by itself, as the one for Redis does.

    :ivar open: the channels that are heard.
    :ivar calls: how often each was asked for.
    """

    def __init__(self) -> None:
        self.open: dict[str, Heard] = {}
        self.calls: Counter[str] = Counter()
        self.go_on = Event()
        self.go_on.set()
        self.failing = False

    def listen(self, channel: str, heard: Heard) -> None:
        self.calls[channel] += 1
        assert self.go_on.wait(DEADLINE)
        if self.failing:
            raise BrokerUnavailable("away")
        assert channel not in self.open
        self.open[channel] = heard

    def unlisten(self, channel: str, heard: Heard) -> None:
        assert self.open.pop(channel) == heard

    def publish(self, channel: str, message: str) -> None:
        if channel in self.open:
            self.open[channel](message)


class Mock:
    """A socket that notes the events it is sent."""

    generation = SOCKETIO_1
    json_dumps = staticmethod(json.dumps)
    outbox = None
    server = SimpleNamespace(batcher=Batcher())

    def __init__(self) -> None:
        self.packets: list[Any] = []

    def encode(self, packet: Any) -> Encoded:
        return SOCKETIO_1.encode(packet, self.json_dumps)

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None:
        packet = v1.decode(encoded.text)
        assert packet["endpoint"] == endpoint
        self.packets.append((endpoint, packet["name"], packet["args"]))


def listener(endpoint: str = "/chat", named: bool = False) -> Listener:
    mock: Any = Mock()
    return Listener(mock, endpoint, named)


def packets(each: Listener) -> Any:
    mock: Any = each.socket
    return mock.packets


@pytest.fixture
def feed() -> OwnFeed:
    return OwnFeed()


@pytest.fixture
def channels(feed: OwnFeed) -> Channels:
    backend: Any = feed
    return Channels(backend)


def test_one_subscription_serves_any_number(channels: Channels, feed: OwnFeed) -> None:
    listeners = [listener() for _ in range(100)]
    for each in listeners:
        channels.subscribe("news", each)
        channels.subscribe("news", each)
    assert feed.calls == {"news": 1}
    channels.publish("news", {"a": [1]})
    for each in listeners:
        assert packets(each) == [("/chat", "pubblication", [{"a": [1]}])]
        channels.unsubscribe("news", each)
        channels.unsubscribe("news", each)
    assert feed.open == {}
    assert len(channels) == 0


def test_who_left_hears_nothing(channels: Channels) -> None:
    stays, leaves = listener(), listener()
    for each in (stays, leaves):
        channels.subscribe("news", each)
    channels.unsubscribe("news", leaves)
    channels.publish("news", 1)
    assert len(packets(stays)) == 1
    assert packets(leaves) == []


def test_a_socket_may_hear_in_several_namespaces(channels: Channels) -> None:
    plain = listener()
    named = Listener(plain.socket, "/named", True)
    for each in (plain, named):
        channels.subscribe("news", each)
    channels.publish("news", 1)
    assert packets(plain) == [
        ("/chat", "pubblication", [1]),
        ("/named", "pubblication", [1, "news"]),
    ]


def test_leaving_what_nobody_hears_has_no_effect(channels: Channels) -> None:
    channels.unsubscribe("news", listener())
    assert len(channels) == 0


def test_the_first_ones_together_open_it_once(
    channels: Channels, feed: OwnFeed
) -> None:
    feed.go_on.clear()
    listeners = [listener() for _ in range(3)]
    jobs = [gevent.spawn(channels.subscribe, "news", each) for each in listeners]
    wait_for(lambda: feed.calls["news"], "one asks for it")
    feed.go_on.set()
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    assert feed.calls["news"] == 1


def test_where_it_cannot_be_opened_nothing_is_left(
    channels: Channels, feed: OwnFeed
) -> None:
    feed.failing = True
    for _ in range(2):
        jobs = [gevent.spawn(channels.subscribe, "news", listener()) for _ in "123"]
        gevent.joinall(jobs, timeout=DEADLINE)
        assert all(isinstance(job.exception, BrokerUnavailable) for job in jobs)
        assert len(channels) == 0
    feed.failing = False
    channels.subscribe("news", listener())
    assert list(feed.open) == ["news"]


def test_who_waits_for_what_fails_does_not_ask_again(
    channels: Channels, feed: OwnFeed
) -> None:
    """Each would wait as long as all before it."""
    feed.failing = True
    feed.go_on.clear()
    jobs = [gevent.spawn(channels.subscribe, "news", listener()) for _ in range(5)]
    wait_for(lambda: feed.calls["news"], "one asks for it")
    feed.go_on.set()
    gevent.joinall(jobs, timeout=DEADLINE)
    assert {type(job.exception) for job in jobs} == {BrokerUnavailable}
    assert feed.calls["news"] == 1
    assert len(channels) == 0


@pytest.mark.parametrize("ended_by", ["a kill", "a timeout of its own"])
def test_who_waits_goes_on_where_the_first_was_ended(
    channels: Channels, feed: OwnFeed, ended_by: str
) -> None:
    feed.go_on.clear()
    first, second = listener(), listener()
    opening = gevent.spawn(channels.subscribe, "news", first)
    waiting = gevent.spawn(channels.subscribe, "news", second)
    wait_for(lambda: feed.calls["news"], "the first asks for it")
    opening.kill(GreenletExit if ended_by == "a kill" else gevent.Timeout(0))
    feed.go_on.set()
    waiting.get(timeout=DEADLINE)
    channels.publish("news", 1)
    assert packets(first) == []
    assert len(packets(second)) == 1


def test_it_is_closed_where_all_have_left_meanwhile(
    channels: Channels, feed: OwnFeed
) -> None:
    feed.go_on.clear()
    only = listener()
    opening = gevent.spawn(channels.subscribe, "news", only)
    wait_for(lambda: feed.calls["news"], "it is asked for")
    channels.unsubscribe("news", only)
    feed.go_on.set()
    opening.get(timeout=DEADLINE)
    assert feed.open == {}
    assert len(channels) == 0


@pytest.mark.parametrize(
    "message", ["{", "", b"\xff", b"[1", "NaN", None, 5, "[" * 200_000]
)
def test_what_is_not_json_is_logged_and_skipped(
    channels: Channels, feed: OwnFeed, caplog: pytest.LogCaptureFixture, message: Any
) -> None:
    each = listener()
    channels.subscribe("news", each)
    feed.open["news"](message)
    assert "Skipped a message of channel 'news'" in caplog.text
    feed.open["news"](b'"after"')
    feed.open["news"](memoryview(b'"it"'))
    assert [args for _, _, args in packets(each)] == [["after"], ["it"]]


# With sockets


@pytest.fixture
def live(serve: Serve) -> Live:
    return serve({"/chat": Echo}, resource="socketio")


def join(live: Live, kind: str = "4-websocket") -> tuple[Any, Listener]:
    client = live.client(kind)
    client.join("/chat")
    return client, Listener(live.socket(client), "/chat", False)


def test_a_message_is_written_once_for_a_generation(serve: Serve) -> None:
    written: list[Any] = []

    def dumps(value: Any) -> str:
        written.append(value)
        return json.dumps(value)

    live = serve(
        application=manage({"/chat": Echo}, json_dumps=dumps), resource="socketio"
    )
    channels = Channels(MemoryPubSub())
    joined = [join(live, kind) for kind in list(KINDS) * 3]
    for _, each in joined:
        channels.subscribe("news", each)
    written.clear()
    channels.publish("news", "hello")
    for client, _ in joined:
        assert client.event("/chat") == ["pubblication", "hello"]
    assert len(written) == 3
    for _, each in joined:
        channels.unsubscribe("news", each)


def test_one_that_cannot_be_sent_to_does_not_stop_the_others(
    live: Live, channels: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(value: Any) -> str:
        raise TypeError("no")

    odd, even = join(live), join(live)
    odd[1].socket.json_dumps = refuse
    for _, each in (odd, even):
        channels.subscribe("news", each)
    channels.publish("news", 1)
    assert even[0].event("/chat") == ["pubblication", 1]
    assert "was not sent" in caplog.text


# Backends of anypubsub's interfaces, which hear by iterating


class Subscription:
    """What iterates over messages, until it is told to fail."""

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
def test_memory_forgets_what_nobody_hears() -> None:
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


def test_attempts_become_rarer() -> None:
    backoff = Backoff()
    waits = [backoff.next() for _ in range(10)]
    for number, wait in enumerate(waits):
        least = min(LONGEST, 0.1 * 2**number)
        assert least <= wait <= 1.1 * least
    backoff.reset()
    assert backoff.next() <= 0.11
