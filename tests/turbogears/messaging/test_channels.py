"""A process subscribes to a channel as long as it has listeners."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
import pytest
from anypubsub.backends.memory import MemoryPubSub
from gevent import GreenletExit
from gevent.event import Event

from tests.engine.clients import DEADLINE, KINDS, wait_for
from tests.engine.conftest import Live, Serve, manage
from tests.engine.sample_namespaces import Echo
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.messaging.channels import Channels, Listener

from .listeners import listener, packets

Heard = Callable[[Any], object]


class OwnFeed:
    """A backend that is a feed, as the one for Redis is.

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


@pytest.mark.parametrize("error", [None, BrokerUnavailable("away"), GreenletExit()])
def test_its_listeners_expect_what_is_published(
    channels: Channels, feed: OwnFeed, error: BaseException | None
) -> None:
    """So that what else the broker brings soon is written with it."""
    each = listener()
    batcher = each.socket.hub.batcher
    expected: list[int] = []

    def publish(channel: str, message: str) -> None:
        expected.append(batcher.expected)
        if error is not None:
            raise error

    feed.publish = publish  # type: ignore[method-assign]
    with suppress(BrokerUnavailable, GreenletExit):
        channels.publish("news", 1)
    channels.subscribe("news", each)
    with suppress(BrokerUnavailable, GreenletExit):
        channels.publish("news", 2)
    assert expected == [0, 1]
    assert batcher.expected == 0


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
    """Otherwise each would wait for the failures of all before it."""
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
