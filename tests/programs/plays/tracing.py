"""Packets of all types."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage
from ..ways import NEW_WAYS

DIFFERENCES = [
    Difference(
        "server",
        ["packet message None"],
        ["packet event message"],
        "clients 1.x to 4.x have no messages without a name",
        NEW_WAYS,
    ),
    Difference(
        "server",
        ["check recv_disconnect()"],
        [],
        "no ACL keeps the clean-up from running",
    ),
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/switch", "/tracing")
    ann.emit("ask", 1, at="/tracing")
    ann.hear("question", at="/tracing")
    ann.answer(2)
    ann.hear("thanks", at="/tracing")
    ann.emit("no entry", at="/tracing")
    ann.hear("error", at="/tracing")
    ann.send("text", at="/tracing")
    ann.hear("message", at="/tracing")
    ann.ask("sum", [1, 2])
    ann.ask("v1:sum", 3, 4)
    ann.emit("v2:sum", 5)
    ann.hear("error")
    ann.leave("/tracing")
    stage.noted("called recv_disconnect: None")
    ann.ask("sum", [6])
