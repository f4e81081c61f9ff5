"""The index of the sockets of a namespace, by user or by public id."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tgext.socketio.engine.hub.index import Index, name_of_user, public_id
from tgext.socketio.engine.hub.roomkeys import SocketRoom, UserRoom
from tgext.socketio.wire.socketio.packet import event_packet

from ..conftest import Serve
from ..runners import Around
from ..sample_namespaces import Chat

KEYS: dict[Any, str | None] = {"A": "anna", "B": "ben", "A2": "anna", "C": None}


def test_sockets_are_found_as_they_came() -> None:
    index: Index[str] = Index(KEYS.get, ["A"])
    for each in ("B", "A2", "C", "A"):
        index.add(each)
    assert list(index.find("anna")) == ["A", "A2"]
    assert list(index.find("ben")) == ["B"]
    assert list(index.find("carl")) == []
    assert len(index) == 3


def test_nothing_is_left_of_sockets_that_have_gone() -> None:
    keys = dict(KEYS)
    index: Index[str] = Index(keys.get, keys)
    keys.clear()  # a socket that has gone may not know its key any more
    for each in (*KEYS, *KEYS):
        index.discard(each)
    assert len(index) == 0
    assert not any(list(index.find(each)) for each in ("anna", "ben"))


def test_an_id_is_public() -> None:
    ids = {public_id(secret, name) for secret in "ab" for name in ("", "/chat")}
    assert len(ids) == 4
    assert {len(each) for each in ids} == {20}
    assert public_id("a", "/chat") in ids  # the same each time


@pytest.mark.parametrize(
    ("user", "name"),
    [(None, None), ("anna", "anna"), (7, "7"), (UUID(int=1), str(UUID(int=1)))],
)
def test_each_user_has_a_name(user: Any, name: str | None) -> None:
    assert name_of_user(user) == name


def test_events_reach_a_user_and_a_socket(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Chat, "/game": Chat})
    clients = [live.client(kind) for _ in range(3)]
    sockets = [live.socket(each) for each in clients]
    for socket, user in zip(sockets, ("anna", "ben", "anna"), strict=True):
        socket.runner = Around(lambda function, *args: function(*args))
        socket.runner.user = user
    rooms = live.server.rooms
    clients[0].join("/chat")
    assert rooms.members("/chat", UserRoom("anna")) == sockets[:1]
    for client in clients[1:]:
        client.join("/chat")
    clients[0].join("/game")
    anna = [sockets[0], sockets[2]]
    assert rooms.members("/chat", UserRoom("anna")) == anna
    assert rooms.members("/game", UserRoom("anna")) == sockets[:1]
    assert rooms.members("/chat", "anna") == []
    rooms.broadcast(event_packet("/chat", "heard", ["anna"]), UserRoom("anna"))
    for socket in sockets:
        sid = SocketRoom(public_id(socket.sessid, "/chat"))
        assert rooms.members("/chat", sid) == [socket]
        assert rooms.members("/game", sid) == []
        assert socket.sessid not in sid
        rooms.broadcast(event_packet("/chat", "heard", [sid]), sid)
    for client, socket in zip(clients, sockets, strict=True):
        if socket in anna:
            assert client.event("/chat") == ["heard", "anna"]
        assert client.event("/chat") == ["heard", public_id(socket.sessid, "/chat")]
