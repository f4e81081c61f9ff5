"""Each controller has one presence."""

from __future__ import annotations

from tgext.socketio.messaging.presence.shared import presence_of

from .receivers import NotedRooms


def test_rooms_have_one_presence() -> None:
    rooms, others = NotedRooms(), NotedRooms()
    presence = presence_of(rooms, {})
    assert presence_of(rooms, {}) is presence
    assert presence_of(others, {}) is not presence
