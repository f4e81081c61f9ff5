"""Two readers of several topics."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/news")
    ben = stage.guest("ben", "/news")
    for reader, topic in ((ann, "sports"), (ben, "sports"), (ben, "music")):
        reader.emit("subscribe", topic)
        reader.hear("subscribed")
    ann.ask("publish", "sports", {"text": "3:1", "of": ["a", None]})
    ann.hear("news")
    ben.hear("news")
    ann.ask("publish", "music", "Größe ✓")
    ben.hear("news")
    ben.emit("unsubscribe")
    stage.noted("no listener of music any more")
    ann.ask("publish", "music", 1)
    stage.vanish(ann)
    stage.noted("no listener of sports any more")
    ben.ask("publish", "sports", 2)
