"""What is published while its listeners are away reaches them, once and in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.messaging.log import CARRIED

from .readers import (
    Kept,
    Reader,
    Readers,
    Reading,
    publishing_while_it_is_read,
)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


Start = Callable[..., Readers]


@pytest.fixture(params=["memory", "redis"])
def start(
    request: pytest.FixtureRequest, serve: Callable[..., Live], redis: RedisServer
) -> Iterator[Start]:
    settings = {}
    if request.param == "redis":
        redis.client.flushall()
        settings = {"anypubsub.backend": "redis", "anypubsub.host": redis.url}
    made: list[Readers] = []

    def make(cls: type[Reading] = Reading) -> Readers:
        made.append(Readers(serve, cls, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
        if request.param == "redis":
            each.channels.backend.close()


@pytest.mark.parametrize("cls", [Reading, Kept])
def test_what_was_published_meanwhile(start: Start, cls: type[Reading]) -> None:
    """With what was sent to rooms, in the order in which all of it was sent."""
    readers = start(cls)
    ann = readers.join().hear("news", "sport")
    ann.call("enter", "lobby")
    readers.publish("news", 1)
    assert ann.read() == [1]
    readers.publish("sport", 2)  # it is lost on the way
    ann.cut()
    for number in range(3, 12, 3):
        readers.publish("news", number)
        readers.say("lobby", number + 1)
        readers.publish("sport", number + 2)
        readers.publish("other", "not heard")
    back = ann.back()
    assert back.recovered
    assert back.read(10) == list(range(2, 12))
    readers.publish("news", 12)
    assert back.read() == [12]
    assert back.call("channels") == ["news", "sport"]


def test_nobody_else_hears_the_channel(start: Start) -> None:
    """The process goes on listening to it."""
    readers = start()
    ann = readers.join().hear("quiet")
    ann.cut()
    journal, channels = readers.journal, readers.channels
    before = journal.position.number
    for number in range(3):
        channels.publish("quiet", number)
    wait_for(lambda: journal.position.number == before + 3, "they are heard")
    assert ann.back().read(3) == [0, 1, 2]


def test_it_is_heard_until_the_client_cannot_come_back(start: Start) -> None:
    readers = start()
    ann = readers.join().hear("news")
    ann.cut()
    assert len(readers.channels) == 1
    readers.journal.close()
    assert len(readers.channels) == 0
    assert not ann.back().recovered


def test_a_client_subscribes_and_unsubscribes(start: Start) -> None:
    """It gets what was published in between, whatever position it gives."""
    readers = start()
    ann = readers.join()
    offset = ann.offset
    for number in range(3):
        readers.publish("news", f"before {number}")
        ann.hear("news")
        readers.publish("news", f"inside {number}")
        assert ann.call("unsubscribe", "news") is True
    readers.publish("news", "after")
    ann.cut()
    ann.offset = offset
    back = ann.back()
    assert back.read(3) == [f"inside {number}" for number in range(3)]
    assert back.call("channels") == []
    assert len(back.heard) == 3


def test_a_channel_that_is_left_on_the_way_in(start: Start) -> None:
    readers = start()
    ann = readers.join(drop=["news"]).hear("news", "sport")
    ann.cut()
    readers.publish("news", "not replayed")
    readers.publish("sport", 1)
    back = ann.back()
    assert back.recovered
    assert back.read() == [1]
    assert back.call("channels") == ["sport"]
    assert back.heard == [1]


@pytest.mark.parametrize("cls", [Reading, Kept])
def test_what_is_published_on_the_way_in(start: Start, cls: type[Reading]) -> None:
    """The client that is being admitted gets it once; all others get it at once."""
    readers = start(cls)
    ann = readers.join(name="ann").hear("news")
    ann.cut()
    readers.publish("news", 1)
    gate = cls.gates["ann"] = Event()
    back = ann.asks()
    wait_for(lambda: cls.asking, "the way in has begun")
    bob = readers.join().hear("news")
    bob.heard.clear()
    readers.publish("news", 2)
    assert bob.read() == [2]
    gate.set()
    back.connected()
    readers.publish("news", 3)
    assert back.read(3) == [1, 2, 3]
    again = back.cut().asks().connected()
    readers.publish("news", 4)
    assert again.read() == [4]


def test_a_client_loses_its_connection_while_it_is_sent_it(start: Start) -> None:
    readers = start()
    ann = readers.join().hear("news")
    ann.cut()
    readers.publish("news", 1, 2, 3)
    for number in range(1, 4):
        ann = ann.back()
        assert ann.recovered
        assert ann.read() == [number]
        ann.cut()
    readers.publish("news", 4)
    assert ann.back().read() == [4]


def test_what_a_new_subscriber_is_sent_first(start: Start) -> None:
    """It comes again if it was lost on the way, and not because the client is back."""
    readers = start(Kept)
    readers.publish("news", "unknown")
    readers.join().hear("news")
    readers.publish("news", 1, 2, 3)
    ann = readers.join().hear("news")
    assert ann.heard == [2, 3]
    first, offset = ann.positions[0], ann.offset
    ann.cut()
    back = ann.back()
    readers.publish("news", 4)
    assert back.read() == [4]
    back.cut()
    # The client has received the first one only.
    back.offset = offset.rpartition("-")[0] + f"-{int(offset.rpartition('-')[2]) - 1}"
    again = back.back()
    assert again.read(2) == [3, 4]
    assert again.positions[0][0] == first[0] == "news"
    assert again.positions[0][1] > first[1]


def test_a_message_that_comes_while_earlier_ones_are_sent(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent after them, and comes once also when it was lost on the way."""
    readers = start(Kept)
    readers.join().hear("news")
    readers.publish("news", 1, 2)
    ann = readers.join()
    start_at = ann.call("channels") or ann.offset
    with publishing_while_it_is_read(monkeypatch, readers, "news", 3):
        ann.hear("news")
    assert ann.heard == [1, 2, 3]
    readers.publish("news", 4)
    ann.cut()
    ann.offset = start_at
    back = ann.back()
    assert back.read(4) == [1, 2, 3, 4]
    assert back.call("channels") == ["news"]
    assert back.heard == [1, 2, 3, 4]


