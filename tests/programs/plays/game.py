"""Two players; one loses, one leaves."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage

DIFFERENCES = [
    Difference(
        "ann",
        ["/game ack 3 [2]"],
        ["/game ack 3 [1]"],
        "jobs that have ended are not kept: a client may begin any number",
    )
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/game")
    ben = stage.guest("ben", "/game")
    ann.ask("start", "ann")
    ann.hear("frame")
    for step in ("right", "down"):
        ann.emit("move", step)
        ann.hear("frame")
    ann.emit("move", "sideways")
    ann.hear("error")
    ben.ask("start", "ben", {"size": 10})
    ben.hear("frame")
    ann.emit("move", "right")
    ann.hear("lost")
    ben.hear("lost")
    stage.noted("the loop of ann ends")
    ann.ask("start", "ann")
    ann.hear("frame")
    ann.ask("stop")
    stage.noted("the loop of ann ends")
    ben.emit("move", "up")
    ben.hear("frame")
    ben.quit()
    stage.noted("the loop of ben ends")
    ann.ask("start", "again")
    ann.hear("frame")
