"""Rooms are joined, left, and changed in the session."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage

DIFFERENCES = [
    Difference(
        "ben",
        ['/rooms ack 3 ["not in it"]'],
        ["/rooms ack 3 [[]]"],
        "who leaves a room twice is out of it: there is nothing to complain about",
    )
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/rooms")
    ben = stage.guest("ben", "/rooms")
    eve = stage.guest("eve", "/rooms", "/other")
    for each in (ann, ben, eve):
        each.ask("join", "red")
    eve.ask("join", "red", at="/other")
    ann.emit("say", "red", "one", 1)
    for each in (ben, eve):
        each.hear("said")
    ann.hear("sent")
    ben.ask("leave", "red")
    ben.ask("leave", "red")
    ann.emit("say", "red", "two")
    eve.hear("said")
    ben.ask("only", "blue")
    ann.ask("add", "blue")
    ann.ask("members", "blue")
    ann.emit("say", "blue", "three")
    ben.hear("said")
    ben.emit("say", "blue", "four")
    ann.hear("said")
    ann.emit("throw out", "blue")
    for each in (ann, ben, eve):
        each.hear("thrown out")
    ann.emit("say", "blue", "five")
    ann.hear("sent")
    ann.ask("members", "blue")
    ben.ask("join", "green")
    eve.emit("say", "red", "six", at="/other")
    eve.hear("sent", at="/other")
    for each in (ann, ben, eve):
        each.ask("members", "red")
