"""Two who listen, one goes."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/ticker")
    stage.noted("the feed begins")
    ann.emit("quote", "ABC", 1.25)
    ann.hear("quote")
    ben = stage.guest("ben", "/ticker")
    ben.emit("quote", "DEF", 100)
    ann.hear("quote")
    ben.hear("quote")
    ben.quit()
    ann.emit("quote", "ABC", 1)
    ann.hear("quote")
    ann.emit("close")
    stage.noted("the feed ends")
