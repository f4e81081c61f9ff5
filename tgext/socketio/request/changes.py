"""What a page changes in its browser, as other processes of the application are told.

They are told of logins, logouts and changed sessions, not of the new cookies: the
browser sends these when it connects again. A process tells digests of the cookies that
the page was requested with; the processes that have connections with these cookies find
them, and end them. They are told of cookies that were issued anew as well, so that they
find the connections by the new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol
from weakref import WeakSet, WeakValueDictionary

#: How many new values of a cookie are known: as many as a browser's requests at a time
#: may set.
_LATER: Final = 8


class Change(NamedTuple):
    """What a page has changed.

    :ivar had: the cookies of its request that identify a browser, by name, without
        quotes and escapes.
    :ivar login: whether a user was logged in or out, or another user was logged in.
    :ivar session: whether the session is another, or has ended.
    :ivar renewed: the new values of those of ``had`` that go on.
    :ivar content: whether the session, or its content, which the cookie holds, is
        another.
    """

    had: Mapping[str, str]
    login: bool
    session: bool
    content: bool
    renewed: Mapping[str, str] = {}


class Elsewhere(Protocol):
    """The other processes of the applications of this one."""

    @property
    def exists(self) -> bool:
        """Whether there may be any."""

    def tell(self, change: Change) -> None:
        """Tell them of a change. Must not block."""


class Shared(Protocol):
    """A cookie that connections of this process have.

    :ivar pair: its name and value.
    :ivar owners: the connections.
    :ivar later: digests of the values that other processes have issued for it since.
    """

    pair: tuple[str, str]
    owners: WeakSet[Any]
    later: list[str]


class Directory:
    """The cookies of the connections of this process, by digest.

    :param digest: returns the digest of a cookie's name and value.
    """

    def __init__(self, digest: Callable[[str, str], str]) -> None:
        self._digest = digest
        self._found: WeakValueDictionary[str, Shared] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, shared: Shared) -> None:
        """Find a cookie from now on, as long as a connection has it."""
        self._found[self._digest(*shared.pair)] = shared

    def renew(self, digest: str, later: str) -> None:
        """Find a cookie by the digest of its new value, too."""
        shared = self._found.get(digest)
        if shared is None or later in self._found:
            return
        self._found[later] = shared
        shared.later.append(later)
        if len(shared.later) > _LATER:
            self._found.pop(shared.later.pop(0), None)

    def had(self, digests: Iterable[str]) -> tuple[dict[str, str], set[Any]]:
        """The cookies that digests are of, and the connections that have them."""
        found = [self._found.get(each) for each in digests]
        known = [each for each in found if each is not None]
        owners = {owner for each in known for owner in each.owners}
        return dict(each.pair for each in known), owners
