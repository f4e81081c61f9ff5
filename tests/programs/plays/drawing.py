"""Two draw, one comes later."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/draw")
    ann.hear("complete")
    ben = stage.guest("ben", "/draw")
    ben.hear("complete")
    ann.hear("newcomer")
    ann.emit("draw", {"from": [0, 0], "to": [1.5, -2], "color": "#fff"})
    ben.hear("draw")
    ben.emit("cursor", 3, 4)
    ann.hear("cursor")
    eve = stage.guest("eve", "/draw")
    eve.hear("complete")
    for each in (ann, ben):
        each.hear("newcomer")
    eve.emit("draw", [[0, 0], [1, 1]])
    for each in (ann, ben):
        each.hear("draw")
    ben.emit("clear")
    for each in (ann, ben, eve):
        each.hear("clear")
