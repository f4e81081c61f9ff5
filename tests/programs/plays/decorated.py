"""Each decorator."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/decorated")
    ann.hear("ready")
    ann.ask("count")
    ann.ask("alias")
    ann.ask("store", "ben", 2)
    ann.ask("delete", "wrong", "ben")
    ann.ask("rename", "secret", "ben", "bob")
    ann.ask("delete", "secret", "bob")
    ann.ask("raw", 1, [2])
    ann.ask("raw")
    ann.ask("person", {"first": "Ada", "last": "L"})
    ann.ask("person", {"last": "L"}, "extra")
