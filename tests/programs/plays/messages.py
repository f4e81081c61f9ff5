"""Texts and JSON, in a namespace and in the main one."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage
from ..ways import NEW_WAYS

NO_JSON = "clients 1.x to 4.x have one kind of message, which recv_message handles"

DIFFERENCES = [
    Difference(
        "ann",
        ['/echo message [{"key": [1, null]}]', '/echo got [{"key": [1, null]}]'],
        ["/echo message [\"echo {'key': [1, None]}\"]"],
        NO_JSON,
        NEW_WAYS,
    ),
    Difference(
        "server",
        ["json {'key': [1, None]}"],
        ["message {'key': [1, None]}"],
        NO_JSON,
        NEW_WAYS,
    ),
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/echo", "")
    for text in ("hello", "a:b::c", "ünïcödé ✓"):
        ann.send(text)
        ann.hear("message")
    ann.send({"key": [1, None]})
    ann.hear("message")
    ann.send("stressed", at="")
    ann.hear("message", at="")
    ann.send("bye")
    ann.hear("message")
    ann.answer()
    ann.hear("message")
