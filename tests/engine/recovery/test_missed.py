"""What a client missed, encoded for it."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.engine.recovery.missed import MissedPackets
from tgext.socketio.engine.recovery.record import Position
from tgext.socketio.engine.recovery.spans import Spans
from tgext.socketio.wire import json
from tgext.socketio.wire.socketio.generations import SOCKETIO_5
from tgext.socketio.wire.socketio.packet import event_packet

from .records import ListRecord


class Journal(ListRecord):
    endpoint = "/chat"
    most = 1000


class Connection:
    generation = SOCKETIO_5
    json_dumps = staticmethod(json.dumps)


CLIENT: Any = Connection()


@pytest.fixture
def journal() -> Any:
    journal = Journal()
    for number, room in enumerate(("a", "b", "a", None), 1):
        packet = event_packet("/chat", "said", (number,))
        journal.append(room, packet, Selection((room,)))
    return journal


def there(*rooms: Any) -> Spans:
    spans = Spans(0)
    for each in rooms:
        spans.begin(each, 0)
    return spans


def texts(missed: MissedPackets, *left: Any) -> list[str]:
    return [each.text for each in missed.take(left)]


def test_it_is_there_once_and_in_order(journal: Any) -> None:
    missed = MissedPackets(journal, Position("epoch", 0))
    assert missed.find(there("a", None), CLIENT)
    assert texts(missed) == [
        f'42/chat,["said",{number},"epoch-{number}"]' for number in (1, 3, 4)
    ]
    assert missed.read == Position("epoch", 4)
    assert missed.find(there("a", None), CLIENT)
    assert texts(missed) == []


def test_rooms_that_were_left_since_are_left_out(journal: Any) -> None:
    missed = MissedPackets(journal, Position("epoch", 0))
    assert missed.find(there("a", None), CLIENT)
    assert len(texts(missed, "a")) == 1


@pytest.mark.parametrize(
    "after", [Position("epoch", 5), Position("other", 1)], ids=["later", "elsewhere"]
)
def test_positions_that_never_were(journal: Any, after: Position) -> None:
    assert not MissedPackets(journal, after).find(there("a"), CLIENT)


def test_too_much(journal: Any) -> None:
    packet = event_packet("/chat", "said", ("x" * 1000,))
    journal.append("a", packet, Selection(("a",)))
    assert not MissedPackets(journal, Position("epoch", 0)).find(there("a"), CLIENT)


def test_a_log_that_lacks_something(journal: Any) -> None:
    journal.complete = False
    assert not MissedPackets(journal, Position("epoch", 0)).find(there("a"), CLIENT)
