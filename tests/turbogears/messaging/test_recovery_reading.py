"""What one client missed, of what is in the log that all processes share."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.hub.roomkeys import SocketRoom
from tgext.socketio.engine.recovery.kept import Kept
from tgext.socketio.engine.recovery.record import Position, Start
from tgext.socketio.engine.recovery.spans import Spans
from tgext.socketio.messaging.recovery.reading import Reading
from tgext.socketio.wire.socketio.packet import Packet, event_packet

START = Start(Position("there", 3, 10))
UNTIL = Position("here", 50, 40)

#: Messages as (number in the log, position of the sender, receivers), and what the
#: client gets of them, in its order. It has received all up to ``there-5-20``.
ROWS: dict[str, tuple[list[tuple[int, str, Any]], list[int]]] = {
    "of its process": ([(21, "there-5-20", "lobby"), (22, "there-6-20", "lobby")], [1]),
    "written twice": ([(21, "there-6-20", SocketRoom("sid"))] * 2, [1]),
    "late in the log": (
        [(21, "other-9-9", "lobby"), (22, "there-6-20", "lobby")],
        [1, 0],
    ),
    "of this process": (
        [(30, "here-50-30", "lobby"), (31, "here-51-30", "lobby")],
        [0],
    ),
    "of a room it is not in": ([(21, "there-6-20", "hall"), (22, "", "hall")], []),
    "of a script": ([(21, "", None)], [0]),
}


@pytest.mark.parametrize(("sent", "got"), ROWS.values(), ids=ROWS)
def test_what_a_client_gets(sent: list[tuple[int, str, Any]], got: list[int]) -> None:
    spans = Spans(3)
    for each in (None, "lobby", SocketRoom("sid")):
        spans.begin(each, 3, 10)
    kept = Kept(None, "sid", START, 3, spans, {}, {}, False)
    reading = Reading(kept, Position("there", 5, 20), UNTIL)
    for count, (number, position, receivers) in enumerate(sent):
        packet: Packet = event_packet("/chat", "said", (count,))
        if position:
            packet["position"] = position
        reading.take(number, packet, receivers, late=False)
    assert [packet["args"][0] for _, packet in reading.found()] == got


def test_what_this_process_hears_later_is_left_to_it() -> None:
    spans = Spans(3)
    spans.begin(None, 3, 10)
    kept = Kept(None, "sid", START, 3, spans, {}, {}, False)
    reading = Reading(kept, Position("there", 5, 20), UNTIL)
    reading.take(45, event_packet("/chat", "said", (1,)), None, late=True)
    assert reading.found() == []
