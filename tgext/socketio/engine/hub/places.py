"""How many connections there may be: those that are being opened count too."""

from __future__ import annotations

from collections import Counter
from types import TracebackType


class Full(Exception):
    """A connection would be one too many.

    :param why: which bound it is past, and what it is.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Place:
    """The place that one connection takes, from its first request to its end.

    As a context manager it is given back at the end of the block, unless it was kept.

    :ivar kept: whether it was.
    """

    __slots__ = ("_address", "_places", "kept")

    def __init__(self, places: Places, address: str) -> None:
        self._places: Places | None = places
        self._address = address
        self.kept = False

    def keep(self) -> None:
        """The connection is open: its place is given back by :meth:`release` alone."""
        self.kept = True

    def release(self) -> None:
        """Give the place back; without effect where that has been done."""
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

    :ivar taken: how many are.
    :ivar per_address: the same, by address.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.per_address: Counter[str] = Counter()

    def why_full(
        self, address: str, most: int | None, per_address: int | None
    ) -> str | None:
        """Which bound a connection from an address would be past; None if none.

        :param most: places at a time, for all together; None for any number.
        :param per_address: the same, for one address.
        """
        if most is not None and self.taken >= most:
            return f"max_connections is {most}"
        if per_address is not None and self.per_address[address] >= per_address:
            return f"max_connections_per_address is {per_address}"
        return None

    def take(self, address: str, most: int | None, per_address: int | None) -> Place:
        """Take one; see :meth:`why_full`.

        :raises Full: when there is none.
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
