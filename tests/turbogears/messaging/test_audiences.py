"""What an audience is sent, and what a journal keeps of it."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.backends.channelnames import check_channel
from tgext.socketio.engine.hub.roomkeys import ChannelRoom, SocketRoom, channel_room
from tgext.socketio.messaging.audiences import (
    Audience,
    Listener,
    Told,
    channel_topic,
)
from tgext.socketio.messaging.log import Position

from .listeners import Mock, packets

POSITION = Position("abcdefghijkl", 5)


@pytest.mark.parametrize(
    ("named", "positioned", "position", "args"),
    [
        (False, False, POSITION, (1,)),
        (True, False, POSITION, (1, "news")),
        (False, True, POSITION, (1, "abcdefghijkl-5")),
        (True, True, None, (1, "news", None)),
    ],
)
def test_an_audience_gets_what_its_class_asks_for(
    named: bool, positioned: bool, position: Position | None, args: Any
) -> None:
    packet = Audience("/chat", named, positioned).packet("news", Told(1, position))
    assert (packet["endpoint"], packet["name"]) == ("/chat", "pubblication")
    assert packet["args"] == args


class Keeping:
    """A journal: a list."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.away: set[Any] = set()
        self.otherwise: list[Any] = []

    def append(self, place: Any, packet: Any, without: Any = ()) -> Any:
        self.kept.append((place, packet["args"], without))
        return Position("abcdefghijkl", len(self.kept))

    def gets_otherwise(self, *what: Any) -> None:
        self.otherwise.append(what)

    def reaches(self, socket: Any) -> bool:
        return socket not in self.away


class Here(Mock):
    """A socket with an id."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def _tgsio_id_in(self, endpoint: str) -> str:
        return f"{endpoint} {self.number}"


def test_a_message_is_kept_once_and_not_for_those_who_get_it_otherwise() -> None:
    journal: Any = Keeping()
    audience = Audience("/chat", False, False, journal)
    _, asking, other = sockets = [Here(each) for each in range(3)]
    listeners: Any = sockets
    journal.away.add(asking)
    audience.tell("news", Told("hello", None), listeners[:2], listeners[2:])
    without = (SocketRoom("/chat 2"),)
    assert journal.kept == [(ChannelRoom("news"), ("hello",), without)]
    assert [each.packets for each in sockets] == [
        [("/chat", "pubblication", ["hello"])],
        [],
        [],
    ]
    assert journal.otherwise == []
    audience.tell("news", Told("logged", POSITION), listeners[:2], listeners[2:])
    assert journal.otherwise == [(ChannelRoom("news"), other, 5)]
    audience.tell_one(listeners[2], audience.packet("news", Told("alone", None)))
    assert journal.kept[2:] == [(SocketRoom("/chat 2"), ("alone",), ())]
    assert packets(Listener(listeners[2], "/chat", False)) == other.packets != []


@pytest.mark.parametrize("name", ["news", "\xe9", "a b", "x" * 255, "7"])
def test_the_topic_of_a_channel_is_its_name(name: str) -> None:
    """Each valid name of a channel is a place, too."""
    topic = channel_topic(channel_room(check_channel(name)))
    assert (topic, type(topic)) == (name, str)
