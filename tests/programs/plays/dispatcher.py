"""All that the extension can do."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/test")
    ann.hear("my response")
    ben = stage.guest("ben", "/test")
    ben.hear("my response")
    ann.emit("my event", {"data": "one"})
    ann.hear("my response")
    ann.emit("my broadcast event", {"data": "all"})
    ben.hear("my response")
    ben.ask("others", {"data": "others"})
    ann.hear("my response")
    ann.hear("my response")
    ann.ask("join", {"room": "red"})
    ben.ask("join", {"room": "red"})
    ben.ask("join", {"room": "blue"})
    ann.emit("my room event", {"room": "red", "data": "to red"})
    ann.hear("my response")
    ben.hear("my response")
    ann.ask("leave", {"room": "red"})
    ben.emit("my room event", {"room": "red", "data": "to red again"})
    ben.hear("my response")
    ben.send("hello")
    ben.hear("message")
    ben.ask("odd:name", 1, [2], {"three": 3})
    ben.ask("unknown", 1)
    ben.emit("my event", {"data": "two"})
    ben.hear("my response")
    ben.leave()
    stage.noted("disconnected after 1 events")
    ann.emit("my room event", {"room": "red", "data": "nobody"})
    ann.emit("my event", {"data": "end"})
    ann.hear("my response")
