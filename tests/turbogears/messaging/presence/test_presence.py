"""The presence of one process: what follows from its rooms and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.clients import wait_for
from tgext.socketio.messaging.presence.members import Topic
from tgext.socketio.messaging.presence.presence import Presence

from .receivers import NotedRooms, Watcher

LOBBY: Topic = ("/chat", "lobby")
MAIN: Topic = ("/chat", None)


class Notes:
    """In the place of what tells the others."""

    def __init__(self) -> None:
        self.woken = 0
        self.closed = False

    def wake(self) -> None:
        self.woken += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def rooms() -> NotedRooms:
    return NotedRooms()


@pytest.fixture
def presence(rooms: NotedRooms) -> Iterator[Presence]:
    presence = Presence(rooms)
    rooms.watch(presence)
    yield presence
    presence.close()


def track(presence: Presence, topic: Topic, socket: Any, user: str = "ann") -> None:
    presence.track(topic, socket, user, {"of": user}, linger=0.05)


def test_who_comes_is_told(rooms: NotedRooms, presence: Presence) -> None:
    watcher: Any = Watcher()
    rooms.join(*LOBBY, watcher)
    track(presence, LOBBY, Watcher())
    assert presence.present(LOBBY) == {"ann": [{"of": "ann"}]}
    assert presence.present(MAIN) == {}
    wait_for(lambda: "lobby" in watcher.known, "the watcher gets the state")
    assert watcher.known["lobby"] == presence.present(LOBBY)


def test_what_is_returned_is_a_copy(presence: Presence) -> None:
    track(presence, LOBBY, Watcher())
    presence.present(LOBBY)["ann"][0]["of"] = "eve"
    assert presence.present(LOBBY) == {"ann": [{"of": "ann"}]}


def test_who_leaves_all_waits_and_who_leaves_a_room_does_not(
    rooms: NotedRooms, presence: Presence
) -> None:
    socket: Any = Watcher()
    for room in (None, "lobby", "hall"):
        rooms.join("/chat", room, socket)
        track(presence, ("/chat", room), socket)
    rooms.leave("/chat", "hall", socket)
    assert presence.present(("/chat", "hall")) == {}
    rooms.leave_all("/chat", socket)
    assert list(presence.present(LOBBY)) == list(presence.present(MAIN)) == ["ann"]
    wait_for(lambda: not presence.present(LOBBY), "the time is over")
    assert presence.present(MAIN) == {}
    assert presence.statistics() == (0, 0, 0)


def test_the_others_are_told_too(rooms: NotedRooms, presence: Presence) -> None:
    notes = presence.sharing = Notes()
    socket: Any = Watcher()
    rooms.join(*LOBBY, socket)
    assert notes.woken == 0
    for step in (1, 2, 3):
        if step == 3:
            presence.untrack(LOBBY, socket)
        else:
            track(presence, LOBBY, socket, str(step))
        assert notes.woken == step
    presence.untrack(LOBBY, socket)
    assert notes.woken == 3
    track(presence, LOBBY, socket)
    rooms.leave_all("/chat", socket)
    woken = notes.woken
    wait_for(lambda: notes.woken > woken, "the end of the time is told")
    presence.close()
    assert notes.closed


def test_nothing_runs_when_there_is_nothing_to_do(
    rooms: NotedRooms, presence: Presence, greenlets: Any
) -> None:
    socket: Any = Watcher()
    rooms.join(*LOBBY, socket)
    rooms.leave(*LOBBY, socket)
    assert greenlets() == []
    track(presence, LOBBY, socket)
    presence.untrack(LOBBY, socket)
    wait_for(lambda: greenlets() == [], "the greenlet ends")


def test_a_failure_does_not_end_presence(
    rooms: NotedRooms,
    presence: Presence,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = iter([RuntimeError("broken")])
    expire = presence.replica.expire

    def fail_once(now: float) -> None:
        for each in failures:
            raise each
        expire(now)

    monkeypatch.setattr(presence.replica, "expire", fail_once)
    watcher: Any = Watcher()
    rooms.join(*LOBBY, watcher)
    track(presence, LOBBY, Watcher())
    wait_for(lambda: "lobby" in watcher.known, "the watcher gets the state")
    assert "Presence failed" in caplog.text
