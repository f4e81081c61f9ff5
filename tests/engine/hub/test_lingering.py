"""The last packets of polling connections that ended."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.hub import lingering as module
from tgext.socketio.engine.hub.lingering import Lingering

from .timers import Timers

BOUND = 100


class Transport:
    """A transport that has ended, with packets that were not fetched."""

    def __init__(self, number: int, size: int) -> None:
        self.sessid = str(number)
        self.unfetched = size

    def drop(self) -> None:
        self.unfetched = 0


class Keeping(RuleBasedStateMachine):
    """The model is a list of what is kept, oldest first, with times and sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(module, "MOST", BOUND)
        self.timers = Timers()
        timers: Any = self.timers
        self.lingering = Lingering(timers)
        self.model: list[tuple[Transport, float, int]] = []
        self.gone: list[Transport] = []

    def teardown(self) -> None:
        self.patch.undo()

    @rule(size=st.integers(0, 60), seconds=st.integers(1, 5))
    def end_session(self, size: int, seconds: int) -> None:
        transport = Transport(len(self.model) + len(self.gone), size)
        self.lingering.add(transport, seconds)
        self.model.append((transport, self.timers.now + seconds, size))
        while sum(size for *_, size in self.model) > BOUND:
            oldest = self.model.pop(0)[0]
            assert oldest.unfetched == 0
            self.gone.append(oldest)

    @rule(data=st.data())
    def fetch(self, data: st.DataObject) -> None:
        """Its size has become smaller than it was when it was added."""
        if self.model:
            found = data.draw(st.sampled_from(self.model))
            found[0].unfetched = 0
            self.lingering.remove(found[0])
            self.model.remove(found)
            self.gone.append(found[0])

    @rule(data=st.data())
    def fetch_again(self, data: st.DataObject) -> None:
        if self.gone:
            self.lingering.remove(data.draw(st.sampled_from(self.gone)))

    @rule(seconds=st.integers(1, 3))
    def wait(self, seconds: int) -> None:
        self.timers.advance(seconds)
        late = [each[0] for each in self.model if each[1] <= self.timers.now]
        assert not any(each.unfetched for each in late)
        self.gone += late
        self.model = [each for each in self.model if each[1] > self.timers.now]

    @rule()
    def stop(self) -> None:
        self.lingering.clear()
        self.gone += [each[0] for each in self.model]
        self.model = []

    @invariant()
    def keeps_what_the_model_keeps(self) -> None:
        assert len(self.lingering) == len(self.timers) == len(self.model)
        assert self.lingering.size == sum(size for *_, size in self.model)
        for transport, *_ in self.model:
            assert self.lingering.get(transport.sessid) is transport
        for transport in self.gone:
            assert self.lingering.get(transport.sessid) is None


TestKeeping = Keeping.TestCase
TestKeeping.settings = machine_settings(100, 50)
