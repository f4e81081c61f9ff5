"""Names of topics: readable, short, and no two topics share one."""

from __future__ import annotations

from typing import Any

import pytest
from anypubsub.backends.memory import MemoryPubSub
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.backends.channelnames import MOST, OwnName, check_channel
from tgext.socketio.backends.redis import RedisPubSub
from tgext.socketio.engine.hub.roomkeys import SocketRoom, UserRoom
from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.messaging.topics import naming_of, room_of, topic_of

CHANNEL = OwnName("tgext.socketio/cluster")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
keys = st.none() | st.integers() | texts | texts.map(UserRoom) | texts.map(SocketRoom)
topics = st.tuples(st.sampled_from(["", "/chat", "/a:b", "/a"]) | texts, keys)


@pytest.mark.parametrize(
    ("endpoint", "room", "name"),
    [
        ("/chat", None, "all:/chat"),
        ("", None, "all:"),
        ("/chat", "lobby", "room:/chat:lobby"),
        ("/chat", "", "room:/chat:"),
        ("/chat", 5, "number:/chat:5"),
        ("/chat", "5", "room:/chat:5"),
        ("/chat", UserRoom("ann"), "user:/chat:ann"),
        ("/chat", SocketRoom("Fp4x"), "socket:/chat:Fp4x"),
        ("/chat", "a:b %\n\0é", "room:/chat:a%3Ab%20%25%0A%00%C3%A9"),
        ("/a:b", "c", "room:/a%3Ab:c"),
        ("/chat", 2**80, f"number:/chat:{hex(2**80)}"),
    ],
)
def test_a_topic_has_a_readable_name(endpoint: str, room: Any, name: str) -> None:
    assert topic_of(CHANNEL, endpoint, room) == f"{CHANNEL}/{name}"


@given(topics, topics)
def test_two_topics_never_share_a_name(one: Any, two: Any) -> None:
    same = [type(each[1]) for each in (one, two)] and one == two
    assert (topic_of(CHANNEL, *one) == topic_of(CHANNEL, *two)) == same


@given(st.sampled_from([CHANNEL, "tgext.socketio/" + "é" * 120]), topics)
def test_a_name_is_one_that_brokers_carry(channel: str, topic: Any) -> None:
    name = topic_of(channel, *topic)
    assert check_channel(name) is name
    assert len(name.encode()) <= MOST
    assert name.isprintable()


def test_long_names_differ_in_their_digests() -> None:
    rooms = ["x" * 300 + each for each in "ab"]
    one, two = (topic_of(CHANNEL, "/chat", each) for each in rooms)
    assert one.partition("#")[0] == two.partition("#")[0]
    assert one != two
    # A number of any length has a name, too.
    assert len(topic_of(CHANNEL, "/chat", 10**5000)) == MOST


@pytest.mark.parametrize(
    ("receivers", "room"),
    [
        (None, None),
        ("lobby", "lobby"),
        (5, 5),
        (UserRoom("ann"), None),
        (SocketRoom("Fp4x"), None),
        (Selection(("lobby",), ("hall",)), "lobby"),
        (Selection((None,), ("hall",)), None),
        (Selection(("lobby", "hall")), None),
        (Selection((UserRoom("ann"),)), None),
        (Selection(()), None),
    ],
)
def test_each_process_with_a_receiver_hears_the_topic_once(
    receivers: Any, room: Any
) -> None:
    assert room_of(receivers) == room
    assert type(room_of(receivers)) is type(room)


def test_backends_for_which_a_channel_is_a_connection_have_one() -> None:
    name_of = naming_of(MemoryPubSub(), CHANNEL)
    assert name_of("/chat", "lobby") == name_of("", None) == CHANNEL
    backend = RedisPubSub.__new__(RedisPubSub)
    assert naming_of(backend, CHANNEL)("/chat", 5) == f"{CHANNEL}/number:/chat:5"
