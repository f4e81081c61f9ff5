"""What a page changes in its browser, as other processes of the application are told.

They are told of logins, logouts and changed sessions, not of the new cookies: the
browser sends these when it connects again. A process tells digests of the cookies that
the page was requested with; the processes that have connections with these cookies find
them, and end them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet, WeakValueDictionary


class Change(NamedTuple):
    """What a page has changed.

    :ivar had: the cookies of its request that identify a browser, by name, without
        quotes and escapes.
    :ivar login: whether a user was logged in or out, or another user was logged in.
    :ivar session: whether the session is another, or has ended.
    :ivar content: whether the session is the same, and its content, which the cookie
        holds, is another.
    """

    had: Mapping[str, str]
    login: bool
    session: bool
    content: bool


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
    """

    pair: tuple[str, str]
    owners: WeakSet[Any]


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

    def had(self, digests: Iterable[str]) -> tuple[dict[str, str], set[Any]]:
        """The cookies that digests are of, and the connections that have them."""
        found = [self._found.get(each) for each in digests]
        known = [each for each in found if each is not None]
        owners = {owner for each in known for owner in each.owners}
        return dict(each.pair for each in known), owners
