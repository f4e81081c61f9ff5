"""Two listeners; one goes without a word, one hears the end of the programme."""

from __future__ import annotations

from ..stage import Stage

#: gevent-socketio kills the handlers of a client that is gone at once.
OPTIONS = {"heartbeat_interval": 0.2, "shutdown_timeout": 0.1}


def play(stage: Stage) -> None:
    host = stage.guest("host", "/studio")
    host.ask("play", "Intro")
    ann = stage.guest("ann", "/radio")
    ann.emit("listen", "ann")
    ann.hear("playing")
    ben = stage.guest("ben", "/radio")
    ben.emit("listen", "ben")
    ben.hear("playing")
    host.ask("play", "Waltz")
    ann.hear("song")
    ben.hear("song")
    stage.vanish(ben)
    stage.noted("ben is gone, 1 left")
    host.ask("play", "Tango")
    ann.hear("song")
    host.ask("play", None)
    stage.noted("ann is gone, 0 left")
    ann.emit("listen", "ann again")
    ann.hear("playing")
