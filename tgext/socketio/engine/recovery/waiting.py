"""The sessions whose clients have gone and can still recover."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from ..concurrency.heartbeat import Deadline, Wheel

#: The most bytes that are kept for all clients of a namespace together.
MOST = 32 * 1024 * 1024

#: The most sessions.
MOST_SESSIONS = 20_000

#: Bytes of a session in addition to what its application keeps there.
OVERHEAD = 1500


class Session(Protocol):
    """A session that waits for its client.

    :ivar weight: bytes of what its application keeps there.
    """

    @property
    def weight(self) -> int: ...

    def forget(self) -> None:
        """The client cannot recover any more."""


class Waiting:
    """Sessions that wait for their clients, each for the same time.

    When there are too many, or they are too large together, the ones that have waited
    longest are forgotten.

    :param seconds: how long a session waits.
    """

    def __init__(self, timers: Wheel, seconds: float) -> None:
        self._timers = timers
        self._seconds = seconds
        #: With their deadlines, and the bytes when they were added.
        self._kept: dict[Session, tuple[Deadline, int]] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, session: Session) -> None:
        """Let a session wait."""
        deadline = Deadline(partial(self._forget, session))
        size = session.weight + OVERHEAD
        self._kept[session] = deadline, size
        self.size += size
        self._timers.add(deadline, self._seconds)
        while self.size > MOST or len(self._kept) > MOST_SESSIONS:
            self._forget(next(iter(self._kept)))

    def remove(self, session: Session) -> None:
        """The client is back. No effect when the session does not wait."""
        found = self._kept.pop(session, None)
        if found is not None:
            deadline, size = found
            self.size -= size
            self._timers.discard(deadline)

    def clear(self) -> None:
        """Forget all sessions."""
        for session in list(self._kept):
            self._forget(session)

    def _forget(self, session: Session) -> None:
        self.remove(session)
        session.forget()
