"""What a namespace has begun for a client that is not admitted yet."""

from __future__ import annotations

from collections.abc import Callable

from ..concurrency.failures import FAILURES
from ..concurrency.interruption import Interrupted
from ..logs import get_logger

log = get_logger(__name__)

Step = Callable[[], object]


class Begun:
    """What is undone when the client is refused, and what begins when it is admitted.

    :param endpoint: the namespace, for the log.
    """

    __slots__ = ("_endpoint", "_kept", "_later", "_undo")

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._undo: list[Step] = []
        self._later: tuple[Step, ...] = ()
        self._kept = 0, 0

    def undoes(self, undo: Step) -> None:
        """Call a function if the client is not admitted in the end."""
        self._undo.append(undo)

    def when_admitted(self, function: Step) -> None:
        """Call a function once the client is admitted."""
        self._later = (*self._later, function)

    def keep(self) -> None:
        """Keep what was begun: :meth:`rewind` goes back to here."""
        self._kept = len(self._undo), len(self._later)

    def rewind(self) -> None:
        """Undo what was begun since :meth:`keep`."""
        count, later = self._kept
        self._later = self._later[:later]
        self._undo_down_to(count)

    def undo(self) -> None:
        """Undo all: the client was not admitted."""
        self._later = ()
        self._undo_down_to(0)

    def begin(self) -> None:
        """Begin what waits: the client is admitted."""
        later, self._later = self._later, ()
        for each in later:
            self._call(each, "Beginning what %s asked for failed")

    def _undo_down_to(self, count: int) -> None:
        while len(self._undo) > count:
            self._call(self._undo.pop(), "Undoing what %s began failed")

    def _call(self, step: Step, failed: str) -> None:
        try:
            step()
        except Interrupted:
            raise
        except FAILURES:
            log.exception(failed, self._endpoint or "/")
