"""The steps of the chat."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/chat")
    ann.ask("nickname", "ann")
    ben = stage.guest("ben", "/chat")
    ben.ask("nickname", "ann")
    ben.ask("nickname", "ben")
    ann.hear("nicknames")
    ann.emit("enter", "kitchen")
    ann.hear("entered")
    ben.emit("enter", "kitchen")
    ann.hear("entered")
    ben.emit("user message", "soup?")
    ann.hear("msg_to_room")
    ben.hear("msg_to_room")
    ann.emit("leave room")
    ann.hear("left")
    ben.emit("user message", "nobody here")
    ben.hear("msg_to_room")
    ben.quit()
    stage.noted("ben has gone")
    ann.hear("announcement")
