"""Which sockets and events are shown, and what is left of them afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.operation.admin.watched import Watched
from tgext.socketio.wire.socketio.packet import Packet, event_packet

from .fakes import FakeNamespace, FakeSocket, rooms_with

NEWS: Any = event_packet("/chat", "news", (1,))


def watching(rooms: Rooms, most_sockets: int = 10, most: int = 10) -> Watched:
    watched = Watched(rooms, "/admin".__eq__, most_sockets, most)
    watched.start()
    return watched


def kinds(changes: list[Any]) -> list[str]:
    return [each[0] for each in changes]


def ids(changes: list[Any]) -> list[str]:
    return [each[1]["id"] for each in changes if each[0] == "socket_connected"]


def test_a_client_comes_and_goes_between_two_reports() -> None:
    ann: Any = FakeSocket()
    rooms = rooms_with()
    watched = watching(rooms)
    rooms.join("/chat", None, ann)
    rooms.join("/chat", "lobby", ann)
    rooms.leave_all("/chat", ann)
    connected, disconnected = watched.take()
    assert (connected[0], connected[1]["rooms"]) == ("socket_connected", [])
    assert disconnected[:3] == ["socket_disconnected", "/chat", "ann"]
    assert watched.take() == []
    assert len(watched) == 0


def test_rooms_are_told_once() -> None:
    ann: Any = FakeSocket()
    rooms = rooms_with(ann)
    watched = watching(rooms)
    rooms.join("/chat", "before", ann)
    [connected] = watched.begin_anew()
    assert connected[1]["rooms"] == ["before"]
    rooms.join("/chat", "after", ann)
    [joined] = watched.take()
    assert joined[:4] == ["room_joined", "/chat", "after", "ann"]
    ann.active_ns["/chat"] = FakeNamespace("transport close")
    rooms.leave_all("/chat", ann)
    *left, disconnected = watched.take()
    assert sorted(each[2] for each in left) == ["after", "before"]
    assert disconnected[3] == "transport close"


@pytest.mark.parametrize("seconds", [0, 3600])
def test_since_when_a_client_is_there(seconds: float) -> None:
    ann: Any = FakeSocket()
    entered = time.monotonic() - seconds if seconds else 0.0
    ann.active_ns["/chat"] = FakeNamespace(entered=entered)
    before = time.time()
    [connected] = watching(rooms_with(ann)).begin_anew()
    since = connected[1]["handshake"]["issued"] / 1000
    assert before - 0.01 <= since + seconds <= time.time() + 0.01


def test_an_upgrade() -> None:
    ann: Any = FakeSocket()
    watched = watching(rooms_with(ann))
    watched.begin_anew()
    ann.transport.name = "websocket"
    told = {"id": "ann", "nsp": "/chat", "transport": "websocket"}
    assert watched.take() == [["socket_updated", told]]
    assert watched.take() == []


def test_no_more_sockets_than_asked_for() -> None:
    crowd: list[Any] = [FakeSocket(str(number)) for number in range(10_000)]
    rooms = rooms_with(*crowd)
    watched = watching(rooms, most_sockets=3)
    assert ids(watched.begin_anew()) == ["0", "1", "2"]
    for each in crowd[3:100]:
        rooms.join("/chat", "lobby", each)
        rooms.leave_all("/chat", each)
    assert watched.take() == []
    rooms.leave_all("/chat", crowd[0])
    rooms.join("/chat", None, crowd[50])
    assert kinds(watched.take()) == ["socket_disconnected", "socket_connected"]
    assert len(watched) == 3


def test_too_many_changes_are_replaced_by_all_sockets() -> None:
    ann: Any = FakeSocket()
    rooms = rooms_with(ann)
    watched = watching(rooms, most=2)
    watched.begin_anew()
    for number in range(10):
        rooms.join("/chat", number, ann)
    assert watched.lost
    assert len(watched.take()) == 4
    [connected] = watched.begin_anew()
    assert connected[1]["rooms"].sort() == list(range(10)).sort()
    assert not watched.lost


@pytest.mark.parametrize("event", ["event_received", "event_sent"])
def test_events_are_a_sample(event: str) -> None:
    ann: Any = FakeSocket()
    watched = watching(rooms_with(ann), most=2)
    watched.begin_anew()
    happens: dict[str, Callable[[Packet], object]] = {
        "event_received": ann.active_ns["/chat"].process_packet,
        "event_sent": ann.send_packet,
    }
    for _ in range(5):
        happens[event](NEWS)
    first, second = watched.take()
    assert first[:4] == second[:4] == [event, "/chat", "ann", ["news", 1]]
    happens[event](NEWS)
    assert len(watched.take()) == 1


def test_broadcasts_are_told_of_some_receivers() -> None:
    crowd: list[Any] = [FakeSocket(str(number)) for number in range(9)]
    rooms = rooms_with(*crowd)
    watched = watching(rooms)
    watched.begin_anew()
    rooms.broadcast(NEWS, skip=crowd[0])
    assert [each[2] for each in watched.take()] == ["1", "2", "3"]
    rooms.deliver_to(crowd[4:5], NEWS)
    assert [each[2] for each in watched.take()] == ["4"]
    assert [each.heard for each in crowd] == [0, *[1] * 3, 2, *[1] * 4]


def test_nothing_is_left_of_it() -> None:
    ann: Any = FakeSocket()
    ann.active_ns["/news"] = FakeNamespace()
    rooms = rooms_with(ann)
    rooms.join("/news", None, ann)
    owners = [rooms, ann, *ann.active_ns.values()]
    before = [set(vars(each)) for each in owners]
    watched = watching(rooms)
    watched.begin_anew()
    assert all(set(vars(each)) > own for each, own in zip(owners, before, strict=True))
    watched.stop()
    assert [set(vars(each)) for each in owners] == before
    assert not rooms.watchers


def test_a_client_that_has_left_when_it_is_described_is_not_listened_to() -> None:
    ann: Any = FakeSocket()
    rooms = rooms_with()
    owners = [ann, ann.active_ns["/chat"]]
    before = [set(vars(each)) for each in owners]
    watched = watching(rooms)
    rooms.join("/chat", None, ann)
    rooms.leave_all("/chat", ann)
    assert kinds(watched.take()) == ["socket_connected", "socket_disconnected"]
    assert [set(vars(each)) for each in owners] == before


def test_the_administrators_own_events_are_not_shown() -> None:
    ann: Any = FakeSocket()
    ann.active_ns = {"/admin": ann.active_ns["/chat"]}
    rooms = rooms_with()
    rooms.join("/admin", None, ann)
    watched = watching(rooms)
    assert ids(watched.begin_anew()) == ["ann"]
    ann.active_ns["/admin"].process_packet(event_packet("/admin", "join", ()))
    ann.send_packet(event_packet("/admin", "config", ()))
    assert watched.take() == []
