"""One with a cookie and a query, one without."""

from __future__ import annotations

import json

from ..differences import Difference
from ..stage import Stage
from ..ways import NEW_WAYS, WAYS

#: The page's query of each guest.
QUERIES = {"ann": ["page", "room"], "ben": []}

ONE_PATH = "1.x to 4.x have one path for all transports, with a query of their own"


def line(query: list[str], websocket: bool, **values: object) -> str:
    """The ack of the third question."""
    answer = {"query": sorted(query), "websocket": websocket, **values}
    return f"/visits ack 3 [{json.dumps(answer, sort_keys=True)}]"


DIFFERENCES = [
    Difference(
        who,
        [line(query, True, path=["1", "websocket"], session=True)],
        [line([*query, "EIO", "transport"], False, path=[], session=False)],
        ONE_PATH,
        NEW_WAYS,
    )
    for who, query in QUERIES.items()
] + [
    Difference(
        who,
        [line(query, True, path=["1", "websocket"], session=True)],
        [line(query, False, path=["1", "xhr-polling"], session=True)],
        "it is another transport",
        [each for each in WAYS if each.endswith("xhr-polling")],
    )
    for who, query in QUERIES.items()
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/visits", query="room=red&page=1", cookie="user=ann; b=2")
    ben = stage.guest("ben", "/visits")
    for each in (ann, ben):
        each.hear("welcome")
        each.ask("request")
        each.ask("environ")
        each.ask("transport")
