"""Calls of many greenlets to a broker that are made as one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Generic, TypeVar, cast

import gevent
from gevent.event import Event
from greenlet import getcurrent

from ..engine.concurrency.failures import ERRORS
from ..engine.concurrency.threads import allocate_lock
from .errors import BrokerUnavailable, copied

T = TypeVar("T")
R = TypeVar("R")

#: The most items of one call, at first and later, and their size.
FEW: Final = 16
MOST: Final = 100
MOST_SIZE: Final = 1024 * 1024

#: A call with many items should take this part of the patience at most.
PART: Final = 1 / 20


class _Waiting(Generic[T, R]):
    """An item that waits for a call.

    :ivar size: its size.
    :ivar since: the time at which it came.
    :ivar left: whether its greenlet no longer waits.
    :ivar done: set when there is an outcome.
    :ivar outcome: it; not there before.
    """

    __slots__ = ("done", "item", "left", "outcome", "since", "size")

    outcome: R | Exception

    def __init__(self, item: T, size: int) -> None:
        self.item = item
        self.size = size
        self.since = time.monotonic()
        self.left = False
        self.done = Event()

    def end(self, outcome: R | Exception) -> None:
        """Give the outcome to the greenlet."""
        self.outcome = outcome
        self.done.set()


class Gathered(Generic[T, R]):
    """Makes one call with the items of many greenlets, in their order.

    An item that comes while nothing is under way is called with alone, at once. What
    comes meanwhile is gathered for the next call, so that the more comes, the less each
    costs, and nothing waits for what may come. The longer the calls take, the fewer
    items they have: a broker answers them all at the end, and has to be in time.

    :param call: called with items; returns, or yields, the outcome of each in their
        order, which may be an error.
    :param size_of: returns the size of an item.
    :param patience: seconds after which gathered items are not called with any more.
    :param late: makes the error that their greenlets are given.
    """

    def __init__(
        self,
        call: Callable[[Sequence[T]], Iterable[R | Exception]],
        size_of: Callable[[T], int],
        patience: float,
        late: Callable[[], Exception],
    ) -> None:
        self._call = call
        self._size_of = size_of
        self._patience = patience
        self._late = late
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._most = FEW
        #: Held while a call of a thread is under way. Other threads call by themselves.
        self._turn = allocate_lock()
        self._owner: object = None

    def do(self, item: T) -> R:
        """Call with an item, or have it called with; returns its outcome.

        :raises Exception: what the call has raised, or its outcome.
        """
        if self._turn.acquire(False):
            self._owner = _thread()
            try:
                [outcome] = self._call([item])
            finally:
                # In a greenlet of its own: this one may be killed, which is no matter
                # of the others.
                if self._waiting:
                    gevent.spawn(self._run)
                else:
                    self._end()
            try:
                return _outcome(outcome)
            finally:
                del outcome  # a cycle, as in _outcome
        if self._owner is not _thread():
            return _outcome(*self._call([item]))
        return self._wait(item)

    def _wait(self, item: T) -> R:
        waiting: _Waiting[T, R] = _Waiting(item, self._size_of(item))
        self._waiting.append(waiting)
        try:
            waiting.done.wait()
        except BaseException:
            waiting.left = True
            raise
        try:
            return _outcome(waiting.outcome)
        finally:
            del waiting  # a cycle, as in _outcome

    def _end(self) -> None:
        self._owner = None
        self._turn.release()

    def _run(self) -> None:
        """Call with what was gathered, until nothing was."""
        try:
            while self._waiting:
                self._make(self._next())
        finally:
            while self._waiting:  # it was killed
                self._waiting.popleft().end(_ended())
            self._end()

    def _next(self) -> list[_Waiting[T, R]]:
        """The items of the next call. Those that have waited too long have ended."""
        found: list[_Waiting[T, R]] = []
        size = 0
        while self._waiting and len(found) < self._most:
            first = self._waiting.popleft()
            if first.left:
                continue
            if time.monotonic() - first.since > self._patience:
                first.end(self._late())
                continue
            if found and size + first.size > MOST_SIZE:
                self._waiting.appendleft(first)
                break
            found.append(first)
            size += first.size
        return found

    def _make(self, batch: list[_Waiting[T, R]]) -> None:
        """Make a call, and give each outcome on when it is there."""
        if not batch:
            return
        began, waiting = time.monotonic(), deque(batch)
        failure: Exception | None = None  # unless it fails, this greenlet was killed
        try:
            for outcome in self._call([each.item for each in batch]):
                waiting.popleft().end(outcome)
        except ERRORS as error:
            failure = cast("Exception", error.with_traceback(None))
        finally:
            for each in waiting:
                each.end(failure or _ended())
            self._adapt(len(batch), time.monotonic() - began)

    def _adapt(self, count: int, seconds: float) -> None:
        """Adapt how many items the next call may have to the time that one took."""
        if seconds > self._patience * PART:
            self._most = max(self._most // 2, 1)
        elif count >= self._most:
            self._most = min(self._most * 2, MOST)


def _thread() -> object:
    """The main greenlet of this thread. The number of a thread may be used again."""
    greenlet = getcurrent()
    while greenlet.parent is not None:
        greenlet = greenlet.parent
    return greenlet


def _ended() -> Exception:
    return BrokerUnavailable("the greenlet that publishes has ended")


def _outcome(outcome: R | Exception) -> R:
    if isinstance(outcome, Exception):
        try:
            raise copied(outcome)
        finally:
            del outcome  # a cycle: its traceback refers to this frame
    return outcome
