"""Calls of many greenlets to a broker that are made as one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar, cast

import gevent
from gevent.event import Event

from ..engine.concurrency.failures import ERRORS
from ..engine.concurrency.threads import allocate_lock, get_ident
from .errors import BrokerUnavailable

T = TypeVar("T")
R = TypeVar("R")

#: The most items of one call, and their size.
MOST: Final = 100
MOST_SIZE: Final = 1024 * 1024


class _Batch(Generic[T, R]):
    """Items that wait for a call.

    :ivar items: None for one whose greenlet no longer waits.
    :ivar size: the size of all.
    :ivar since: the time at which the first came.
    :ivar done: set when the call was made.
    :ivar outcomes: of the items.
    """

    __slots__ = ("done", "items", "outcomes", "since", "size")

    def __init__(self) -> None:
        self.items: list[T | None] = []
        self.size = 0
        self.since = time.monotonic()
        self.done = Event()
        self.outcomes: Sequence[R | Exception] = ()


class Gathered(Generic[T, R]):
    """Makes one call with the items of many greenlets, in their order.

    An item that comes while nothing is under way is called with alone, at once. What
    comes meanwhile is gathered for the next call, so that the more comes, the less each
    costs, and nothing waits for what may come.

    :param call: called with items; returns the outcome of each, which may be an error.
    :param size_of: returns the size of an item.
    :param patience: seconds after which gathered items are not called with any more.
    :param late: makes the error that their greenlets are given.
    """

    def __init__(
        self,
        call: Callable[[Sequence[T]], Sequence[R | Exception]],
        size_of: Callable[[T], int],
        patience: float,
        late: Callable[[], Exception],
    ) -> None:
        self._call = call
        self._size_of = size_of
        self._patience = patience
        self._late = late
        self._batches: deque[_Batch[T, R]] = deque()
        #: Held while a call of a thread is under way. Other threads call by themselves.
        self._turn = allocate_lock()
        self._owner: int | None = None

    def do(self, item: T) -> R:
        """Call with an item, or have it called with; returns its outcome.

        :raises Exception: what the call has raised, or its outcome.
        """
        if self._turn.acquire(False):
            self._owner = get_ident()
            try:
                outcomes = self._call([item])
            finally:
                # In a greenlet of its own: this one may be killed, which is no matter
                # of the others.
                if self._batches:
                    gevent.spawn(self._run)
                else:
                    self._end()
            try:
                return _outcome(outcomes[0])
            finally:
                del outcomes  # a cycle, as in _outcome
        if self._owner != get_ident():
            return _outcome(self._call([item])[0])
        return self._wait(item)

    def _wait(self, item: T) -> R:
        batch = self._batch(self._size_of(item))
        number = len(batch.items)
        batch.items.append(item)
        try:
            batch.done.wait()
        except BaseException:
            batch.items[number] = None
            raise
        try:
            return _outcome(batch.outcomes[number])
        finally:
            del batch  # a cycle, as in _outcome

    def _batch(self, size: int) -> _Batch[T, R]:
        """The batch that an item comes into."""
        batch = self._batches[-1] if self._batches else None
        if batch is None or len(batch.items) >= MOST or batch.size + size > MOST_SIZE:
            batch = _Batch()
            self._batches.append(batch)
        batch.size += size
        return batch

    def _end(self) -> None:
        self._owner = None
        self._turn.release()

    def _run(self) -> None:
        """Call with what was gathered, until nothing was."""
        try:
            while self._batches:
                self._make(self._batches.popleft())
        finally:
            while self._batches:  # it was killed
                batch = self._batches.popleft()
                batch.outcomes = [_ended()] * len(batch.items)
                batch.done.set()
            self._end()

    def _make(self, batch: _Batch[T, R]) -> None:
        given = [(n, each) for n, each in enumerate(batch.items) if each is not None]
        outcomes: list[R | Exception] = [_ended()] * len(batch.items)
        try:
            if not given:
                return
            if time.monotonic() - batch.since > self._patience:
                raise self._late()
            made = self._call([each for _, each in given])
            for (number, _), outcome in zip(given, made, strict=True):
                outcomes[number] = outcome
        except ERRORS as error:
            outcomes = [cast("Exception", error)] * len(batch.items)
        finally:
            batch.outcomes = outcomes
            batch.done.set()


def _ended() -> Exception:
    return BrokerUnavailable("the greenlet that publishes has ended")


def _outcome(outcome: R | Exception) -> R:
    if isinstance(outcome, Exception):
        try:
            # Without the traceback of another greenlet.
            raise outcome.with_traceback(None)
        finally:
            del outcome  # a cycle: its traceback refers to this frame
    return outcome
