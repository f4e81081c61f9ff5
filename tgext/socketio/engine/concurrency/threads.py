"""Calls from native threads, which are run in the server's thread.

gevent's objects, and objects that contain them, belong to the thread whose event loop
runs them. If another thread (of gevent's thread pool or of a ``ThreadPoolExecutor``)
switched a greenlet or started a timer, it would use its own event loop, which does not
run. So functions that applications may call from any thread do their work in the
server's thread. Calls of one thread stay in order.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from functools import partial, update_wrapper
from itertools import count
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

import gevent
from gevent.monkey import get_original

from ..logs import get_logger
from .failures import FAILURES
from .fairness import Turns
from .interruption import Interrupted

log = get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="HasHome")

#: The identifier of the native thread; gevent's own names greenlets.
get_ident: Final[Callable[[], int]] = get_original("_thread", "get_ident")
#: A lock between native threads.
allocate_lock: Final[Callable[[], Any]] = get_original("_thread", "allocate_lock")

#: Seconds within which the server's thread has to begin a call whose result is awaited.
PATIENCE: Final = 30.0

#: After every so many calls without a result, the calling thread waits until they have
#: been made. This limits the number of calls under way.
UNDER_WAY: Final = 1000


class WrongThread(RuntimeError):
    """A call that is only possible in the server's thread was made in another one."""


class _Call:
    """A call on its way to the server's thread."""

    def __init__(self, function: Callable[[], Any], awaited: bool) -> None:
        self._function = function
        self._done: Any = None
        if awaited:
            self._done = allocate_lock()
            self._done.acquire()
        self._result: Any = None
        self._error: BaseException | None = None
        self._begun = self._given_up = False

    def run(self) -> None:
        """Make the call. Runs in the server's thread."""
        if self._given_up:
            return
        self._begun = True
        try:
            self._result = self._function()
        except Interrupted as error:
            self._error = error
            raise
        except FAILURES as error:
            self._error = error
            if self._done is None:
                log.exception("A call from another thread failed")
        finally:
            if self._done is not None:
                self._done.release()

    def wait(self) -> Any:
        """Wait for the result of the call. Runs in the calling thread."""
        if not self._done.acquire(timeout=PATIENCE):
            self._given_up = True
            if not self._begun:
                raise TimeoutError(
                    "The server's thread did not begin a call of this thread in "
                    f"{PATIENCE:g} s: it has ended, or it waits for this thread"
                )
            self._done.acquire()
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None
        return self._result


class Home:
    """A native thread whose event loop serves connections.

    :ivar ident: the identifier of the thread.
    """

    __slots__ = ("_arrived", "_posted", "_queues", "_wakeup", "ident", "loop")

    def __init__(self) -> None:
        self.ident = get_ident()
        self.loop = gevent.get_hub().loop
        self._arrived: deque[tuple[int, _Call]] = deque()
        #: The one thing of an event loop that other threads may use. `run_callback` and
        #: `run_callback_threadsafe` change the loop's count of references without a
        #: lock: a count that is lost ends the loop, and with it the server.
        self._wakeup = self.loop.async_(ref=False)
        self._wakeup.start(self._sort)
        self._queues: dict[int, deque[_Call]] = {}
        self._posted = count(1)

    @property
    def callers(self) -> int:
        """How many threads have calls that have not been made yet."""
        return len(self._queues)

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function in this home's thread; its exceptions are logged.

        Does not wait, except for every thousandth call.
        """
        self._send(_Call(partial(function, *args), awaited=False))
        if not next(self._posted) % UNDER_WAY:
            self.ask(int)

    def ask(self, function: Callable[..., R], *args: Any) -> R:
        """Call a function in this home's thread, and wait for its result.

        :returns: what it returns; its exceptions are raised here.
        :raises TimeoutError: when the call did not begin within 30 seconds. It is
            cancelled then.
        """
        call = _Call(partial(function, *args), awaited=True)
        self._send(call)
        result: R = call.wait()
        return result

    def require(self, what: str) -> None:
        """Check that the current thread is this home's.

        :param what: what is required, for the message.
        :raises WrongThread: when it is another thread.
        """
        if get_ident() != self.ident:
            raise WrongThread(
                f"{what} is only possible in the server's thread, not in this one"
            )

    def _send(self, call: _Call) -> None:
        self._arrived.append((get_ident(), call))
        self._wakeup.send()

    # In the server's thread

    def _sort(self) -> None:
        while self._arrived:
            ident, call = self._arrived.popleft()
            queue = self._queues.get(ident)
            if queue is None:
                queue = self._queues[ident] = deque()
                gevent.spawn(self._run, ident, queue)
            queue.append(call)

    def _run(self, ident: int, queue: deque[_Call]) -> None:
        """Make the calls of one thread until its queue is empty."""
        turns = Turns()
        try:
            while queue:
                queue.popleft().run()
                turns.check()
        finally:
            if queue:
                # A call was interrupted: those after it are made nevertheless.
                gevent.spawn(self._run, ident, queue)
            else:
                del self._queues[ident]


class HasHome(Protocol):
    """An object that belongs to a thread."""

    @property
    def _tgsio_home(self) -> Home:
        """The thread that it belongs to."""


_homes: dict[int, Home] = {}

#: The threads in which servers run, in the order in which these were started.
_serving: list[Home] = []


def home() -> Home:
    """The :class:`Home` of the running thread."""
    ident = get_ident()
    found = _homes.get(ident)
    # A new thread may have the identifier of an old one, but has its own event loop.
    if found is None or found.loop is not gevent.get_hub().loop:
        found = _homes[ident] = Home()
    return found


#: What says that a server will be started in this process.
_expected: list[str] = []


def _serve_no_more() -> None:
    _serving.clear()
    _expected.clear()


# A forked process does not serve the connections of its parent.
os.register_at_fork(after_in_child=_serve_no_more)


def expect_server(reason: str) -> None:
    """Note that a server will be started in this process.

    :param reason: what says so.
    """
    _expected.append(reason)


def is_serving() -> bool:
    """Whether this process has a server, or will have one."""
    return bool(_serving or _expected)


def begin_serving(where: Home) -> Home:
    """Note that a server was started in a thread.

    :returns: the same.
    """
    _serving.append(where)
    return where


def end_serving(where: Home | None) -> None:
    """Note that a server was stopped; None for one that was not started."""
    if where in _serving:
        _serving.remove(where)


def where_served(function: Callable[..., R], *args: Any) -> R:
    """Call a function in a server's thread.

    That is the running thread if a server runs in it, or if there is no server, as in a
    script; otherwise the thread of the server that was started last.

    :returns: what the function returns.
    """
    ident = get_ident()
    if not _serving or any(each.ident == ident for each in _serving):
        return function(*args)
    return _serving[-1].ask(function, *args)


def carried(
    method: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Decorate a method to run in the thread that its object belongs to.

    In another thread, a call waits for its result; exceptions are raised there.
    """

    def carry(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        home = self._tgsio_home
        if get_ident() == home.ident:
            return method(self, *args, **kwargs)
        return home.ask(partial(method, self, *args, **kwargs))

    wrapped: Callable[Concatenate[S, P], R] = carry
    update_wrapper(wrapped, method)
    return wrapped
