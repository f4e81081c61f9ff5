"""One client sets what others see."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/monitor")
    ann.hear("reading")
    ben = stage.guest("ben", "/monitor")
    ben.hear("reading")
    for value in (1, 2, {"user": 50, "system": 12.5}):
        ann.emit("set", "cpu", value)
        ann.hear("reading")
        ben.hear("reading")
    stage.vanish(ben)
    stage.noted("nobody watches")
    ann.emit("set", "disk", "99 %")
    ann.hear("reading")
    ann.quit()
    stage.noted("nobody watches")
