"""Three clients in two namespaces each."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann, ben, eve = [
        stage.guest(name, "/talk", "/login") for name in ("ann", "ben", "eve")
    ]
    ann.ask("who")
    ann.ask("nickname", "ann", at="/login")
    ann.ask("who")
    ben.ask("nickname", "ann", at="/login")
    ben.ask("nickname", "ben", at="/login")
    eve.ask("nickname", "eve", at="/login")
    for each in (ann, ben, eve):
        each.ask("enter", "hall")
    ben.emit("say", "hello")
    ann.hear("said")
    eve.hear("said")
    ann.ask("tell", "ben", "psst")
    ben.hear("told")
    ann.ask("tell", "bob", "psst")
    eve.ask("exit")
    ann.emit("say", "is eve gone?")
    ben.hear("said")
    eve.emit("forget", at="/login")
    eve.ask("who")
    eve.quit()
    stage.noted("anonymous leaves None")
    ben.quit()
    stage.noted("ben leaves hall")
    ann.ask("who")
