"""Three players; the second leaves, and a fourth takes its color."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/board")
    ann.hear("joined")
    ben = stage.guest("ben", "/board")
    eve = stage.guest("eve", "/board")
    for each in (ann, ben, eve):
        each.emit("put", 0, 0)
        each.ask("score")
    ben.ask("put", 0, 0)
    ben.emit("put", 1, 0)
    for each in (ann, ben, eve):
        each.hear("put")
        each.ask("score")
    ben.quit()
    stage.noted("green goes, 2 left")
    ann.hear("gone")
    eve.hear("gone")
    bob = stage.guest("bob", "/board")
    bob.hear("you are")
    bob.ask("score")
    ann.emit("surrender")
    for each in (ann, bob, eve):
        each.hear("cleared")
