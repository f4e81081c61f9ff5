"""What one connection has received and sent."""

from __future__ import annotations

from operator import add
from typing import Final, NamedTuple


class Traffic(NamedTuple):
    """What one connection has received and sent so far.

    :ivar received: messages from the client.
    :ivar received_bytes: of them, with their frames or in bodies of POSTs.
    :ivar sent: messages that have left for the client.
    :ivar sent_bytes: of them, as above.
    """

    received: int = 0
    received_bytes: int = 0
    sent: int = 0
    sent_bytes: int = 0

    def plus(self, other: Traffic) -> Traffic:
        """The sum of this and of another."""
        return Traffic(*map(add, self, other))


NOTHING: Final = Traffic()
