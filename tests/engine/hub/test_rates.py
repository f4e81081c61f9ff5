"""Moving windows, with time as an argument, and compared with a model."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.wire.strategies import examples
from tgext.socketio.engine.hub.rates import Rate, Users, Window, Windows


def test_a_window_moves() -> None:
    window = Window(Rate(2, 10.0))
    assert [window.take(now) for now in (0.0, 9.0, 9.5)] == [0.0, 0.0, 0.5]
    # A window that began anew at 10 s would let three through between 9 s and 11 s.
    assert [window.take(now) for now in (10.0, 11.0)] == [0.0, 8.0]
    assert window.take(19.0) == 0.0


def test_what_is_refused_does_not_count() -> None:
    window = Window(Rate(1, 1.0))
    window.take(0.0)
    assert all(window.take(tenth / 10) > 0 for tenth in range(10))
    assert window.take(1.0) == 0.0


class AgainstAModel(RuleBasedStateMachine):
    """A window allows an event if fewer than ``amount`` were in the seconds before."""

    @initialize(amount=st.integers(1, 6), seconds=st.integers(1, 8))
    def begin(self, amount: int, seconds: int) -> None:
        self.amount, self.seconds = amount, seconds
        self.window = Window(Rate(amount, seconds))
        self.now = 1000.0
        self.allowed: list[float] = []

    def recent(self, now: float) -> list[float]:
        return [each for each in self.allowed if each > now - self.seconds]

    @rule(quarters=st.integers(0, 40))
    def wait(self, quarters: int) -> None:
        self.now += quarters / 4

    @rule()
    def event(self) -> None:
        recent = self.recent(self.now)
        wait = self.window.take(self.now)
        if len(recent) < self.amount:
            assert wait == 0
            self.allowed.append(self.now)
        else:
            # There is room when it has passed, and not before.
            assert wait > 0
            assert len(self.recent(self.now + wait)) < self.amount
            assert len(self.recent(self.now + wait - 0.25)) == self.amount

    @rule()
    def look(self) -> None:
        assert self.window.is_empty(self.now) == (not self.recent(self.now))


AgainstAModel.TestCase.settings = settings(
    max_examples=examples(60), stateful_step_count=40, deadline=None
)
TestAgainstAModel = AgainstAModel.TestCase


def test_each_limit_has_windows_of_its_own() -> None:
    windows = Windows()
    rates = (Rate(1, 1.0), Rate(3, 60.0))
    for window in windows.of(1, rates):
        window.add(0.0)
    assert [each.wait(0.5) for each in windows.of(1, rates)] == [0.5, 0.0]
    assert [each.wait(0.5) for each in windows.of(2, rates)] == [0.0, 0.0]
    assert [windows.is_empty(now) for now in (59.0, 60.0)] == [False, True]


@pytest.mark.parametrize("busy", [0, 500])
def test_users_are_forgotten_when_their_windows_are_empty(busy: int) -> None:
    users, rates = Users(), (Rate(5, 10.0),)
    for number in range(busy):
        users.of(("busy", number), 0.0).of(1, rates)[0].add(10_000.0)
    for number in range(5000):
        now = float(number)
        users.of(number, now).of(1, rates)[0].take(now)
    assert len(users) <= 2 * busy + Users.FEW
    assert users.of(4999, 5000.0).of(1, rates)[0].is_empty(5000.0) is False
