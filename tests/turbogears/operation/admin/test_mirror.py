"""The sockets of all processes, as the changes left them."""

from __future__ import annotations

from typing import Any

from tgext.socketio.operation.admin.mirror import GONE, Mirror


def connected(sid: str, *rooms: str) -> list[Any]:
    socket = {"id": sid, "nsp": "/chat", "rooms": [*rooms], "transport": "polling"}
    return ["socket_connected", socket, "now"]


def mirror(most: int = 10) -> Mirror:
    made = Mirror(most)
    for process, sid in (("one", "a"), ("one", "b"), ("two", "c")):
        made.apply(process, connected(sid, "lobby"))
    return made


def test_changes() -> None:
    made = mirror()
    for change in (
        ["room_joined", "/chat", "attic", "a", "now"],
        ["room_left", "/chat", "lobby", "a", "now"],
        ["socket_updated", {"id": "b", "nsp": "/chat", "transport": "websocket"}],
        ["event_sent", "/chat", "b", ["news"], "now"],
        ["socket_disconnected", "/chat", "c", "left", "now"],
    ):
        assert made.apply("two" if "c" in change else "one", change)
    first, second = made.sockets()
    assert (first["rooms"], second["transport"]) == (["attic"], "websocket")
    assert len(made) == 2


def test_changes_of_sockets_that_are_not_shown() -> None:
    made = mirror(most=3)
    assert not made.apply("two", connected("d"))
    assert not made.apply("two", ["room_joined", "/chat", "lobby", "d", "now"])
    assert not made.apply("two", ["socket_updated", {"id": "d", "nsp": "/chat"}])
    assert made.apply("two", ["socket_disconnected", "/chat", "d", "left", "now"])
    assert len(made) == 3
    assert made.apply("two", connected("c", "attic"))  # it is there


def test_a_process_has_gone() -> None:
    made = mirror()
    left, disconnected = made.forget("two")
    assert left[:4] == ["room_left", "/chat", "lobby", "c"]
    assert disconnected[:4] == ["socket_disconnected", "/chat", "c", GONE]
    assert (len(made), made.has("one"), made.has("two")) == (2, True, False)
    assert made.forget("two") == []


def test_all_have_gone() -> None:
    made = mirror()
    made.clear()
    assert (len(made), list(made.sockets())) == (0, [])
