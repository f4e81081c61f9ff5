"""How many events may come in a time. Times are arguments, in seconds.

A window moves: at each time, it has the events of the seconds before. So a limit of 20
in a second holds for each second, wherever it begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple


class Rate(NamedTuple):
    """A number of events in a time.

    :ivar amount: events, at least 1.
    :ivar seconds: the length of the window.
    """

    amount: int
    seconds: float


class Window:
    """The events of the last seconds.

    It keeps a time for each of them, at most ``amount``: 32 bytes.
    """

    __slots__ = ("_amount", "_expiries", "_seconds")

    def __init__(self, rate: Rate) -> None:
        self._amount, self._seconds = rate
        #: When each event leaves the window, the oldest first.
        self._expiries: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until there is room for an event; 0 when there is."""
        expiries = self._expiries
        while expiries and expiries[0] <= now:
            expiries.popleft()
        return 0.0 if len(expiries) < self._amount else expiries[0] - now

    def add(self, now: float) -> None:
        """Note an event."""
        self._expiries.append(now + self._seconds)

    def take(self, now: float) -> float:
        """Note an event if there is room.

        :returns: 0 if there was; else the seconds until there is.
        """
        wait = self.wait(now)
        if not wait:
            self.add(now)
        return wait

    def is_empty(self, now: float) -> bool:
        """Whether all events have left."""
        return not self._expiries or self._expiries[-1] <= now


class Windows:
    """The windows of one client, or of one user: some for each limit."""

    __slots__ = ("_windows",)

    def __init__(self) -> None:
        self._windows: dict[int, list[Window]] = {}

    def of(self, limit: int, rates: Iterable[Rate]) -> list[Window]:
        """The windows of a limit.

        :param limit: its number.
        :param rates: its rates; a window is made for each, the first time.
        """
        windows = self._windows.get(limit)
        if windows is None:
            windows = self._windows[limit] = [Window(rate) for rate in rates]
        return windows

    def is_empty(self, now: float) -> bool:
        """Whether all events have left all windows."""
        return all(
            each.is_empty(now) for windows in self._windows.values() for each in windows
        )


class Users:
    """The windows of users, which outlive their connections until they are empty."""

    #: Users are forgotten when there are so many; then, when there are twice as many as
    #: were left.
    FEW = 100

    def __init__(self) -> None:
        self._windows: dict[object, Windows] = {}
        self._most = self.FEW

    def __len__(self) -> int:
        return len(self._windows)

    def of(self, user: object, now: float) -> Windows:
        """The windows of a user."""
        windows = self._windows.get(user)
        if windows is None:
            if len(self._windows) >= self._most:
                self._forget(now)
            windows = self._windows[user] = Windows()
        return windows

    def _forget(self, now: float) -> None:
        kept = {user: w for user, w in self._windows.items() if not w.is_empty(now)}
        self._windows = kept
        self._most = max(self.FEW, 2 * len(kept))
