"""Output that leaves together.

While a batch of input is handled, what arises for any connection is gathered, and each
connection's share leaves in one piece: replies to several messages of a client, and
broadcasts to all others. Most of what a small message costs is its system call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gevent import get_hub

if TYPE_CHECKING:
    from .outbox import SocketOutbox


class Cork:
    """What several outboxes gather while anybody holds it.

    :ivar held: how many batches of input are being handled.
    :ivar gathered: the outboxes that :meth:`flush` will send from.
    """

    __slots__ = ("_due", "gathered", "held")

    def __init__(self) -> None:
        self.gathered: list[SocketOutbox] = []
        self._due: Any = None
        self.held = 0

    def hold(self) -> None:
        """Gather output from now on."""
        self.held += 1

    def release(self) -> None:
        """Send what was gathered."""
        self.held -= 1
        if self.gathered:
            self.flush()

    def begin(self) -> None:
        """The first outbox is about to be gathered."""
        # A handler may block: what it sent leaves at the loop's next turn.
        self._due = get_hub().loop.run_callback(self.flush)

    def flush(self) -> None:
        """Send what was gathered so far, as far as the kernel takes it."""
        gathered, self.gathered = self.gathered, []
        if self._due is not None:
            self._due.stop()
            self._due = None
        for outbox in gathered:
            outbox.flush()
