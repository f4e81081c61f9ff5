"""A line in the log for what is skipped, and not one for each of a flood."""

from __future__ import annotations

import time
from collections.abc import Callable
from logging import Logger

#: Seconds between two lines of one kind.
PERIOD = 10.0


class Skipping:
    """Warns of what is skipped: of each kind at once, and then every ten seconds.

    :param log: where to.
    :param now: tells the time, in seconds.
    """

    def __init__(self, log: Logger, now: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._now = now
        #: By kind, when the next line is due, and how many were skipped without one.
        self._kinds: dict[str, tuple[float, int]] = {}

    def warn(self, kind: str, text: str) -> None:
        """Something was skipped.

        :param kind: what is said of it once in a while; one of a few.
        :param text: the line.
        """
        now = self._now()
        due, silent = self._kinds.get(kind, (now, 0))
        if now < due:
            self._kinds[kind] = due, silent + 1
            return
        self._kinds[kind] = now + PERIOD, 0
        more = f" (and {silent} more since the last line about it)" if silent else ""
        self._log.warning("%s%s", text, more)
