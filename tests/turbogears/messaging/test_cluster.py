"""Broadcasts between servers, in one process or in several."""

from __future__ import annotations

import json
import logging
import time
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.engine import clients
from tests.engine.clients import BINARY_KINDS, DEADLINE, wait_for
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import SocketIOController
from tgext.socketio.engine.hub.roomkeys import check_room
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.messaging.cluster import CHANNEL
from tgext.socketio.messaging.topics import topic_of
from tgext.socketio.wire.socketio.packet import event_packet

from .clusters import Chat, Start
from .test_busmessage import BAD

#: The topic of all in the namespace.
TOPIC = topic_of(CHANNEL, "/chat", None)


class Level(IntEnum):
    ONE = 1


class Name(str, Enum):
    ONE = "1"


@pytest.mark.parametrize("kind", BINARY_KINDS)
def test_bytes_reach_the_others_as_they_were(start: Start, kind: str) -> None:
    here, there = start().join(kind), start().join(kind)
    node = start()
    speaker = node.join()
    packet = {"type": "event", "name": "shouted", "endpoint": "/chat"}
    args = ({"content": [b"\x00\xff", "text"]}, bytearray(b"A"))
    node.rooms.broadcast({**packet, "args": args})  # type: ignore[typeddict-item]
    for client in (here, there, speaker):
        event = client.read()
        assert event["name"] == "shouted"
        assert event["attachments"] == 2
        assert [client.receive_bytes(), client.receive_bytes()] == [b"\x00\xff", b"A"]


@pytest.mark.parametrize("kind", BINARY_KINDS)
def test_what_looks_like_bytes_beside_bytes_ends_nobody(
    start: Start, kind: str
) -> None:
    """A client may send a false placeholder of bytes."""
    here, there = start(), start()
    speaker, *both = here.join(), here.join(kind), there.join(kind)
    forged = {"_placeholder": True, "num": 7, "a": [{"_placeholder": True, "num": 0}]}
    speaker.emit("/chat", "show", forged)
    for client in both:
        head = client.read()
        assert head["args"] == [
            {"num": 7, "a": [{"num": 0}]},
            {"_placeholder": True, "num": 0},
        ]
        assert client.receive_bytes() == b"a picture"
        assert client.call("/chat", "enter", "hall") == [None]


def test_what_one_sends_does_not_come_back(start: Start) -> None:
    node, other = start(), start()
    here, there = node.join(), other.join()
    here.emit("/chat", "shout", "hello")
    assert there.event("/chat") == ["shouted", "hello"]
    assert here.event("/chat") == ["shouted", "hello"]
    # A broadcast that came back to its process would arrive before this one.
    there.emit("/chat", "shout", "again")
    for client in (here, there):
        assert client.event("/chat") == ["shouted", "again"]


def test_who_is_left_out_is_left_out_of_here_alone(start: Start) -> None:
    node, other = start(), start()
    here, beside, there = node.join(), node.join(), other.join()
    for client in (here, beside, there):
        client.call("/chat", "enter", "lobby")
    here.call("/chat", "shout_to_others", "all")
    here.call("/chat", "tell_room", "lobby", "room")
    for client in (beside, there):
        assert client.event("/chat") == ["shouted", "all"]
        assert client.event("/chat") == ["told", "room"]
    here.emit("/chat", "shout", "me too")
    assert here.event("/chat") == ["shouted", "me too"]


