"""What a process keeps for clients that have gone is limited."""

from __future__ import annotations

import pytest

from .test_recovery import Open, join, live, open_

__all__ = ["live", "open_"]  # fixtures

KB = 1000


@pytest.mark.parametrize(("messages", "recovered"), [(6, True), (12, False)])
def test_as_much_is_kept_as_the_option_says(
    open_: Open, messages: int, recovered: bool
) -> None:
    live = open_(max_recovery_log=16 * KB)
    ann, bob = join(live).cut(), join(live)
    for number in range(messages):
        bob.shout(number, "x" * KB)
    back = ann.back()
    assert back.recovered == recovered
    if recovered:
        assert [each[1] for each in back.events(messages)] == list(range(messages))


def test_who_went_later_is_not_concerned(open_: Open) -> None:
    live = open_(max_recovery_log=16 * KB)
    ann, bob = join(live), join(live)
    for number in range(12):
        bob.shout(number, "x" * KB)
    ann.events(12)
    ann.cut()
    bob.shout("last")
    back = ann.back()
    assert back.recovered
    assert back.event() == ["shouted", "last"]


def test_another_namespace_has_a_log_of_its_own(open_: Open) -> None:
    live = open_(max_recovery_log=16 * KB)
    ann, bob = join(live).cut(), join(live)
    noise = live.websocket_5()
    noise.send("40/noise")
    assert noise.read()["type"] == "connect"
    assert noise.event("/noise")[0] == "welcome"
    for _ in range(12):
        noise.emit("/noise", "shout", "x" * 2 * KB)
        assert noise.event("/noise")[0] == "shouted"
    bob.shout("once")
    back = ann.back()
    assert back.recovered
    assert back.event() == ["shouted", "once"]
