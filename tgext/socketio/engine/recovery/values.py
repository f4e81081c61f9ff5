"""What an application keeps in the ``session`` of a connection, while that has gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .weight import weight

#: The key of a connection's session that rooms have: they are kept as rooms.
ROOMS = "rooms"


def values_of(session: Mapping[str, Any]) -> dict[str, Any]:
    """What the application keeps in the session of a connection, without its rooms."""
    return {name: value for name, value in session.items() if name != ROOMS}


class Values:
    """The values of a connection, for the sessions of all its namespaces.

    A connection that is back has them once, and may change them before its client asks
    for its other namespaces. These get them as they are then.

    :ivar weight: their bytes when the connection ended.
    """

    __slots__ = ("_kept", "_live", "weight")

    def __init__(self) -> None:
        self._kept: Mapping[str, Any] = {}
        #: The session of the connection that has them.
        self._live: Mapping[str, Any] | None = None
        self.weight = 0

    @property
    def now(self) -> Mapping[str, Any]:
        """The values, as they were when the connection ended."""
        return self._kept

    def take(self, values: Mapping[str, Any]) -> None:
        """Be the values of a connection that another process had."""
        self._kept, self._live = values, None
        self.weight = weight(values)

    def are_in(self, session: Mapping[str, Any]) -> bool:
        """Whether the session of a connection has them, perhaps changed."""
        return self._live is session

    def restore(self, session: dict[str, Any]) -> None:
        """Give them to the session of a connection; what is there stays."""
        values = self._kept if self._live is None else self._live
        for name, value in list(values.items()):
            if name != ROOMS and name not in session:
                session[name] = value
        self._live = session

    def keep(self, session: Mapping[str, Any]) -> None:
        """Keep the values of a connection that ends."""
        kept = values_of(session)
        self._kept, self._live = kept, None
        self.weight = weight(kept)

    def revert(self) -> None:
        """Be as before :meth:`restore`: the client was not admitted in the end."""
        self._live = None
