"""Valid names of channels, for all backends."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from anypubsub.backends.memory import MemoryPubSub
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.backends.channelnames import (
    MOST,
    OWN,
    TAKEN,
    OwnName,
    check_channel,
)
from tgext.socketio.messaging.channels import Channels
from tgext.socketio.messaging.cluster import CHANNEL, channel_of
from tgext.socketio.pubsub import publish

from ..messaging.listeners import listener

#: Invalid names, by their mistake.
BAD_NAMES = {
    "empty": "",
    "half a surrogate pair": "room-\ud800",
    "the other half": "\udfff",
    "a NUL": "room-\0",
    "a line feed": "a\nb",
    "a carriage return": "a\r",
    "an escape": "\x1b[2J",
    "a control of ISO 8859": "a\x85",
    "256 bytes": "x" * 256,
    "256 bytes in 128 characters": "é" * 128,
    "a megabyte": "x" * 1_000_000,
    "the bus": CHANNEL[:],
    "the bus of another application": f"{OWN}other",
    "Sentinel": "__sentinel__:hello",
    "what Redis tells of keys": "__keyspace@0__:session",
    "what Redis tells of events": "__keyevent@0__:expired",
    "an exchange of the broker's own": "amq.fanout",
}

GOOD_NAMES = [
    "news",
    "room-1",
    "a b.c:d_e/f",
    "é",
    "日本語",
    "\U0001f600",
    "x" * MOST,
    "é" * 127,
    "*",
    "news\u2028",
    "tgext.socketio",
    " tgext.socketio/cluster",
]


class Color(str, Enum):
    RED = "red"


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_what_may_be_no_name_is_refused_wherever_it_is_given(name: str) -> None:
    name = str.__str__(name)
    channels = Channels(MemoryPubSub())
    with pytest.raises(ValueError, match="invalid channel name"):
        check_channel(name)
    with pytest.raises(ValueError, match="invalid channel name"):
        channels.publish(name, "hello")
    with pytest.raises(ValueError, match="invalid channel name"):
        channels.subscribe(name, listener())
    with pytest.raises(ValueError, match="invalid channel name"):
        publish(name, "hello", {"anypubsub.backend": "memory"})
    channels.unsubscribe(name, listener())
    assert len(channels) == 0


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_other_names_may_be(name: str) -> None:
    assert check_channel(name) == name


@pytest.mark.parametrize("name", [None, 5, b"news", ["news"], True, 1.5])
def test_what_is_no_text_is_no_name(name: Any) -> None:
    with pytest.raises(TypeError, match=type(name).__name__):
        check_channel(name)


def test_a_kind_of_text_is_the_text() -> None:
    name = check_channel(Color.RED)
    assert (name, type(name)) == ("red", str)


@given(st.text(st.characters()) | st.text(st.characters(categories=["Cs", "Cc"])))
def test_a_name_is_carried_as_it_is_or_refused(name: str) -> None:
    try:
        assert check_channel(name) == name
        problem = ""
    except ValueError as error:
        problem = str(error)
    if problem:
        assert problem.isprintable()
        assert len(problem) < 1200
    else:
        assert 0 < len(name.encode()) <= MOST
        assert name.encode().decode() == name
        assert not name.startswith(tuple(TAKEN))


@given(st.text(st.characters(categories=["L", "P", "Zs"]), min_size=1, max_size=40))
def test_the_channel_of_a_bus_is_refused(option: str) -> None:
    for bus in (channel_of({}), channel_of({"socketio.cluster_channel": option})):
        assert type(check_channel(bus)) is OwnName
        with pytest.raises(ValueError, match=r"tgext\.socketio"):
            check_channel(str.__str__(bus))
