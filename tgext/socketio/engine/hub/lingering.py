"""The last packets of connections that ended, for their clients to fetch or to read."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from ..concurrency.heartbeat import Deadline, Wheel

#: The most bytes that are kept for all clients together.
MOST = 16 * 1024 * 1024


class Unfetched(Protocol):
    """A transport that has ended, with packets that its client has not fetched.

    :ivar sessid: the id of its session.
    :ivar unfetched: bytes of the packets.
    """

    @property
    def sessid(self) -> str: ...

    @property
    def unfetched(self) -> int: ...

    def drop(self) -> None:
        """Drop the packets. A second call has no effect."""


class Lingering:
    """The transports whose last packets can still be fetched, by session id.

    Ended connections do not count for ``max_connections``, so one client may have many.
    When the packets of all together exceed :data:`MOST` bytes, those of the connection
    that ended first are dropped.
    """

    def __init__(self, timers: Wheel) -> None:
        self._timers = timers
        #: By session id: the transport, its deadline, and the bytes when it was added.
        self._kept: dict[str, tuple[Unfetched, Deadline, int]] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, transport: Unfetched, seconds: float) -> None:
        """Keep a transport for ``seconds``, or until :data:`MOST` is exceeded."""
        deadline = Deadline(partial(self._drop, transport))
        size = transport.unfetched
        self._kept[transport.sessid] = transport, deadline, size
        self.size += size
        self._timers.add(deadline, seconds)
        while self.size > MOST:
            self._drop(next(iter(self._kept.values()))[0])

    def get(self, sessid: str) -> Unfetched | None:
        """The transport of a session that ended, or None."""
        found = self._kept.get(sessid)
        return None if found is None else found[0]

    def remove(self, transport: Unfetched) -> None:
        """Remove a transport. A second call has no effect."""
        found = self._kept.pop(transport.sessid, None)
        if found is not None:
            _, deadline, size = found
            self.size -= size
            self._timers.discard(deadline)

    def _drop(self, transport: Unfetched) -> None:
        transport.drop()
        self.remove(transport)

    def clear(self) -> None:
        """Remove all transports."""
        for transport, *_ in list(self._kept.values()):
            self.remove(transport)
