"""Which places a client joins and leaves."""

from __future__ import annotations

import pytest

from tgext.socketio.engine.hub.roomkeys import ChannelRoom, SocketRoom, UserRoom
from tgext.socketio.engine.recovery.places import is_joined, is_room
from tgext.socketio.engine.recovery.record import Place


@pytest.mark.parametrize(
    ("place", "rooms", "joined"),
    [
        ("lobby", True, True),
        (5, True, True),
        (ChannelRoom("news"), False, True),
        (UserRoom("ann"), False, False),
        (SocketRoom("x"), False, False),
        (None, False, False),
    ],
    ids=repr,
)
def test_rooms_and_channels_are_joined(place: Place, rooms: bool, joined: bool) -> None:
    assert (is_room(place), is_joined(place)) == (rooms, joined)
