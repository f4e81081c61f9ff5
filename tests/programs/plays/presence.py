"""Clients go in all ways there are."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/presence")
    ann.emit("login", "ann")
    ann.hear("online")
    for name in ("leaver", "quitter", "kicked", "vanished"):
        each = stage.guest(name, "/presence")
        each.emit("login", name)
        each.hear("online")
        ann.hear("online")
        if name == "leaver":
            # A 0.9 client stays connected here. With gevent-socketio it comes back into
            # the namespace that it has left.
            each.leave()
        elif name == "quitter":
            each.quit()
        elif name == "kicked":
            ann.emit("kick", name)
            each.parted()
            each.ended()
        else:
            stage.vanish(each)
        ann.hear("offline")
    ann.emit("login", "ann")
    ann.hear("online")
