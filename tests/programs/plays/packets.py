"""Every shape of `args`, and packets of every type."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/packets", "")
    ann.emit("shapes")
    ann.hear("shape 9")
    ann.emit("bare")
    ann.hear("bare")
    ann.emit("main")
    ann.hear("main", at="")
    ann.emit("reply", 1, [2, 3], {"four": 5})
    ann.hear("reply")
    ann.ask("reply", "x")
    ann.emit("message", "a:b:c")
    ann.hear("message")
    ann.emit("json", {"a": [1, None]})
    ann.hear("message")
    ann.emit("ack", 77)
    ann.acked(77)
