"""Who is connected, as processes tell it; ``command/test_main.py`` asks real ones."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.messaging.roll import MOST, Entry, Roll, read_roll, write_roll


class Member:
    """A socket."""

    generation = SimpleNamespace(name="0.9")
    transport: Any = None
    ended = False

    def __init__(self, name: str, user: str | None = None) -> None:
        self.name = name
        self._tgsio_user = user

    def _tgsio_id_in(self, endpoint: str) -> str:
        return f"{self.name} in {endpoint}"


def rooms_of(*members: Member) -> Rooms:
    rooms = Rooms(Batcher())
    for each in members:
        rooms.join("/chat", None, each)
    return rooms


def test_what_is_written_is_read() -> None:
    polling = Member("b", "ada")
    polling.transport = SimpleNamespace(name="polling")
    known = [rooms_of(Member("a")), rooms_of(polling)]
    answer = json.loads(json.dumps(write_roll(known, "/chat", None)))
    assert read_roll({"p2": answer, "p1": {"count": 0, "sockets": []}}) == Roll(
        2,
        [
            Entry("a in /chat", "", "0.9", "", "p2"),
            Entry("b in /chat", "ada", "0.9", "polling", "p2"),
        ],
        2,
    )


def test_the_list_is_limited_and_the_count_is_not() -> None:
    rooms = rooms_of(*(Member(str(each), "u" * 1000) for each in range(MOST + 1)))
    answer = write_roll([rooms], "/chat", None)
    assert answer["count"] == MOST + 1
    assert len(answer["sockets"]) == MOST
    assert len(json.dumps(answer)) < MOST * 300


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"count": 1},
        {"count": True, "sockets": []},
        {"count": "1", "sockets": []},
        {"count": 1, "sockets": [["a", "b", "c"]]},
        {"count": 1, "sockets": [["a", "b", "c", 4]]},
        {"count": 1, "sockets": ["abcd"]},
    ],
)
def test_an_answer_that_is_invalid_is_left_out(answer: Any) -> None:
    good = {"count": 1, "sockets": []}
    assert read_roll({"p1": answer, "p2": good}) == Roll(1, [], 1)
