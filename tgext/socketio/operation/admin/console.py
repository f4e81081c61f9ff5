"""The administrators of this process, and what they are told of all processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from .feed import Feed, Reader
from .mirror import Mirror
from .reporter import CHANGES, SOCKETS, STATS
from .watched import Change

#: The name of this process among those that report.
HERE: Final = ""


class Console:
    """Shows the reports of all processes to the administrators of this one.

    :param most: how many sockets are shown.
    :param shows_sockets: whether any are.
    """

    def __init__(self, most: int, shows_sockets: bool) -> None:
        self._mirror = Mirror(most)
        self._shows_sockets = shows_sockets
        self._feeds: dict[Reader, Feed] = {}
        #: Called when the first administrator comes, and when the last has gone.
        self.opened: list[Callable[[], object]] = []
        self.closed: list[Callable[[], object]] = []

    def __len__(self) -> int:
        return len(self._feeds)

    def add(self, reader: Reader) -> Feed:
        """An administrator has come.

        :returns: what it is sent, which somebody has to run.
        """
        feed = self._feeds[reader] = Feed(reader, self._mirror.sockets)
        if self._shows_sockets and len(self._mirror):
            feed.begin_anew()
        if len(self._feeds) == 1:
            for each in self.opened:
                each()
        return feed

    def discard(self, reader: Reader) -> None:
        """An administrator has gone."""
        if self._feeds.pop(reader, None) is not None and not self._feeds:
            for each in self.closed:
                each()
            self._mirror.clear()

    def hear(self, process: str, kind: str, content: Any) -> None:
        """A process reports."""
        if not self._feeds:
            return
        if kind == STATS:
            self._send([["server_stats", content]])
        elif kind == SOCKETS:
            self._hear_all(process, content)
        elif kind == CHANGES:
            self._send(self._noted(process, content))

    def gone(self, process: str) -> None:
        """A process is not heard any more."""
        self._send(self._mirror.forget(process))

    def _hear_all(self, process: str, sockets: Sequence[Change]) -> None:
        shown = self._mirror.has(process)
        self._mirror.forget(process)
        changes = self._noted(process, sockets)
        if shown or process == HERE:
            for feed in list(self._feeds.values()):
                feed.begin_anew()
        else:
            self._send(changes)

    def _noted(self, process: str, changes: Sequence[Change]) -> list[Change]:
        return [each for each in changes if self._mirror.apply(process, each)]

    def _send(self, changes: Sequence[Change]) -> None:
        for feed in list(self._feeds.values()):
            feed.add(changes)
