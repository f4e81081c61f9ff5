"""Namespaces come and go."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage

BEGINS = [
    "/control begins beside []",
    "/feed begins beside ['/control']",
    "/admin begins beside ['/control', '/feed']",
]
ONCE = "an inherited initialize is called for the class that defines it alone"
AGAIN = "/feed begins beside ['/control']"

DIFFERENCES = [
    Difference(
        "server", [line for each in BEGINS for line in (each, each)], BEGINS, ONCE
    ),
    Difference("server", ["/admin ends", AGAIN, AGAIN], ["/admin ends", AGAIN], ONCE),
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/control")
    ann.ask("push", "/feed", 1)
    ann.join("/feed")
    ann.ask("push", "/feed", 2)
    ann.join("/admin")
    ann.hear("ready", at="/admin")
    ann.emit("restart", at="/admin")
    ann.hear("error", at="/admin")
    ann.ask("grant", "on_restart")
    ann.emit("restart", at="/admin")
    ann.hear("pushed", at="/feed")
    ann.emit("close", "/feed")
    ann.hear("closed")
    ann.emit("restart", at="/admin")
    ann.hear("restarting", at="/admin")
    ann.leave("/admin")
    stage.noted("/admin ends")
    ann.ask("push", "/admin", 3)
    ann.join("/feed")
    ann.emit("ping", 4, at="/feed")
    ann.hear("pong", at="/feed")
    ann.quit()
    stage.noted("/feed ends")
