"""Texts and JSON, in a namespace and in the main one."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/echo", "")
    for text in ("hello", "a:b::c", "ünïcödé ✓"):
        ann.send(text)
        ann.hear("message")
    ann.send("stressed", at="")
    ann.hear("message", at="")
    ann.send("bye")
    ann.hear("message")
    ann.answer()
    ann.hear("message")
