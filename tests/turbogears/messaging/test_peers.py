"""The processes of a cluster find each other, and notice who has gone."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import gevent
import pytest

from tests.engine.clients import wait_for
from tgext.socketio.backends.errors import BrokerUnavailable
from tgext.socketio.messaging.channels import Channels
from tgext.socketio.messaging.peers import INTERVAL, MISSED, Peers
from tgext.socketio.messaging.sealed import BusMessageError

from .test_busmessage import BAD

CHANNEL: Any = "tgext.socketio/cluster"


class Broker:
    """A broker that all processes share, until it is lost."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Callable[[Any], object]]] = {}
        self.lost = False
        self.published: list[tuple[str, Any]] = []

    def listen(self, channel: str, heard: Callable[[Any], object]) -> None:
        if self.lost:
            raise BrokerUnavailable("the broker is lost")
        self.heard.setdefault(channel, []).append(heard)

    def unlisten(self, channel: str, heard: Callable[[Any], object]) -> None:
        self.heard[channel].remove(heard)
        if not self.heard[channel]:
            del self.heard[channel]

    def publish(self, channel: str, message: Any) -> None:
        if self.lost:
            raise BrokerUnavailable("the broker is lost")
        self.published.append((channel, message))
        for each in list(self.heard.get(channel, ())):
            each(message)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Cluster:
    """Some processes, whose time the test tells."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.clock = Clock()
        self.held: list[Peers] = []

    def start(self, secret: str = "") -> Peers:
        peers = self.make(secret)
        peers.hold()
        self.held.append(peers)
        return peers

    def make(self, secret: str = "") -> Peers:
        channels = Channels(self.broker)  # type: ignore[arg-type]
        # It does not beat by itself during a test.
        return Peers(channels, CHANNEL, secret, 3600.0, self.clock)

    def stop(self, peers: Peers) -> None:
        self.held.remove(peers)
        peers.release()

    def wait(self, intervals: float, *beating: Peers) -> None:
        self.clock.now += intervals * 3600.0
        for each in beating:
            each.beat()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.broker.lost = False
    for each in list(cluster.held):
        cluster.stop(each)
    assert cluster.broker.heard == {}


def know_each_other(*peers: Peers) -> None:
    everybody = {each.id for each in peers}
    wait_for(
        lambda: all(each.alive == everybody - {each.id} for each in peers),
        "all know all",
    )


@pytest.mark.parametrize("secret", ["", "a secret"])
def test_a_new_process_knows_all_at_once(cluster: Cluster, secret: str) -> None:
    first, second = cluster.start(secret), cluster.start(secret)
    came: list[str] = []
    first.came.append(came.append)
    third = cluster.start(secret)
    know_each_other(first, second, third)
    assert came == [third.id]


def test_a_guest_is_answered_and_is_no_process(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    know_each_other(first, second)
    came: list[str] = []
    for each in (first, second):
        each.answer("age", lambda data: data + 1)
        each.came.append(came.append)
    answers: list[Any] = []
    cluster.broker.listen(f"{CHANNEL}/peers/guest-1", answers.append)
    question = {"from": "guest-1", "kind": "age", "data": ["number", 1]}
    cluster.broker.publish(f"{CHANNEL}/peers", json.dumps(question))
    wait_for(lambda: len(answers) == 2, "both answer")
    cluster.broker.unlisten(f"{CHANNEL}/peers/guest-1", answers.append)
    assert [json.loads(each)["data"] for each in answers] == [["number", 2]] * 2
    assert came == []
    know_each_other(first, second)


def test_who_ends_is_gone_at_once(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    know_each_other(first, second)
    gone: list[str] = []
    first.gone.append(gone.append)
    cluster.stop(second)
    assert gone == [second.id]
    assert first.alive == set()


def test_who_is_silent_for_three_heartbeats_is_gone(cluster: Cluster) -> None:
    first, second, third = cluster.start(), cluster.start(), cluster.start()
    know_each_other(first, second, third)
    for _ in range(MISSED):
        cluster.wait(1, first, second)
        assert third.id in first.alive
    cluster.wait(0.1, first, second)
    assert first.alive == {second.id}


def test_a_lost_broker_makes_nobody_go(cluster: Cluster) -> None:
    first, second, third = cluster.start(), cluster.start(), cluster.start()
    know_each_other(first, second, third)
    returned: list[bool] = []
    first.returned.append(lambda: returned.append(True))
    cluster.broker.lost = True
    cluster.wait(2 * MISSED, first, second, third)
    assert first.alive == {second.id, third.id}
    cluster.broker.lost = False
    cluster.wait(0, first)
    assert returned == [True]
    assert first.alive == {second.id, third.id}
    # Who does not come back is gone after three heartbeats of the others.
    for _ in range(MISSED):
        cluster.wait(1, second, first)
    cluster.wait(0.1, second, first)
    assert first.alive == {second.id}


def test_a_message_reaches_all_others_or_one(cluster: Cluster) -> None:
    first, *others = [cluster.start() for _ in range(3)]
    heard: list[tuple[str, str, Any]] = []
    for each in (first, *others):

        def note(sender: str, data: Any, by: str = each.id) -> None:
            heard.append((by, sender, data))

        each.on("news", note)
    first.tell("news", {"a": [1]})
    assert heard == [(each.id, first.id, {"a": [1]}) for each in others]
    heard.clear()
    others[0].tell("news", "only you", to=first.id)
    assert heard == [(first.id, others[0].id, "only you")]


def test_all_are_asked_and_answer(cluster: Cluster) -> None:
    first, second, third = cluster.start(), cluster.start(), cluster.start()
    know_each_other(first, second, third)
    second.answer("double", lambda number: 2 * number)
    third.answer("double", lambda number: 3 * number)
    assert first.ask("double", 4, timeout=60) == {second.id: 8, third.id: 12}


def test_nobody_waits_for_who_has_gone(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    know_each_other(first, second)
    second.on("count", lambda sender, data: None)  # it never answers
    asking = gevent.spawn(first.ask, "count", None, 60)
    gevent.sleep(0)
    cluster.stop(second)
    assert asking.get(timeout=30) == {}


def test_a_failed_answer_is_logged_and_the_question_ends(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = cluster.start(), cluster.start()
    know_each_other(first, second)
    second.answer("divide", lambda number: 1 / number)
    assert first.ask("divide", 0, timeout=0.2) == {}
    assert "A question of another process was not answered" in caplog.text


@pytest.mark.parametrize("error", [BusMessageError("not so"), TypeError, ValueError])
def test_invalid_questions_are_logged_now_and_then(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, error: Any
) -> None:
    first, second = cluster.start(), cluster.start()
    know_each_other(first, second)
    refuse = Mock(side_effect=error)
    second.answer("count", refuse)
    for _ in range(5):
        assert first.ask("count", None, timeout=0.05) == {}
    wait_for(lambda: refuse.call_count == 5, "all questions arrived")
    lines = [each for each in caplog.records if "question" in each.getMessage()]
    assert [each.exc_info for each in lines] == [None]


def test_without_others_nobody_is_asked(cluster: Cluster) -> None:
    assert cluster.start().ask("count", None, timeout=60) == {}


@pytest.mark.parametrize(
    "data",
    [
        *BAD.values(),
        '{"from": "x"}',
        '{"from": "x", "kind": 1}',
        '{"from": "\\ud800", "kind": "beat", "data": null}',
        '{"from": "a b", "kind": "hello", "data": null}',
        '{"from": "", "kind": "hello", "data": null}',
        '{"from": "x", "kind": "news", "data": [1]}',
        '{"from": "x", "kind": "answer", "data": 1}',
        '{"from": "x", "kind": "count", "data": [1, 2]}',
    ],
)
def test_bad_messages_are_skipped(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, data: Any
) -> None:
    first, second = cluster.start(), cluster.start()
    second.on("news", lambda sender, data: data["key"])
    second.answer("count", lambda data: 1)
    with caplog.at_level(logging.WARNING):
        for channel in list(cluster.broker.heard):
            cluster.broker.publish(channel, data)
        cluster.broker.publish(f"{CHANNEL}/peers", '{"from": "x", "kind": "end"}')
    assert first.alive == {second.id}
    assert first.ask("count", None, timeout=30)[second.id] == 1


def test_who_does_not_know_the_secret_is_no_peer(cluster: Cluster) -> None:
    first = cluster.start("a secret")
    cluster.start("another")
    cluster.start()
    assert first.alive == set()


def test_holding_fails_when_the_broker_is_lost(cluster: Cluster) -> None:
    peers = cluster.make()
    cluster.broker.lost = True
    with pytest.raises(BrokerUnavailable):
        peers.hold()
    cluster.broker.lost = False
    cluster.held.append(peers)
    peers.hold()


def test_two_holders_are_one_process(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    second.hold()
    know_each_other(first, second)
    second.release()
    assert second.id in first.alive


def test_who_stops_and_starts_again_knows_who_is_there(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    know_each_other(first, second)
    cluster.stop(first)
    assert first.alive == set()
    cluster.stop(second)
    came: list[str] = []
    first.came.append(came.append)
    first.hold()
    cluster.held.append(first)
    assert first.alive == set()
    second.hold()
    cluster.held.append(second)
    know_each_other(first, second)
    assert came == [second.id]


def test_a_question_ends_when_its_process_stops(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    know_each_other(first, second)
    asking = gevent.spawn(first.ask, "never answered", None, 600)
    published = cluster.broker.published
    wait_for(lambda: "never answered" in published[-1][1], "it is asked")
    cluster.stop(first)
    assert asking.get(timeout=30) == {}


def test_the_beats_go_out_by_themselves() -> None:
    cluster = Cluster()
    channels = Channels(cluster.broker)  # type: ignore[arg-type]
    peers = Peers(channels, CHANNEL, interval=0.01)
    peers.hold()
    wait_for(lambda: len(cluster.broker.published) > 3, "heartbeats")
    peers.release()
    assert INTERVAL == 2.0