def message(**changes: Any) -> str:
    packet = {"type": "event", "name": "a", "args": [], "endpoint": "/chat"}
    whole = {"from": "x", "room": None, "packet": packet, "binary": []}
    return json.dumps({**whole, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "5",
        "null",
        "[]",
        "{}",
        message(packet=None),
        message(packet={}),
        message(packet={"type": "event", "name": "a", "args": 5, "endpoint": "/chat"}),
        message(packet={"type": "event", "name": "a", "args": [], "endpoint": 5}),
        message(binary=5),
        message(binary=["?"]),
        message(
            packet={
                "type": "event",
                "name": "a",
                "args": [{"_placeholder": True, "num": 7}],
                "endpoint": "/chat",
            },
            binary=["AAAA"],
        ),
    ],
)
def test_an_invalid_broadcast_is_logged_and_skipped(
    start: Start, redis: RedisServer, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    node = start()
    client = node.join()
    redis.client.publish(TOPIC, text)
    redis.client.publish(TOPIC, message())
    assert client.event("/chat") == ["a"]
    assert f"Skipped a message of {TOPIC}" in caplog.text


def test_a_flood_of_what_is_no_broadcast_is_one_line(
    start: Start, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = start().join()
    pipe = redis.client.pipeline()
    for each in BAD.values():
        if isinstance(each, (str, bytes)) and len(each) < 1_000_000:
            for _ in range(20):
                pipe.publish(TOPIC, each)
    pipe.execute()
    redis.client.publish(TOPIC, message())
    assert client.event("/chat") == ["a"]
    lines = [each for each in caplog.messages if "Skipped" in each]
    assert 0 < len(lines) < 30
    assert all(len(each) < 300 and each.isprintable() for each in lines)


def test_with_a_secret_those_who_have_it_are_heard_alone(
    start: Start, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    secret = {"socketio.cluster_secret": "a secret"}
    here, there = start(**secret).join(), start(**secret).join()
    stranger = start().join()
    redis.client.publish(TOPIC, message())
    assert stranger.event("/chat") == ["a"]
    stranger.emit("/chat", "shout", "forged")
    assert stranger.event("/chat") == ["shouted", "forged"]
    here.emit("/chat", "shout", "hello")
    assert here.event("/chat") == ["shouted", "hello"]
    assert there.event("/chat") == ["shouted", "hello"]
    wait_for(lambda: "this process has no" in caplog.text, "the stranger skips it")
    stranger.call("/chat", "enter", "lobby")
    assert "is not signed with socketio.cluster_secret" in caplog.text


def test_a_number_is_not_the_text_of_it(start: Start) -> None:
    node, other = start(), start()
    speaker, number, text = node.join(), other.join(), other.join()
    number.call("/chat", "enter", 1)
    text.call("/chat", "enter", "1")
    for room in (1, "1", Level.ONE, Name.ONE):
        node.rooms.broadcast(
            event_packet("/chat", "told", [repr(room)]), check_room(room)
        )
    speaker.call("/chat", "tell_room", 1, "end")
    speaker.call("/chat", "tell_room", "1", "end")
    assert [number.event("/chat")[1] for _ in range(3)] == ["1", repr(Level.ONE), "end"]
    assert [text.event("/chat")[1] for _ in range(3)] == ["'1'", repr(Name.ONE), "end"]


def test_who_cannot_be_sent_it_does_not_end_the_bus(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    node, other = start(), start()
    old, new = other.join("0.9-websocket"), other.join()
    node.join()
    node.rooms.broadcast(
        {"type": "event", "name": "a", "args": [b"b"], "endpoint": "/chat"}
    )
    assert new.read()["attachments"] == 1
    assert new.receive_bytes() == b"b"
    assert "cannot be sent bytes" in caplog.text
    new.emit("/chat", "shout", "hello")
    assert old.event("/chat") == ["shouted", "hello"]


def test_who_serves_no_socket_reaches_those_of_others(start: Start) -> None:
    node = start()
    inside, outside = node.join(), node.join()
    inside.call("/chat", "enter", "lobby")

    class Elsewhere(SocketIOController):
        """The controller, as another process has it."""

        chat = Chat
        __module__ = start.__module__
        __qualname__ = "start.<locals>.make.<locals>.SocketIO"

    start()  # outside of requests, the configuration of this one is used
    handle = Elsewhere.namespace("/chat")
    assert handle.sockets == []
    handle.emit_to_room("lobby", "told", "the room")
    handle.emit("told", "all", b"A")
    assert inside.event("/chat") == ["told", "the room"]
    for client in (inside, outside):
        assert client.read()["args"][0] == "all"
        assert client.receive_bytes() == b"A"


def test_two_controllers_share_a_cluster_and_no_room(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, other = start(), start()
    here, there = node.join(), other.join()
    monkeypatch.setattr(clients, "RESOURCE", "/annex")
    annex_here, annex_there = node.join(), other.join()
    here.emit("/chat", "shout", "hello")
    annex_there.emit("/chat", "shout", "hi")
    for client in (here, there):
        assert client.event("/chat") == ["shouted", "hello"]
    for client in (annex_here, annex_there):
        assert client.event("/chat") == ["shouted", "hi"]
    for client in (here, there, annex_here, annex_there):
        client.call("/chat", "enter", "lobby")  # and nothing came before its ack


def test_applications_may_share_a_redis_and_nothing_else(start: Start) -> None:
    node, other = start(), start(**{"socketio.cluster_channel": "other"})
    here, there = node.join(), other.join()
    here.emit("/chat", "shout", "hello")
    assert here.event("/chat") == ["shouted", "hello"]
    there.emit("/chat", "shout", "hi")
    assert there.event("/chat") == ["shouted", "hi"]


def test_no_client_hears_the_bus(start: Start) -> None:
    node = start()
    client = node.join(endpoint="/spy")
    client.emit("/spy", "subscribe", "any", CHANNEL)
    assert client.event("/spy") == [
        "error",
        "channel_not_available",
        "Trying to subscribe to a channel not available",
    ]


@pytest.mark.parametrize("name", ["\ud800", "\0", "x" * 900_000, CHANNEL[:]])
def test_an_invalid_name_does_not_stop_other_subscriptions(
    start: Start, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO)
    node = start()
    bad, good = node.join(endpoint="/spy"), node.join(endpoint="/spy")
    assert good.call("/spy", "subscribe", "any", "news") == ["news"]
    bad.emit("/spy", "subscribe", "any", name)
    assert bad.event("/spy") == [
        "error",
        "channel_not_available",
        "Trying to subscribe to a channel not available",
    ]
    [line] = [each for each in caplog.messages if "is refused" in each]
    assert "subscription (any)" in line
    assert len(line) < 300
    # A client that chooses a reserved name gets an error, and no message is forged.
    bad.emit("/spy", "publish", name, json.loads(message()))
    assert bad.event("/spy")[:2] == ["error", "internal_error"]
    assert "invalid channel name" in caplog.text
    good.emit("/spy", "publish", "news", "hello")
    assert good.event("/spy") == ["pubblication", "hello"]


@pytest.mark.parametrize("value", [None, "false", False, "no"])
def test_without_the_option_there_is_no_bus(start: Start, value: Any) -> None:
    node = start(**{"socketio.cluster": value})
    node.join()
    assert node.bus is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"anypubsub.backend": "memory", "anypubsub.host": None},
            "socketio.cluster: the backend memory reaches no other process",
        ),
        (
            {"socketio.cluster_secret": " "},
            "socketio.cluster_secret: it is empty",
        ),
        (
            {"socketio.cluster_channel": "x" * 250},
            "socketio.cluster_channel: invalid channel name",
        ),
        (
            {"socketio.cluster_channel": "a\nb"},
            "socketio.cluster_channel: invalid channel name",
        ),
        ({"socketio.cluster": "perhaps"}, "socketio.cluster: 'perhaps' is not true"),
        ({"anypubsub.backend": "pigeons"}, "anypubsub.backend: there is no backend"),
        ({"anypubsub.hots": "localhost"}, "anypubsub.hots: is not an option"),
    ],
)
def test_a_cluster_that_cannot_be_refuses_connections_and_says_why(
    start: Start,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
    problem: str,
) -> None:
    node = start(**options)
    for _ in range(2):
        caplog.clear()
        target = "/socketio/?EIO=4&transport=polling"
        assert node.live.http().get(target).status == 500
        assert problem in caplog.text
    assert node.bus is None


def test_a_redis_that_comes_late_is_found(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    options = {"anypubsub.host": f"redis://127.0.0.1:{port}"}
    node, other = start(**options), start(**options)
    here, there = node.join(), other.join()
    for client in (here, there):
        assert client.call("/chat", "enter", "lobby") == [None]
    here.emit("/chat", "tell_room", "lobby", "a", number=7)
    here.failure("/chat", "internal_error", "Internal server error")
    with running_redis(tmp_path, port=port) as late:
        subscribed = len(node.backend.listener.heard)
        wait_for(lambda: late.subscribers() == [subscribed] * 2, "both hear all topics")
        here.call("/chat", "tell_room", "lobby", "b")
        assert there.event("/chat")[1] == "b"
        for each in (node, other):
            channels_of(each.config).backend.close()
    # Once for each process, however many come.
    assert caplog.text.count("is not there, connecting") == 2


def test_who_comes_while_redis_does_not_answer_is_served_in_time(
    start: Start, tmp_path: Path
) -> None:
    with running_redis(tmp_path) as own:
        node = start(**{"anypubsub.host": own.url, "anypubsub.socket_timeout": "0.5"})
        target = "/socketio/?EIO=4&transport=polling"
        own.freeze()
        begin = time.monotonic()
        jobs = [gevent.spawn(node.live.http().get, target) for _ in range(20)]
        gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
        assert {job.value.status for job in jobs} == {200}
        # One after the other they would wait for ten seconds.
        assert time.monotonic() - begin < 8
        own.thaw()
        jobs = [gevent.spawn(node.join) for _ in range(5)]
        gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
        wait_for(lambda: own.subscribers() == [3], "all is heard")
        jobs[0].value.emit("/chat", "shout", 1)
        assert [job.value.event("/chat") for job in jobs] == [["shouted", 1]] * 5
        channels_of(node.config).backend.close()


FROZEN = {"anypubsub.socket_timeout": "0.3", "anypubsub.health_check_interval": "0.2"}


@pytest.mark.parametrize("how", ["freeze", "kill"])
@pytest.mark.parametrize("event", [["shout", "a"], ["tell_room", "lobby", "a"]])
def test_without_redis_a_broadcast_reaches_its_process_and_the_ack_tells_failure(
    start: Start, tmp_path: Path, how: str, event: list[str]
) -> None:
    with running_redis(tmp_path) as own:
        options = {"anypubsub.host": own.url, **FROZEN}
        node, other = start(**options), start(**options)
        here, beside, there = node.join(), node.join(), other.join()
        for client in (here, beside, there):
            client.call("/chat", "enter", "lobby")
        getattr(own, how)()
        begin = time.monotonic()
        here.emit("/chat", *event, number=7)
        # The event has reached the clients of this process, without waiting for the
        # broker.
        assert beside.event("/chat")[1] == "a"
        if event[0] == "shout":
            assert here.event("/chat") == ["shouted", "a"]
        here.failure("/chat", "internal_error", "Internal server error")
        assert time.monotonic() - begin < 5
        # Other events are handled meanwhile, and broadcasts arrive again when it is
        # back.
        assert beside.call("/chat", "enter", "hall") == [None]
        own.thaw() if how == "freeze" else own.start()
        subscribed = "both have subscribed again"
        wait_for(lambda: sorted(own.subscribers()) == [4, 5], subscribed)
        for number in range(20):
            here.emit("/chat", "shout", number)
        # A message may have arrived although the broker did not answer in time.
        heard: list[Any] = []
        while not heard or heard[-1] != 19:
            heard.append(there.event("/chat")[1])
        assert [each for each in heard if each != "a"] == list(range(20))
        for each in (node, other):
            each.live.close_clients()
            each.live.server.stop(timeout=1)
            backend: Any = channels_of(each.config).backend
            backend.close()
