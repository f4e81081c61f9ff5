"""Who is where."""

from __future__ import annotations

import json
from typing import Any

from tgext.socketio.engine.rooms import Rooms, deliver

from .clients import KINDS
from .conftest import Serve, manage
from .namespaces import Chat

ANN: Any = "Ann"
BEN: Any = "Ben"


def test_members_are_listed_as_they_came() -> None:
    rooms = Rooms()
    for each in (BEN, ANN, BEN):
        rooms.join("/chat", "lobby", each)
    assert rooms.members("/chat", "lobby") == [BEN, ANN]
    assert rooms.members("/chat") == []
    assert rooms.members("/chat", "hall") == []
    assert rooms.members("/game", "lobby") == []


def test_a_list_of_members_is_not_changed_by_who_leaves() -> None:
    rooms = Rooms()
    rooms.join("/chat", None, ANN)
    members = rooms.members("/chat")
    rooms.leave("/chat", None, ANN)
    assert members == [ANN]
    assert rooms.members("/chat") == []


def test_leaving_where_one_is_not_has_no_effect() -> None:
    rooms = Rooms()
    rooms.join("/chat", "lobby", ANN)
    rooms.leave("/chat", "lobby", BEN)
    rooms.leave("/chat", "hall", ANN)
    rooms.leave_all("/chat", BEN)
    rooms.leave_all("/game", ANN)
    assert rooms.members("/chat", "lobby") == [ANN]


def test_who_leaves_a_namespace_stays_in_the_others() -> None:
    rooms = Rooms()
    for endpoint in ("/chat", "/game"):
        for room in (None, "lobby", "hall"):
            rooms.join(endpoint, room, ANN)
    rooms.leave_all("/chat", ANN)
    for room in (None, "lobby", "hall"):
        assert rooms.members("/chat", room) == []
        assert rooms.members("/game", room) == [ANN]


def test_nothing_is_kept_of_rooms_that_are_empty() -> None:
    rooms = Rooms()
    for each in (ANN, BEN):
        rooms.join("/chat", None, each)
        rooms.join("/chat", "lobby", each)
    for each in (ANN, BEN):
        rooms.leave("/chat", "lobby", each)
        rooms.leave_all("/chat", each)
    assert not any(vars(rooms).values())


def test_a_packet_is_written_once_for_all_clients_of_a_generation(
    serve: Serve,
) -> None:
    written: list[Any] = []

    def dumps(value: Any) -> str:
        written.append(value)
        return json.dumps(value)

    live = serve(application=manage({"/chat": Chat}, json_dumps=dumps))
    clients = [live.client(each) for each in list(KINDS) * 2]
    for client in clients:
        client.join("/chat")
    written.clear()
    clients[0].emit("/chat", "shout", "hello")
    for client in clients:
        assert client.event("/chat") == ["shouted", "hello"]
    assert len(written) == len({each.partition("-")[0] for each in KINDS}) == 3


def test_clients_whose_json_differs_are_each_written_to_in_theirs(
    serve: Serve,
) -> None:
    def shouting(value: Any) -> str:
        return json.dumps(value).upper()

    plain = serve({"/chat": Chat})
    client = plain.client()
    other = plain.client()
    for each in (client, other):
        each.join("/chat")
    plain.socket(other).json_dumps = shouting
    members = plain.server.rooms.members("/chat")
    deliver(members, {"type": "event", "name": "a", "args": ["b"], "endpoint": "/chat"})
    assert client.event("/chat") == ["a", "b"]
    assert other.event("/chat") == ["A", "B"]
