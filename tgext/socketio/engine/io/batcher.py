"""Batches of output: many connections are written to once for all that was handled.

While input is handled, what is sent to any connection is part of a batch: replies to
several messages of a client, replies to all clients that the event loop found ready,
and broadcasts. The batch is written when all of that is handled, with one system call
for each connection: the system call is most of the cost of a small message.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from gevent import get_hub

from .outbox import Outbox

#: Age of a batch, in seconds, at which it is written when some input has been handled,
#: even if there is more input.
PATIENCE = 0.001

#: Seconds that writing takes for each connection of a batch, about. A batch waits for
#: what is expected no longer than writing takes: so a message is at most twice as late,
#: and several can be written at once.
WRITING = 5e-6

#: A batch of fewer connections does not wait for what is expected.
WIDE = 50


class Batcher:
    """Coalesces the output of many connections. A server has one.

    Between :meth:`hold` and :meth:`release`, outboxes that have something to write add
    themselves to ``pending`` instead of writing it.

    :ivar holders: how many have called :meth:`hold` and not yet :meth:`release`.
    :ivar expected: how many have called :meth:`expect` and not yet :meth:`has_come`.
    :ivar pending: the outboxes that :meth:`flush` will write.
    """

    __slots__ = ("_callback", "_since", "expected", "holders", "pending")

    def __init__(self) -> None:
        self.holders = self.expected = 0
        self.pending: list[Outbox] = []
        #: Flushes in the next turn of the event loop, or when that was waited for which
        #: is expected.
        self._callback: Any = None
        #: When the first outbox of the batch became pending.
        self._since = 0.0

    def hold(self) -> None:
        """Coalesce output until :meth:`release`."""
        self.holders += 1

    def release(self) -> None:
        """Some input has been handled. The batch is written now if it is old, else in
        the next turn of the event loop, when the input of other clients is handled too.
        """
        self.holders -= 1
        if self.pending and perf_counter() - self._since > PATIENCE:
            self.flush()

    def release_broadcast(self) -> None:
        """Like :meth:`release`, after many connections were written to.

        Several broadcasts are written together: the batch is old when writing it would
        not take longer than it has waited.
        """
        self.holders -= 1
        if self.pending and perf_counter() - self._since > max(PATIENCE, self._writing):
            self.flush()

    @property
    def _writing(self) -> float:
        """Seconds that writing the batch takes, about."""
        return len(self.pending) * WRITING

    def expect(self) -> None:
        """A broker was given what it will bring back, for many connections: what it has
        brought before can be written together with it.
        """
        self.expected += 1

    def has_come(self) -> None:
        """What was expected is there, or does not come."""
        self.expected -= 1
        if self.pending and not self.expected and self._callback is not None:
            # When the calling greenlet waits, unless it expects something again.
            self._callback.close()
            self._callback = get_hub().loop.run_callback(self._flush_or_wait)

    def begin(self) -> None:
        """Called before the first outbox of a batch becomes pending."""
        # The event loop runs greenlets that are ready before this callback. It also
        # runs the callback when a handler blocks: what that sent before is written.
        self._since = perf_counter()
        self._callback = get_hub().loop.run_callback(self._flush_or_wait)

    def _flush_or_wait(self) -> None:
        """Called in the event loop when the input that was there is handled."""
        if self.expected and len(self.pending) >= WIDE:
            rest = self._since + self._writing - perf_counter()
            if rest > 0:
                self._callback = get_hub().loop.timer(rest)
                self._callback.start(self.flush)
                return
        self.flush()

    def flush(self) -> None:
        """Write the batch, as far as the kernel takes it."""
        pending, self.pending = self.pending, []
        if self._callback is not None:
            self._callback.close()
            self._callback = None
        for outbox in pending:
            outbox.flush()
