"""Rooms of a server that is a mock: broadcasts reach the sockets that it lists."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from tgext.socketio.engine.hub.hub import hub_of
from tgext.socketio.engine.hub.mocks import MockRooms
from tgext.socketio.wire.socketio.packet import event_packet

PACKET = event_packet("/chat", "hello", (1,))


def listed(*rooms: str) -> Any:
    socket = MagicMock()
    socket.session = {"rooms": set(rooms)}
    return socket


@pytest.mark.parametrize(
    ("room", "skipped", "heard"),
    [
        (None, None, "abc"),
        (None, "b", "ac"),
        ("den", None, "ab"),
        ("den", "a", "b"),
        ("elsewhere", None, ""),
    ],
)
def test_a_broadcast_reaches_who_is_listed_and_in_the_room(
    room: str | None, skipped: str | None, heard: str
) -> None:
    sockets = {
        "a": listed("/chat_den"),
        "b": listed("/chat_den", "/chat_hall"),
        "c": listed("/other_den"),
    }
    rooms = hub_of(SimpleNamespace(sockets=sockets)).rooms
    assert isinstance(rooms, MockRooms)
    rooms.broadcast(PACKET, room, skip=None if skipped is None else sockets[skipped])
    for name, socket in sockets.items():
        calls = [call.args[0] for call in socket.send_packet.call_args_list]
        assert calls == ([PACKET] if name in heard else [])


def test_a_session_without_rooms_is_in_none() -> None:
    socket = MagicMock()
    socket.session = {}
    rooms = hub_of(SimpleNamespace(sockets={"a": socket})).rooms
    rooms.broadcast(PACKET, "den")
    assert not socket.send_packet.called


def test_a_server_may_list_nobody() -> None:
    hub_of(SimpleNamespace()).rooms.broadcast(PACKET)
