"""Output that leaves together.

While input is handled, what arises for any connection is gathered: replies to several
messages of a client, replies to all clients that the event loop found ready, and
broadcasts. It leaves when all of that is handled, each connection's share in one piece.

Most of what a small message costs is its system call, and what follows: a processor
that has sent a packet has forgotten the interpreter, and runs the next event slowly.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from gevent import get_hub

from .output import SocketOutbox, flush_all

#: Seconds for which output is gathered; then it leaves when the next batch has ended.
PATIENCE = 0.001


class Cork:
    """What several outboxes gather while anybody holds it.

    :ivar held: how many batches of input are being handled.
    :ivar gathered: the outboxes that :meth:`flush` will send from.
    """

    __slots__ = ("_due", "_since", "gathered", "held")

    def __init__(self) -> None:
        self.gathered: list[SocketOutbox] = []
        self._due: Any = None
        #: When the first of them was gathered.
        self._since = 0.0
        self.held = 0

    def hold(self) -> None:
        """Gather output from now on."""
        self.held += 1

    def release(self) -> None:
        """A batch ended: what was gathered leaves when all who are ready are served."""
        self.held -= 1
        if self.gathered and perf_counter() - self._since > PATIENCE:
            self.flush()

    def begin(self) -> None:
        """The first outbox is about to be gathered."""
        # Those who are ready have their turns before callbacks have theirs; and when a
        # handler blocks, what it sent leaves.
        self._since = perf_counter()
        self._due = get_hub().loop.run_callback(self.flush)

    def flush(self) -> None:
        """Send what was gathered so far, as far as the kernel takes it."""
        gathered, self.gathered = self.gathered, []
        if self._due is not None:
            self._due.stop()
            self._due = None
        if len(gathered) == 1:
            gathered[0].flush()
        elif gathered:
            flush_all(gathered)
