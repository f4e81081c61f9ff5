"""One with a token, one with a wrong one, one without."""

from __future__ import annotations

from ..stage import Stage


def play(stage: Stage) -> None:
    ann = stage.guest("ann", "/job_events", cookie='token="t-ann"')
    ann.hear("connected")
    ann.emit("job", 7)
    ann.hear("job 7")
    ann.join("/ad_hoc")
    ann.hear("connected", at="/ad_hoc")
    ann.emit("job", 8, at="/ad_hoc")
    ann.hear("error", at="/ad_hoc")
    for name, cookie in (("liar", "token=t-eve"), ("nobody", "other=1")):
        each = stage.guest(name, "/job_events", cookie=cookie)
        stage.noted("refused")
        each.parted()
        each.ended()
