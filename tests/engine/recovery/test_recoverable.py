"""Which ends of a connection a client recovers from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.engine.recovery import waiting
from tgext.socketio.wire.socketio.reasons import (
    CLIENT_LEFT,
    PARSE_ERROR,
    PING_TIMEOUT,
    SERVER_LEFT,
    SHUTTING_DOWN,
    SLOW_CONSUMER,
    TRANSPORT_CLOSE,
    TRANSPORT_ERROR,
    USER_CHANGED,
)

from ..clients import wait_for
from ..conftest import Live
from .servers import Chat, Server


@pytest.fixture
def server(serve: Callable[..., Live]) -> Server:
    return Server(serve)


#: Whether a client recovers after an end of its connection.
ENDS = {
    CLIENT_LEFT: True,
    PARSE_ERROR: False,
    PING_TIMEOUT: True,
    SERVER_LEFT: False,
    SHUTTING_DOWN: False,
    SLOW_CONSUMER: True,
    TRANSPORT_CLOSE: True,
    TRANSPORT_ERROR: True,
    USER_CHANGED: False,
}


@pytest.mark.parametrize(("reason", "recovers"), ENDS.items(), ids=str)
def test_the_ends_of_a_connection(server: Server, reason: str, recovers: bool) -> None:
    client, pid = server.connect()
    name, welcome, offset = client.event("/chat")
    assert (name, welcome) == ("welcome", False)
    server.live.socket(client).kill(reason=reason)
    assert len(server.journal) == int(recovers)
    back, again = server.connect(pid, offset)
    assert back.event("/chat")[1] is recovers
    assert (again == pid) is recovers


class Guests(RoomsMixin, Chat):
    def on_join(self, count: int) -> str:
        for number in range(count):
            self.join(f"a room with a name {number}")
        return "joined"


@pytest.mark.parametrize(("rooms", "recovers"), [(10, True), (200, False)])
def test_the_rooms_of_a_client_count(
    serve: Callable[..., Live],
    monkeypatch: pytest.MonkeyPatch,
    rooms: int,
    recovers: bool,
) -> None:
    monkeypatch.setattr(waiting, "MOST", 20_000)
    server = Server(serve, Guests)
    client, pid = server.connect()
    *_, offset = client.event("/chat")
    client.emit("/chat", "join", rooms, number=1)
    assert client.read()["args"] == ["joined"]
    client.websocket.close()
    wait_for(lambda: not server.live.server.sockets, "the end is noticed")
    _, again = server.connect(pid, offset)
    assert (again == pid) is recovers
