"""What has arrived at a client of a test, and waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from reprlib import Repr
from typing import Any, Final

from .errors import NotReceived
from .loop import Changes, settle

#: What failures tell: the latest events, each cut.
_LATEST: Final = 10
_short = Repr()
_short.maxstring = _short.maxother = 80
_short.maxlist = _short.maxtuple = _short.maxdict = 8

#: A value as failures show it.
shown: Final = _short.repr


class Arrivals:
    """The events that have arrived at one client, in order.

    :param who: the client, for texts.
    :param ended: why nothing more will arrive; empty while it may.
    """

    def __init__(self, who: str, ended: Callable[[], str]) -> None:
        self._who = who
        self._why = ended
        self._all: list[tuple[str, tuple[Any, ...]]] = []
        #: The indices of those that no `expect` has returned yet.
        self._waiting: list[int] = []
        self.changes = Changes()

    @property
    def ended(self) -> str:
        """Why nothing more will arrive; empty while it may."""
        return self._why()

    def add(self, name: str, args: tuple[Any, ...]) -> None:
        """An event has arrived."""
        self._waiting.append(len(self._all))
        self._all.append((name, args))
        self.changes.tell()

    def take(self, name: str) -> tuple[Any, ...] | None:
        """The arguments of the first event that was not taken yet; None without one."""
        for index in self._waiting:
            if self._all[index][0] == name:
                self._waiting.remove(index)
                return self._all[index][1]
        return None

    def forgive(self, *error: Any) -> None:
        """Count an ``error`` event as taken: a test was told of it otherwise."""
        for index in self._waiting:
            if self._all[index] == ("error", error):
                self._waiting.remove(index)
                return

    def expect(self, name: str, timeout: float) -> tuple[Any, ...]:
        """Wait for an event; see :meth:`.Client.expect`."""
        found = self.take(name)
        if found is None:
            found = self._wait_for(name, timeout)
        return found

    def _wait_for(self, name: str, timeout: float) -> tuple[Any, ...]:
        found: tuple[Any, ...] | None = None

        def has_come() -> bool:
            nonlocal found
            found = self.take(name)
            return found is not None or bool(self.ended)

        self.changes.wait_until(has_come, timeout)
        if found is None:
            raise NotReceived(self.failure(f"{name!r} has not arrived", timeout))
        return found

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of all events of a name that have arrived."""
        settle()
        return [args for each, args in self._all if each == name]

    def everything(self) -> list[tuple[Any, ...]]:
        """All events that have arrived: their names and arguments."""
        settle()
        return [(name, *args) for name, args in self._all]

    def failure(self, what: str, timeout: float) -> str:
        """The text of a failure, with what did arrive."""
        ended = self.ended
        since = f"the connection has ended: {ended}" if ended else f"in {timeout:g} s"
        lines = [f"{self._who}: {what} ({since})."]
        if not self._all:
            return f"{lines[0]} Nothing has arrived."
        waiting = set(self._waiting)
        first = max(0, len(self._all) - _LATEST)
        earlier = f"{first} earlier ones, then:" if first else ""
        lines.append(f"What has arrived: {earlier}".rstrip())
        for index, (name, args) in enumerate(self._all[first:], first):
            told = ", ".join(map(shown, args))
            taken = "" if index in waiting else "  (expected before)"
            lines.append(f"  {name}({told}){taken}")
        return "\n".join(lines)