def test_who_is_cut_while_it_subscribes_is_a_new_client(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lack what a subscriber is sent first."""
    readers = start()
    ann = readers.join()
    going, feed = Event(), readers.channels.feed
    listen = feed.listen

    def wait(*args: Any) -> None:
        going.wait()
        listen(*args)

    monkeypatch.setattr(feed, "listen", wait)
    ann.emit("subscribe", "any", "news")
    socket = readers.live.socket(ann.client)
    wait_for(lambda: socket["/chat"].channels == ["news"], "it subscribes")
    end = gevent.spawn(socket.kill, reason="transport close")
    wait_for(lambda: socket.ended, "the connection ends")
    going.set()
    end.join()
    assert not ann.back().recovered


def test_clients_that_cannot_recover_hear_the_same(start: Start, kind: str) -> None:
    """Without a position, and without a journal where nobody else recovers."""
    readers = start()
    others = [readers.live.client(kind) for _ in range(2)]
    for other, endpoint in zip(others, ("/chat", "/plain"), strict=True):
        other.join(endpoint)
        assert other.call(endpoint, "subscribe", "any", "news") == ["news"]
    is_new = kind.startswith("4-")
    readers.publish("news", 1)
    event = others[0].event("/chat")
    assert event[:2] == ["pubblication", 1]
    assert len(event) == (3 if is_new else 2)
    assert others[1].event("/plain") == ["pubblication", 1]
    assert readers.journal.position.number == int(is_new)


def test_the_log_covers_channels_of_clients_that_recover(
    start: Start, request: pytest.FixtureRequest
) -> None:
    """Another process can read what they missed, with any history or none."""
    if "redis" not in request.node.name:
        return
    for cls in (Reading, Kept):
        readers = start(cls)
        channel = f"news of {cls.__name__}"
        ann: Reader = readers.join().hear(channel)
        histories = readers.channels.histories
        log = histories.log_for()
        position = log.now()
        readers.publish(channel, *range(8))
        replay = log.read([channel], position)
        assert replay.complete
        assert [each.message for each in replay.entries] == list(map(str, range(8)))
        assert ann.read(8) == list(range(8))
        assert CARRIED.most > 8
        # Who asks for a history gets as much as it asked for.
        ann.call("unsubscribe", channel)
        ann.heard.clear()
        answer = ann.call("resume", None, "any", channel)
        assert answer == [channel, False]
        assert ann.heard == ([] if cls is Reading else [3, 4, 5, 6, 7])
