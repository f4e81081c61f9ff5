"""Clients that are at another process."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from tgext.socketio.engine.hub.roomkeys import SocketRoom
from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.engine.recovery.elsewhere import kept_here, release, send_on
from tgext.socketio.engine.recovery.record import Entry, Missed, Position, Start
from tgext.socketio.wire.socketio.packet import event_packet
from tgext.socketio.wire.socketio.reasons import TRANSPORT_CLOSE

PACKET = event_packet("/chat", "said", ("hello",))


class Session:
    sid = "sid"
    start = Start(Position("here", 3))

    def __init__(self, local: int) -> None:
        self.local = local
        self.connection: Any = None


class Connection:
    def _tgsio_give_up(self, reason: str) -> str:
        return reason


class Journal:
    """Its log has messages with the numbers 4 to 6 for the client."""

    def __init__(self, complete: bool = True) -> None:
        self.complete = complete

    def read(self, places: Any, after: Position) -> Missed:
        assert (places, after) == ([SocketRoom("sid")], Position("here", 3))
        entries = [Entry(n, Selection(("lobby",)), PACKET, 9) for n in (4, 5, 6)]
        return Missed(entries, Position("here", 6), self.complete)


def test_what_is_kept_here_alone() -> None:
    found = kept_here(Journal(), Session(5))
    assert found is not None
    assert [place for place, _ in found] == ["lobby"] * 2
    assert [each["position"] for _, each in found] == ["here-4-9", "here-5-9"]
    assert kept_here(Journal(complete=False), Session(5)) is None
    assert kept_here(Journal(), Session(0)) == []


def test_its_connection_ends() -> None:
    session = Session(0)
    assert release(session) is None
    session.connection = Connection()
    assert release(session) == TRANSPORT_CLOSE


def test_what_a_handler_sends_to_it(caplog: pytest.LogCaptureFixture) -> None:
    rooms = Mock()
    send_on(rooms, "sid", PACKET)
    rooms.broadcast.assert_called_once_with(PACKET, SocketRoom("sid"))
    rooms.broadcast.side_effect = OSError("broken")
    send_on(rooms, "sid", PACKET)
    assert "a client of /chat, which is at another process, is lost: broken" in (
        caplog.text
    )
    rooms.broadcast.side_effect = TypeError("no JSON")
    with pytest.raises(TypeError):
        send_on(rooms, "sid", PACKET)
