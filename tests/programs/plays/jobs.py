"""A client gets more rights, and runs jobs."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/jobs")
    ann.hear("please_log_in")
    ann.emit("run", "early")
    ann.hear("error")
    ann.ask("login", "operator")
    ann.ask("run", "build")
    ann.hear("started")
    ann.emit("finish", "build")
    ann.hear("error")
    ann.ask("login", "admin")
    ann.ask("forbid", "on_run")
    ann.ask("finish", "build")
    for name in ("test", "package", "deploy"):
        ann.ask("run", name)
        ann.hear("started")
    ann.emit("cancel", "test")
    stage.noted("test was killed")
    ann.hear("cancelled")
    ann.ask("restart")
    stage.noted("deploy was killed")
    ann.ask("run", "nightly")
    ann.hear("started")
    ann.ask("logout")
    ann.emit("run", "late")
    ann.hear("error")
    ann.emit("nothing")
    ann.hear("error")
    ann.quit()
    stage.noted("nightly was killed")
