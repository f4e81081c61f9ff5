"""Greenlets that do what is ready, one thing after the other.

A greenlet of its own for each connection costs 9 KiB while the connection waits: its C
stack is kept, and a page of Python's. It also costs two switches for each message.
Here, a greenlet does what has become ready in one turn of the event loop; when it has
to wait, another one goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from sys import getrefcount
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent import Greenlet, getcurrent

from .fairness import SLICE

#: Greenlets that wait for work at most; further ones end.
MOST_IDLE: Final = 2

#: Functions that make the greenlet-local data which may stay. Other data ends its
#: greenlet: no client may find what was kept for the one before.
HARMLESS: Final[list[Callable[[], object]]] = []


if TYPE_CHECKING:
    _Greenlet = Greenlet[..., Any]
else:
    _Greenlet = Greenlet


class _Worker(_Greenlet):
    """A greenlet that knows what may reach it from outside.

    :ivar kept: how many things are kept for it: ``gevent.local`` asks to be told when
        a greenlet ends in which it keeps something.
    :ivar resumed: how often it went on after it had waited.
    """

    kept = resumed = 0

    def rawlink(self, callback: Callable[[Any], object]) -> None:
        self.kept += 1
        super().rawlink(callback)

    def switch(self, *args: Any) -> Any:
        self.resumed += 1
        return super().switch(*args)


class Pool:
    """Does what is ready, in as few greenlets as possible.

    :ivar idle: the greenlets that wait for work.
    """

    def __init__(self) -> None:
        self._ready: deque[Callable[[], object]] = deque()
        #: What can wait until all others have been served.
        self._later: deque[Callable[[], object]] = deque()
        #: The timer of the event loop that lets some of it be done, if it runs; whether
        #: that is so in this turn; and until when.
        self._timer: Any = None
        self._has_turn = False
        self._until = 0.0
        self.idle: list[_Worker] = []
        #: The callback of the event loop that begins with what is ready.
        self._due: Any = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, function: Callable[[], object]) -> None:
        """Call a function soon, in a greenlet that may wait."""
        self._ready.append(function)
        if self._due is None:
            self._due = gevent.get_hub().loop.run_callback(self._begin)

    def add_later(self, function: Callable[[], object]) -> None:
        """Call a function when all others are served: :data:`SLICE` of these a turn.

        The clients that come at once when a server was restarted do not keep those
        waiting who are there already.
        """
        self._later.append(function)
        self._await_turn()

    def _await_turn(self) -> None:
        if self._timer is None:
            # After the input that has come: a lower priority.
            self._timer = gevent.get_hub().loop.timer(0.0, priority=-2)
            self._timer.start(self._take_turn)

    def _take_turn(self) -> None:
        self._timer.close()
        self._timer = None
        self._has_turn, self._until = True, 0.0
        self._begin()

    def _next(self) -> Callable[[], object] | None:
        """What is done next; None when nothing is to be done in this turn."""
        if self._ready:
            return self._ready.popleft()
        if not (self._later and self._has_turn):
            return None
        now = perf_counter()
        self._until = self._until or now + SLICE
        self._has_turn = now < self._until
        return self._later.popleft() if self._has_turn else None

    def open(self) -> None:
        """Let greenlets wait for work."""
        self._closed = False

    def close(self) -> None:
        """End the greenlets that wait for work, now and later."""
        self._closed = True
        idle, self.idle = self.idle, []
        gevent.killall(idle, block=False)

    def _begin(self) -> None:
        """Called in the event loop, where no greenlet runs: all others wait."""
        self._due = None
        while self._ready or (self._later and self._has_turn):
            if not self.idle:
                _Worker.spawn(self._work)
                self._due = gevent.get_hub().loop.run_callback(self._begin)
                return
            # Returns when the greenlet has done all, or has to wait.
            self.idle.pop().switch()
        self._has_turn = False
        if self._later:
            self._await_turn()

    def _work(self) -> None:
        worker: Any = getcurrent()
        for each in HARMLESS:
            each()
        while self._do_all(worker) and self._is_wanted():
            self._await_work(worker)

    def _do_all(self, worker: Any) -> bool:
        """Do what is ready, as long as the greenlet may serve another client.

        It may not when something is left that could reach it: a time-out that was not
        cancelled, a ``kill`` that is due, data of a ``threading.local``. All of these
        refer to it. What a handler has left that waited is not known so exactly.

        :returns: whether it may.
        """
        kept, resumed, attributes = worker.kept, worker.resumed, len(vars(worker))
        references = getrefcount(worker)
        while (function := self._next()) is not None:
            function()
            del function  # it may refer to what has ended
            if (
                worker.kept != kept
                or worker.resumed != resumed
                or len(vars(worker)) != attributes
                or getrefcount(worker) != references
            ):
                return False
            if worker.gr_context is not None:
                worker.gr_context = None  # variables that the application has set
        return True

    def _is_wanted(self) -> bool:
        return not self._closed and len(self.idle) < MOST_IDLE

    def _await_work(self, worker: Any) -> None:
        self.idle.append(worker)
        try:
            # Whatever else may wake it, it is taken out of the list for work.
            while worker in self.idle:
                gevent.get_hub().switch()
        except BaseException:
            if worker in self.idle:
                self.idle.remove(worker)
            raise
