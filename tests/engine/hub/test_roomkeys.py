"""The keys of rooms, users and ids."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import pytest

from tgext.socketio.engine.hub.roomkeys import (
    MOST,
    ChannelRoom,
    SocketRoom,
    UserRoom,
    channel_room,
    check_room,
    socket_room,
    user_room,
)


class Level(IntEnum):
    ONE = 1


class Name(str, Enum):
    ONE = "1"


class Color(Enum):
    RED = "red"


class Text(str):
    """A ``str`` subclass whose ``str()`` is another text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "other"


@pytest.mark.parametrize(
    ("room", "same"),
    [
        ("lobby", "lobby"),
        ("", ""),
        ("é\0\n", "é\0\n"),
        (1, 1),
        ("1", "1"),
        (-(2**100), -(2**100)),
        (Level.ONE, 1),
        (Name.ONE, "1"),
        (Text("a"), "a"),
    ],
)
def test_a_room_is_a_text_or_a_number(room: Any, same: Any) -> None:
    checked = check_room(room)
    assert (checked, type(checked)) == (same, type(same))
    assert hash(checked) == hash(room)


#: Values that would work in one process, but would not reach other processes.
NO_ROOMS = [
    None,
    True,
    False,
    1.0,
    Decimal(1),
    b"A",
    ("A", 1),
    frozenset("A"),
    UUID(int=1),
    date(2026, 11, 29),
    Color.RED,
    object(),
]


@pytest.mark.parametrize("room", NO_ROOMS, ids=repr)
def test_nothing_else_is_a_room(room: Any) -> None:
    with pytest.raises(TypeError, match=f"str or an int, not {type(room).__name__}"):
        check_room(room)


def test_a_room_has_utf_8() -> None:
    with pytest.raises(ValueError, match=r"'\\ud800' cannot be encoded as UTF-8"):
        check_room("\ud800")


@pytest.mark.parametrize("character", ["x", "\xe9"])
def test_the_name_of_a_room_is_short(character: str) -> None:
    assert check_room(character * MOST) == character * MOST
    with pytest.raises(ValueError, match=f"more than {MOST} characters"):
        check_room(character * (MOST + 1))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_number_of_a_room_is_short(sign: int) -> None:
    """All that names a room can write it: Python writes no longer numbers."""
    largest = sign * (16**MOST - 1)
    assert check_room(largest) == largest
    assert len(str(largest)) > MOST
    for number in (largest + sign, sign * 10**5000):
        with pytest.raises(ValueError, match=f"more than {MOST} hexadecimal digits"):
            check_room(number)


KINDS = [str, UserRoom, SocketRoom, ChannelRoom]


@pytest.mark.parametrize("ours", [UserRoom, SocketRoom, ChannelRoom])
def test_a_room_is_no_user_no_socket_and_no_channel(ours: type) -> None:
    found = {kind("anna"): kind for kind in KINDS}
    assert found == dict(zip(found, KINDS, strict=True))
    for kind in KINDS:
        assert (ours("anna") == kind("anna")) is (ours is kind)
        assert (ours("anna") != kind("anna")) is (ours is not kind)
        assert (kind("anna") == ours("anna")) is (ours is kind)
        assert (kind("anna") != ours("anna")) is (ours is not kind)
        assert found[ours("anna")] is ours
    assert ours("anna") != ours("ben")


def test_what_a_key_is_shows() -> None:
    assert repr({UserRoom("anna")}) == "{UserRoom('anna')}"


def test_an_application_makes_a_room_of_a_key() -> None:
    assert type(check_room(UserRoom("anna"))) is str
    assert check_room(UserRoom("anna")) == "anna"


@pytest.mark.parametrize(
    ("user", "text"),
    [("anna", "anna"), (7, "7"), ("7", "7"), (Level.ONE, "1"), (Text("a"), "a")],
)
def test_a_user_is_known_by_text(user: Any, text: str) -> None:
    assert user_room(user) == UserRoom(text)


@pytest.mark.parametrize("user", NO_ROOMS, ids=repr)
def test_nothing_else_is_a_user(user: Any) -> None:
    with pytest.raises(TypeError, match=f"user is .* not {type(user).__name__}"):
        user_room(user)


@pytest.mark.parametrize("sid", [*NO_ROOMS, 7], ids=repr)
def test_nothing_but_text_is_an_id(sid: Any) -> None:
    with pytest.raises(TypeError, match=f"the id .* str, not {type(sid).__name__}"):
        socket_room(sid)


@pytest.mark.parametrize("name", [*NO_ROOMS, 7], ids=repr)
def test_nothing_but_text_is_a_channel(name: Any) -> None:
    assert channel_room("news") == ChannelRoom("news")
    with pytest.raises(TypeError, match=f"channel .* str, not {type(name).__name__}"):
        channel_room(name)


@pytest.mark.parametrize("key", [user_room, socket_room, channel_room])
@pytest.mark.parametrize("text", ["\ud800", "x" * (MOST + 1)])
def test_users_ids_and_channels_have_the_bounds_of_a_room(key: Any, text: str) -> None:
    with pytest.raises(ValueError, match="room"):
        key(text)
