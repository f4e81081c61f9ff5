"""Guests are sent away in all ways, and their connections end."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage
from ..ways import NEW_WAYS, OLD_WAYS

GUESTS = ("ann", "boot", "drop", "close")
GREETING = '/salon connect [{"motd": "be kind"}]'
CONNECTED = "/salon connect"

DIFFERENCES = [
    *(
        Difference(
            who,
            [GREETING, CONNECTED],
            [CONNECTED, GREETING],
            "until a client is admitted, it receives nothing",
            OLD_WAYS,
        )
        for who in GUESTS
    ),
    *(
        Difference(
            who,
            [GREETING],
            [],
            "connect is an event of the clients' own, and would be an error for 4.x",
            NEW_WAYS,
        )
        for who in GUESTS
    ),
    Difference(
        "close",
        ['/salon entered ["close"]'],
        ['/salon entered ["close"]', "/salon disconnect"],
        "a later client that was not told would come back",
        NEW_WAYS,
    ),
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/salon")
    ann.emit("enter", "ann")
    ann.hear("entered")
    for way in ("boot", "drop", "close"):
        each = stage.guest(way, "/salon")
        each.emit("enter", way)
        each.hear("entered")
        ann.emit(way, way)
        each.ended()
        stage.noted(f"{way} goes")
    ann.emit("go")
    ann.hear("goodbye")
    ann.ended()
