"""Warnings at a limited rate, so that bad messages do not fill the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from logging import Logger

#: Seconds between two lines of one kind.
PERIOD = 10.0


class ThrottledWarnings:
    """Logs at most one warning of each kind in :data:`PERIOD`, the first at once.

    :param log: the logger.
    :param now: returns the time, in seconds.
    """

    def __init__(self, log: Logger, now: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._now = now
        #: Maps a kind to the time of its next line, and the number of warnings that
        #: were not logged since the last line.
        self._kinds: dict[str, tuple[float, int]] = {}

    def warn(self, kind: str, text: str) -> None:
        """Log a warning, unless one of its kind was logged a short time ago.

        :param kind: one of a few; it must not depend on what a client or a broker sent.
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
