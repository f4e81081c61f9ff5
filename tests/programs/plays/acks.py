"""A client that answers, at once, late, twice and in another order."""

from __future__ import annotations

from ..stage import Stage

KINDS = (
    "nothing",
    "number",
    "tuple",
    "one",
    "empty",
    "list",
    "dict",
    "false",
    "text",
)


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/acks")
    for kind in KINDS:
        ann.ask("give", kind)
    for answer in ((), ("blue",), (1, [2], {"three": None})):
        ann.emit("question", "what?")
        ann.hear("question")
        ann.answer(*answer)
        ann.hear("thanks")
    ann.emit("quiz", ["a", "b", "c"])
    for answer in (1, None, {"c": 3}):
        ann.hear("quiz")
        ann.answer(answer)
    ann.hear("quiz done")
    ann.emit("many", 3)
    asked = [ann.heard("number") for _ in range(3)]
    for number in (2, 0, 1):
        ann.answer(f"answer {number}", to=asked[number])
    ann.answer("again", to=asked[0])
    stage.noted("1: answer 1")
    ann.ask("later", "x")
    ann.hear("later")
    ann.answer("y", "z")
    ann.hear("was")
