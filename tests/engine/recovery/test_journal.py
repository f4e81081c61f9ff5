"""When the session of a client that is back is not its own any more."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import pytest

from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.wire.socketio.packet import event_packet
from tgext.socketio.wire.socketio.reasons import TRANSPORT_CLOSE

from ..conftest import Live
from .servers import Server


@pytest.fixture
def server(serve: Callable[..., Live]) -> Server:
    return Server(serve)


def test_a_log_that_reaches_not_far_enough(server: Server) -> None:
    client, pid = server.connect()
    server.live.socket(client).kill(reason=TRANSPORT_CLOSE)
    server.record.complete = False
    assert server.connect(pid)[1] != pid


def test_a_log_that_was_lost(server: Server) -> None:
    client, pid = server.connect()
    server.live.socket(client).kill(reason=TRANSPORT_CLOSE)
    server.record.epoch = "another"
    assert server.connect(pid)[1] != pid


@pytest.mark.parametrize("fault", ["unreadable", "unsendable"])
def test_a_log_that_fails(
    server: Server, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """The client is a new one, and its session is forgotten."""
    client, pid = server.connect()
    assert client.event("/chat")[0] == "welcome"
    server.live.socket(client).kill(reason=TRANSPORT_CLOSE)
    if fault == "unsendable":
        packet = event_packet("/chat", "news", [object()])
        server.record.append(None, packet, Selection((None,)))
    else:
        monkeypatch.setattr(server.record, "read", Mock(side_effect=ValueError))
    back, again = server.connect(pid)
    assert back.event("/chat")[:2] == ["welcome", False]
    assert again != pid
    assert [each.pid for each in server.journal.sessions] == [again]


def test_another_user(server: Server) -> None:
    """The session stays with the user whose it is."""
    client, pid = server.connect()
    socket = server.live.socket(client)
    socket.kill(reason=TRANSPORT_CLOSE)
    (session,) = server.journal.sessions
    session.user = "bob"
    assert server.connect(pid)[1] != pid
    session.user = None
    assert server.connect(pid)[1] == pid


def test_what_stays_in_this_process_is_numbered_and_kept(server: Server) -> None:
    client, pid = server.connect()
    assert client.event("/chat")[0] == "welcome"
    rooms = server.live.server.hub.rooms
    rooms.broadcast_here(event_packet("/chat", "news", ["one"]))
    *event, position = client.event("/chat")
    assert event == ["news", "one"]
    server.live.socket(client).kill(reason=TRANSPORT_CLOSE)
    rooms.broadcast_here(event_packet("/chat", "news", ["two"]))
    client, again = server.connect(pid, position)
    assert again == pid
    assert client.event("/chat")[:2] == ["news", "two"]
