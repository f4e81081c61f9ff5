"""One client in the main namespace, one in the other only."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage
from ..ways import NEW_WAYS, OLD_WAYS

ASKED = "clients 3.x and 4.x connect to the main namespace as to others"

AT_ONCE = "clients 0.9 are admitted to the main namespace when they are connected"
ALONE, BOTH = "private, beside ['/private']", "private, beside ['', '/private']"

DIFFERENCES = [
    Difference(
        "server",
        ["begins", ALONE],
        ["begins", "recv_connect", "begins", "recv_connect", BOTH],
        AT_ONCE,
        OLD_WAYS,
    ),
    Difference(
        "ben",
        ["/private connect"],
        ['/ hello [""]', "/private connect"],
        AT_ONCE,
        OLD_WAYS,
    ),
    Difference("server", ["begins"], ["begins", "recv_connect"], ASKED, NEW_WAYS),
    Difference("ben", ['/ heard ["to all"]'], [], ASKED, NEW_WAYS),
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "")
    ann.emit("click")
    ann.hear("clicks")
    ann.emit("click", 1, 2)
    ann.hear("clicks")
    ben = stage.guest("ben", "/private")
    ben.ask("ping")
    ann.emit("shout", "to all")
    ann.hear("heard")
    ann.join("/private")
    ann.ask("ping", at="/private")
    ann.quit()
    stage.noted("leaves after 2")
    ben.ask("ping")
