"""How long to wait before the next attempt to reach a broker."""

from __future__ import annotations

import random
from typing import Final

#: Seconds before the second attempt.
FIRST: Final = 0.1
#: Seconds between attempts, at most, before the jitter is added.
LONGEST: Final = 10.0
#: The share by which a wait may be longer, so that the processes do not reconnect all
#: at once.
JITTER: Final = 0.1


class Backoff:
    """Exponential backoff: 0.1 seconds, doubling up to 10, each up to 10 % longer."""

    def __init__(self) -> None:
        self._next = FIRST

    def next(self) -> float:
        """The seconds before the next attempt."""
        seconds = self._next
        self._next = min(LONGEST, 2 * seconds)
        return seconds * (1 + random.uniform(0, JITTER))  # noqa: S311

    def reset(self) -> None:
        """An attempt succeeded."""
        self._next = FIRST
