"""Limits the number of connections, including those that are being opened.

A handshake lasts until the application has accepted it. If handshakes did not count,
clients could exceed the limits by starting many of them.
"""

from __future__ import annotations

from collections import Counter
from types import TracebackType


class Full(Exception):
    """There are too many connections.

    :param why: which option is exceeded, and its value.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Place:
    """The place that one connection takes, from its first request to its end.

    As a context manager, it is released at the end of the block, unless :meth:`keep`
    was called.

    :ivar kept: whether :meth:`keep` was called.
    """

    __slots__ = ("_address", "_places", "kept")

    def __init__(self, places: Places, address: str) -> None:
        self._places: Places | None = places
        self._address = address
        self.kept = False

    def keep(self) -> None:
        """The connection is open: keep its place until :meth:`release`."""
        self.kept = True

    def release(self) -> None:
        """Release the place. Repeated calls have no effect."""
        places, self._places = self._places, None
        if places is not None:
            places._leave(self._address)

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.kept:
            self.release()


class Places:
    """The places of a server.

    :ivar taken: how many are taken.
    :ivar per_address: how many are taken, by client address.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.per_address: Counter[str] = Counter()

    def why_full(
        self, address: str, most: int | None, per_address: int | None
    ) -> str | None:
        """Why a connection from an address is refused; None if there is a place.

        :param most: the most connections at a time; None for no limit.
        :param per_address: the most connections at a time from one address; None for no
            limit.
        """
        if most is not None and self.taken >= most:
            return f"max_connections is {most}"
        if per_address is not None and self.per_address[address] >= per_address:
            return f"max_connections_per_address is {per_address}"
        return None

    def take(self, address: str, most: int | None, per_address: int | None) -> Place:
        """Take a place; for the parameters see :meth:`why_full`.

        :raises Full: when there are too many connections.
        """
        why = self.why_full(address, most, per_address)
        if why is not None:
            raise Full(why)
        self.taken += 1
        self.per_address[address] += 1
        return Place(self, address)

    def _leave(self, address: str) -> None:
        self.taken -= 1
        self.per_address[address] -= 1
        if not self.per_address[address]:
            del self.per_address[address]
