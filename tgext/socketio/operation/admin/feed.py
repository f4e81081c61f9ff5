"""What one administrator is sent: in order, bounded, and no faster than it is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from gevent.event import Event

from .watched import Change

#: Changes that may wait. With more, the administrator gets all sockets anew instead.
MOST: Final = 2000

#: Changes that are sent at once; then those who have other work get their turn.
AT_ONCE: Final = 100

#: Seconds in which an administrator has to read what was sent.
PATIENCE: Final = 10.0


class Reader(Protocol):
    """The namespace of an administrator."""

    def emit(self, event: str, *args: Any) -> None: ...

    def drain(self, timeout: float | None = None) -> bool: ...


class Feed:
    """Sends one administrator what happens.

    :param reader: its namespace.
    :param sockets: returns all sockets that are shown.
    """

    def __init__(
        self, reader: Reader, sockets: Callable[[], Iterable[dict[str, Any]]]
    ) -> None:
        self._reader = reader
        self._sockets = sockets
        self._waiting: deque[Change] = deque()
        self._most = MOST
        self._woken = Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def begin_anew(self) -> None:
        """Send all sockets, instead of what waits."""
        sockets = list(self._sockets())
        self._waiting.clear()
        # The UI forgets all others for each `all_sockets`, so there is only one.
        self._waiting.append(["all_sockets", sockets[:AT_ONCE]])
        for each in sockets[AT_ONCE:]:
            issued = each["handshake"]["time"]
            self._waiting.append(["socket_connected", each, issued])
        self._most = MOST + len(sockets)
        self._woken.set()

    def add(self, changes: Sequence[Change]) -> None:
        """Send changes, which have to be lists that nobody alters."""
        if len(self._waiting) + len(changes) > self._most:
            self.begin_anew()
            return
        self._waiting.extend(changes)
        self._woken.set()

    def run(self) -> None:
        """Send what is added; returns when the administrator has left, or reads too
        slowly.
        """
        while True:
            self._woken.wait()
            self._woken.clear()
            while self._waiting:
                for _ in range(min(AT_ONCE, len(self._waiting))):
                    event, *args = self._waiting.popleft()
                    self._reader.emit(event, *args)
                if not self._reader.drain(PATIENCE):
                    return
