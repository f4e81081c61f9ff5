"""What clients have from the processes that they were in before."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.hub.roomkeys import SocketRoom
from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.engine.recovery.had import Had
from tgext.socketio.engine.recovery.record import Position
from tgext.socketio.wire.socketio.packet import Packet, event_packet


class Session:
    def __init__(self, sid: str) -> None:
        self.sid = sid


ANN: Any = Session("ann")
BOB: Any = Session("bob")


def at(position: str) -> Packet:
    return {**event_packet("/chat", "said", ()), "position": position}


@pytest.mark.parametrize(
    ("position", "without"),
    [
        ("there-4-9", ("ann", "bob")),
        ("there-5", ("ann",)),
        ("there-7-1", ("ann",)),
        ("there-8-1", ()),
        ("other-1", ()),
        ("invalid", ()),
    ],
)
@pytest.mark.parametrize("room", ["lobby", None, Selection(("a", 5), ("b",))])
def test_who_has_a_message_does_not_get_it(
    position: str, without: Any, room: Any
) -> None:
    had = Had()
    had.note(ANN, Position("there", 7))
    had.note(BOB, Position("there", 4))
    found = had.lacking(at(position), room)
    if not without:
        assert found == room
        return
    before = room if isinstance(room, Selection) else Selection((room,))
    have = map(SocketRoom, without)
    assert found == before._replace(without=(*before.without, *have))


def test_sessions_that_have_ended_are_forgotten() -> None:
    had = Had()
    had.note(ANN, Position("there", 7))
    had.forget(BOB)
    had.forget(ANN)
    assert had.lacking(at("there-1"), "lobby") == "lobby"
    assert had.lacking(event_packet("/chat", "said", ()), "lobby") == "lobby"
