"""Who watches rooms is told who comes and who leaves."""

from __future__ import annotations

from typing import Any

from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.engine.io.batcher import Batcher

from ..conftest import Serve
from ..sample_namespaces import Echo


class Anyone:
    ended = False


class Notes:
    def __init__(self) -> None:
        self.noted: list[tuple[Any, ...]] = []

    def came(self, endpoint: str, room: Any, socket: Any) -> None:
        self.noted.append(("came", endpoint, room, socket))

    def left(self, endpoint: str, room: Any, socket: Any) -> None:
        self.noted.append(("left", endpoint, room, socket))

    def left_all(self, endpoint: str, socket: Any) -> None:
        self.noted.append(("left all", endpoint, socket))

    def close(self) -> None:
        self.noted.append(("closed",))


def test_a_watcher_is_told_of_each_room() -> None:
    rooms, notes, ann = Rooms(Batcher()), Notes(), Anyone()
    socket: Any = ann
    rooms.join("/chat", "before", socket)
    rooms.watch(notes)
    rooms.join("/chat", None, socket)
    rooms.join("/chat", "lobby", socket)
    rooms.leave("/chat", "lobby", socket)
    rooms.leave("/chat", "lobby", socket)
    assert notes.noted == [
        ("came", "/chat", None, ann),
        ("came", "/chat", "lobby", ann),
        ("left", "/chat", "lobby", ann),
    ]
    notes.noted.clear()
    rooms.leave_all("/chat", socket)
    first, *others = notes.noted
    assert first == ("left all", "/chat", ann)
    rest: list[Any] = [None, "before"]
    assert sorted(others, key=str) == sorted(
        (("left", "/chat", room, ann) for room in rest), key=str
    )


def test_all_watchers_are_told_until_they_stop() -> None:
    rooms, first, second = Rooms(Batcher()), Notes(), Notes()
    socket: Any = Anyone()
    for each in (first, second):
        rooms.watch(each)
    rooms.join("/chat", "lobby", socket)
    rooms.unwatch(first)
    rooms.leave("/chat", "lobby", socket)
    came, left = ((what, "/chat", "lobby", socket) for what in ("came", "left"))
    assert (first.noted, second.noted) == ([came], [came, left])


def test_a_watcher_is_closed_when_the_server_stops(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    notes = Notes()
    live.server.rooms.watch(notes)
    live.client().join("/chat")
    live.close_clients()
    live.server.stop(timeout=1)
    assert notes.noted[-1] == ("closed",)
    assert ("left all" in {each[0] for each in notes.noted}) is True
    assert not live.server.rooms.watchers
