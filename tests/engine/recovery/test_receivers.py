"""Who gets a broadcast, when clients are back."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.hub.roomkeys import SocketRoom
from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.engine.recovery.receivers import given, named
from tgext.socketio.wire.socketio.packet import Packet, event_packet


class Session:
    def __init__(self, sid: str) -> None:
        self.sid = sid


#: A socket that can recover, and one that cannot.
SOCKETS: dict[Any, Any] = {"ann": Session("a"), "bob": None}
ANN: Any = "ann"
BOB: Any = "bob"


@pytest.mark.parametrize(
    ("room", "skip", "without"),
    [
        (None, None, ()),
        ("lobby", ANN, (SocketRoom("a"),)),
        ("lobby", BOB, ()),
        (Selection((1, 2), ("x",), (ANN, BOB)), ANN, ("x", *2 * (SocketRoom("a"),))),
    ],
)
def test_sockets_have_public_ids(room: Any, skip: Any, without: Any) -> None:
    packet = event_packet("/chat", "a", ())
    found = named(packet, room, skip, SOCKETS.__getitem__)
    assert found.without == without
    assert found.skip == ()
    assert without[given(room) :] == tuple(
        each for each in without if isinstance(each, SocketRoom)
    )


def test_those_that_another_process_left_out() -> None:
    packet: Packet = {**event_packet("/chat", "a", ()), "left_out": ["far"]}
    found = named(packet, "lobby", ANN, SOCKETS.__getitem__)
    assert found.without == (SocketRoom("a"), SocketRoom("far"))
