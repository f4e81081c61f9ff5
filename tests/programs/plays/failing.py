"""Handlers and jobs that fail."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Stage
from ..ways import NEW_WAYS, OLD_WAYS

ARGUMENTS_FIRST = "the arguments are checked before the handler and its decorator"
CLOSED = "a failure of recv_connect refuses the client, whoever catches it"

MISSING = (
    "on_divide",
    "FailingNamespace.on_divide() missing 1 required positional argument: 'b'",
)
REFUSED = '/failing error ["invalid_method_args", "on_divide misses \\"b\\""]'
FAILED = (
    '{"error": {"info": "on_divide misses \\"b\\"", "name": "invalid_method_args"}}'
)

DIFFERENCES = [
    *(
        Difference(
            "ann",
            [
                f'/failing failed ["{MISSING[0]}", "{MISSING[1]}"]',
                '/failing ack 3 ["failure"]',
            ],
            [REFUSED, f"/failing ack 3 [{ack}]"],
            ARGUMENTS_FIRST,
            ways,
        )
        for ways, ack in ((OLD_WAYS, "null"), (NEW_WAYS, FAILED))
    ),
    Difference("server", [": ".join(MISSING)], [], ARGUMENTS_FIRST),
    *(
        Difference(
            "ann",
            [
                "/strict connect",
                "/strict welcome []",
                '/strict failed ["recv_connect", "while connecting"]',
            ],
            [f"/strict refused {refusal}"],
            CLOSED,
            ways,
        )
        for ways, refusal in (
            (OLD_WAYS, "2"),
            (NEW_WAYS, "{'message': 'Internal server error'}"),
        )
    ),
    *(
        Difference(who, [line], [], "only 0.9 clients send error packets", NEW_WAYS)
        for who, line in (
            ("ann", '/failing sorry ["client not handshaken"]'),
            ("server", "the client says client not handshaken, reconnect"),
        )
    ),
]


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/failing", "")
    ann.ask("divide", 7, 2)
    ann.ask("divide", 7, 0)
    ann.ask("divide", 7)
    ann.ask("count", 1, 2, 3)
    ann.ask("background", 1, 2)
    ann.hear("failed")
    ann.emit("complain")
    ann.hear("error", at="")
    ann.complain("/failing")
    ann.ask("divide", 9, 3)
    ann.try_join("/strict")
    stage.noted("recv_connect: while connecting")
    ann.ask("divide", 9, 3)
