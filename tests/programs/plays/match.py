"""Two matches: one is left, one of the waiting goes."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage

DIFFERENCES = [
    Difference(
        "server",
        ["ben goes", "eve goes"],
        ["ben goes", "ann goes", "eve goes"],
        "recv_disconnect is called whoever ends the connection, so that it cleans up",
    )
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/match")
    ann.emit("play", "ann")
    ann.hear("wait")
    ben = stage.guest("ben", "/match")
    ben.emit("play", "ben")
    for each in (ann, ben):
        each.hear("start")
    ann.emit("mark", 4)
    ben.hear("marked")
    ann.emit("mark", 3)
    ann.hear("invalid")
    ben.emit("mark", 0)
    ann.hear("marked")
    ben.hear("marked")
    eve = stage.guest("eve", "/match")
    eve.emit("play", "eve")
    eve.hear("wait")
    ben.quit()
    stage.noted("ben goes")
    ann.hear("aborted")
    ann.parted()
    ann.ended()
    eve.quit()
    stage.noted("eve goes")
    bob = stage.guest("bob", "/match")
    bob.emit("play", "bob")
    bob.hear("wait")
