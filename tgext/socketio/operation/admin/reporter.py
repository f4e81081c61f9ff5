"""What this process tells administrators, wherever they are, while they look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

import gevent

from ...engine.concurrency.failures import ERRORS, log_failure
from ...engine.logs import get_logger
from .watched import Change

log = get_logger(__name__)

#: Seconds between two reports.
INTERVAL: Final = 0.25

#: Seconds between two statistics; the UI takes a process for unhealthy after ten.
STATISTICS: Final = 2.0

#: Seconds between two reports of all sockets anew, when changes were too many, and
#: after a report that failed.
ANEW: Final = 5.0

#: Sockets, and changes, of one report.
PAGE: Final = 100

#: The kinds of reports: all sockets follow; changes; statistics.
SOCKETS: Final = "sockets"
CHANGES: Final = "changes"
STATS: Final = "stats"

#: Takes a report: its kind, and its content.
Send = Callable[[str, Any], object]


class Sockets(Protocol):
    """The sockets that are shown: :class:`.Watched`, or nothing."""

    lost: bool

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def take(self) -> list[Change]: ...

    def begin_anew(self) -> list[Change]: ...


class _Reader(NamedTuple):
    send: Send
    until: float | None


class Reporter:
    """Reports to those who look.

    :param statistics: makes the statistics.
    :param sockets: the sockets that are shown; None if there are only statistics.
    :param stopping: returns whether the server stops.
    :param now: returns the time in seconds.
    """

    def __init__(
        self,
        statistics: Callable[[], dict[str, Any]],
        sockets: Sockets | None,
        stopping: Callable[[], bool] = bool,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._statistics = statistics
        self._sockets = sockets
        self._stopping = stopping
        self._now = now
        self._readers: dict[str, _Reader] = {}
        #: Readers that have been told nothing yet.
        self._new: set[str] = set()
        self._running: Any = None
        self._statistics_at = self._anew_at = 0.0

    def report_to(self, name: str, send: Send, seconds: float | None = None) -> None:
        """Begin to report to a reader, or go on.

        :param seconds: for how long; None until :meth:`end_report`.
        """
        until = None if seconds is None else self._now() + seconds
        if name not in self._readers:
            self._new.add(name)
        self._readers[name] = _Reader(send, until)
        if self._running is None:
            self._running = gevent.spawn(self._run)

    def end_report(self, name: str) -> None:
        """Report to a reader no more."""
        self._readers.pop(name, None)
        self._new.discard(name)

    def _run(self) -> None:
        sockets = self._sockets
        try:
            if sockets is not None:
                sockets.start()
            while self._readers and not self._stopping():
                try:
                    self.report()
                    pause = INTERVAL
                except ERRORS:
                    log_failure(log, "Reporting to administrators failed")
                    pause = ANEW
                gevent.sleep(pause)
                self._forget_the_late()
        finally:
            self._running = None
            if sockets is not None:
                sockets.stop()

    def _forget_the_late(self) -> None:
        now = self._now()
        for name, reader in list(self._readers.items()):
            if reader.until is not None and reader.until < now:
                self.end_report(name)

    def report(self) -> None:
        """Tell what there is to tell now."""
        new = set(self._new)
        if self._sockets is not None:
            self._report_sockets(self._sockets, bool(new))
        if new or self._now() >= self._statistics_at:
            self._statistics_at = self._now() + STATISTICS
            self._tell(STATS, self._statistics())
        self._new -= new

    def _report_sockets(self, sockets: Sockets, anew: bool) -> None:
        if anew or (sockets.lost and self._now() >= self._anew_at):
            self._anew_at = self._now() + ANEW
            first, *others = _pages(sockets.begin_anew()) or [[]]
            self._tell(SOCKETS, first)
        else:
            others = _pages(sockets.take())
        for page in others:
            self._tell(CHANGES, page)

    def _tell(self, kind: str, content: Any) -> None:
        for name, reader in list(self._readers.items()):
            try:
                reader.send(kind, content)
            except ERRORS as error:
                log.debug("Process %s was not told of sockets: %s", name, error)


def _pages(changes: Sequence[Change]) -> list[Sequence[Change]]:
    return list(_cut(changes))


def _cut(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    for begin in range(0, len(changes), PAGE):
        yield changes[begin : begin + PAGE]
