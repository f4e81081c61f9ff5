"""Output, compared with a model: nothing is lost, doubled or reordered, except when a
slow client is disconnected, which happens within limits of time and memory."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.concurrency.timetable import Entry, Timetable
from tgext.socketio.engine.io.backlog import BURST, Backlog, OutputBounds
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.engine.io.output import SocketOutbox
from tgext.socketio.engine.transports.outbox import PollingOutbox
from tgext.socketio.wire.socketio.encoded import Encoded
from tgext.socketio.wire.websocket.frames import FrameReader

LIMIT = 1000
PATIENCE = 10.0


class Clock:
    """A clock with timers, whose time passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.table = Timetable()

    def add(self, entry: Entry, delay: float) -> None:
        self.table.add(entry, delay, self.now)

    def discard(self, entry: Entry) -> None:
        self.table.discard(entry)

    def pass_by(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.table.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            for entry in self.table.take_due(self.now):
                delay = entry.on_timer(self.now)
                if delay is not None:
                    self.add(entry, delay)
        self.now = end


class Kernel:
    """A socket whose buffer accepts as many bytes as the test says."""

    def __init__(self) -> None:
        self._sock = self
        self.room = 0
        self.taken = b""

    def send(self, data: bytes) -> int:
        if not self.room:
            raise BlockingIOError
        count = min(self.room, len(data))
        self.room -= count
        self.taken += bytes(data[:count])
        return count


class Ready(SocketOutbox):
    """An outbox whose kernel is writable when the test says so."""

    __slots__ = ()

    def _begin_watch(self) -> None:
        self._watched()
        self.forgive()

    def can_be_written(self) -> None:
        if self._chunks:
            self._writable()


sizes = st.one_of(st.integers(1, 300), st.integers(300, 3 * LIMIT))


class Output(RuleBasedStateMachine):
    """A client that polls, may upgrade, and reads some output now and then."""

    @initialize(polls=st.booleans())
    def begin(self, polls: bool) -> None:
        self.clock = Clock()
        self.bounds = OutputBounds(LIMIT, PATIENCE, self.clock, lambda: self.clock.now)
        self.overflows: list[str] = []
        self.kernel = Kernel()
        self.count = 0
        self.waiting: deque[str] = deque()
        self.got: list[str] = []
        self.expected: list[str] = []
        self.largest = 0
        #: The server's own unsent output, which has no separate limit.
        self.own = 0
        self.upgraded = False
        self.outbox: Any
        if polls:
            self.outbox = PollingOutbox(self.bounds, self.overflows.append)
        else:
            self.outbox = self.socket()
        #: When the client last took output, or when output began to wait for it.
        self.taken_at = self.clock.now
        self.read = FrameReader(10**9, masked=False)
        self.seen = 0

    def socket(self) -> Ready:
        sock: Any = self.kernel
        return Ready(sock, Batcher(), self.bounds, self.overflows.append)

    def message(self, size: int) -> Encoded:
        text = f"{self.count}:".ljust(size, "x")
        self.count += 1
        if not self.outbox.closed:
            self.expected.append(text)
        return Encoded(text)

    @property
    def polls(self) -> bool:
        return isinstance(self.outbox, PollingOutbox)

    @rule(size=sizes)
    def broadcast(self, size: int) -> None:
        self.largest = max(self.largest, size + 10)
        if self.outbox.size <= LIMIT + self.own:
            self.taken_at = max(self.taken_at, self.clock.now)
        self.outbox.send(self.message(size))

    @precondition(lambda self: self.outbox.has_room)
    @rule(size=sizes)
    def pace(self, size: int) -> None:
        """A handler sends when there is space; this disconnects no client."""
        self.largest = max(self.largest, size + 10)
        ended = self.outbox.closed
        self.taken_at = max(self.taken_at, self.clock.now)
        self.outbox.send(self.message(size))
        assert self.outbox.closed == ended

    @rule(size=st.integers(1, 100))
    def say(self, size: int) -> None:
        """The server's own pings, pongs and last packets disconnect no client."""
        ended = self.outbox.closed
        self.own += size + 10
        self.outbox.send_own(self.message(size))
        assert self.outbox.closed == ended

    @precondition(lambda self: self.polls)
    @rule(most=st.integers(1, 16), most_bytes=st.integers(1, 2 * LIMIT))
    def poll(self, most: int, most_bytes: int) -> None:
        before = self.outbox.size
        packets = self.outbox.take(most, most_bytes)
        assert before == self.outbox.size + sum(map(len, packets))
        assert len(packets) <= most
        assert len(packets) <= 1 or sum(map(len, packets)) <= most_bytes
        self.got += packets
        if packets:
            self.took()

    @precondition(lambda self: not self.polls)
    @rule(count=st.integers(1, 2 * LIMIT))
    def kernel_takes(self, count: int) -> None:
        before = len(self.kernel.taken)
        self.kernel.room = count
        self.outbox.can_be_written()
        self.kernel.room = 0
        if len(self.kernel.taken) > before:
            self.took()

    def took(self) -> None:
        self.taken_at = self.clock.now
        if not self.outbox.size:
            self.own = 0

    @precondition(lambda self: self.polls and not self.outbox.closed)
    @rule()
    def upgrade(self) -> None:
        following = self.socket()
        self.outbox.move_to(following, b"")
        assert self.outbox.closed
        assert self.outbox.size == 0
        self.outbox = following
        self.upgraded = True
        self.taken_at = self.clock.now
        assert not following.closed

    @rule(seconds=st.floats(0, 2 * PATIENCE))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_by(seconds)
        outbox = self.outbox
        if outbox.size > LIMIT + self.own:
            # The client is given up within two ticks of its deadline.
            assert self.clock.now <= self.taken_at + PATIENCE + 0.2

    @precondition(lambda self: self.outbox.size <= self.bounds.limit)
    @rule(seconds=st.floats(0, 100 * PATIENCE))
    def nobody_is_slow_whose_output_fits(self, seconds: float) -> None:
        ended = self.outbox.closed
        self.clock.pass_by(seconds)
        assert self.outbox.closed == ended

    @invariant()
    def nothing_is_lost_doubled_or_overtaken(self) -> None:
        if not hasattr(self, "outbox"):
            return
        fresh, self.seen = self.kernel.taken[self.seen :], len(self.kernel.taken)
        self.got += [str(payload) for _, payload in self.read.feed(fresh)]
        assert self.got == self.expected[: len(self.got)]
        if self.outbox.closed:
            assert len(self.overflows) == 1
        else:
            assert self.overflows == []
            if not self.outbox.size:
                assert self.got == self.expected

    @invariant()
    def memory_is_bounded(self) -> None:
        if hasattr(self, "outbox"):
            most = (BURST + 1) * LIMIT + self.largest + self.own
            # After an upgrade texts are frames; the shortest are twice as long with
            # their heads.
            assert self.outbox.size <= most * (2 if self.upgraded else 1)

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.outbox.close()
            assert not len(self.clock.table)


Output.TestCase.settings = machine_settings(100, 40)
TestOutput = Output.TestCase


# Examples of what the model leaves to chance


@pytest.fixture
def bounds() -> OutputBounds:
    return OutputBounds(LIMIT, PATIENCE)


def test_what_is_sent_into_room_does_not_count(bounds: OutputBounds) -> None:
    backlog = Backlog(bounds, 0.0)
    assert backlog.add(LIMIT // 2, 100 * LIMIT, 1.0) is None
    size = LIMIT // 2 + 100 * LIMIT
    assert backlog.add(size, BURST * LIMIT, 2.0) is None
    reason = backlog.add(size + BURST * LIMIT, 1, 3.0)
    assert reason is not None
    assert "max_outbox (1000)" in reason


def test_it_may_take_any_time_as_long_as_some_is_taken(bounds: OutputBounds) -> None:
    backlog = Backlog(bounds, 0.0)
    size = 100 * LIMIT
    backlog.add(0, size, 0.0)
    for seconds in range(1, 90):
        size -= LIMIT
        backlog.take(LIMIT, size, seconds * (PATIENCE - 1))
        assert backlog.complaint(size, seconds * (PATIENCE - 1)) is None
    now = 89 * (PATIENCE - 1)
    assert backlog.complaint(size, now + PATIENCE - 0.1) is None
    assert "slow_timeout" in str(backlog.complaint(size, now + PATIENCE))


def test_too_much_may_not_wait_too_long(bounds: OutputBounds) -> None:
    """Broadcasts come as fast as the client takes them, and it does not catch up."""
    backlog = Backlog(bounds, 0.0)
    size = LIMIT
    assert backlog.add(size, LIMIT, 0.0) is None
    size += LIMIT
    for second in range(1, int(PATIENCE)):
        backlog.take(100, size - 100, float(second))
        assert backlog.add(size - 100, 100, float(second)) is None
        assert backlog.complaint(size, float(second)) is None
    backlog.take(100, size - 100, PATIENCE)
    assert "max_outbox" in str(backlog.complaint(size, PATIENCE))
    backlog.take(LIMIT, LIMIT, PATIENCE)
    assert backlog.complaint(LIMIT, PATIENCE) is None
