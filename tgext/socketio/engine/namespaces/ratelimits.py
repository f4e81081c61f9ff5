"""Rate limits: ``@rate_limit('20/second')`` on handlers and on namespace classes.

The library ``limits`` reads the notation. Its windows are not used: its storage in
memory starts a thread every few milliseconds and runs on the wall clock, and a
connection's counts would be found by text in a store of all connections. Ours are in
:mod:`~tgext.socketio.engine.hub.rates`, and end with the connection.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar
from weakref import WeakKeyDictionary

import gevent

from ...wire.escape import escape
from ...wire.socketio.packet import EVENTS, Packet
from ..concurrency.clock import monotonic
from ..hub.rates import Rate, Users, Window, Windows
from ..hub.rooms import Rooms
from ..logs import get_logger
from .client import Client
from .handlers import LIMITS
from .methods import Callee, refuse

log = get_logger(__name__)

#: Returns the time in seconds.
clock: Callable[[], float] = monotonic

#: The name of the error that a client gets.
RATE_LIMITED: Final = "rate_limited"

#: A client is disconnected when more events than this exceeded limits in this time.
OFFENCES: Final = Rate(100, 10.0)

_T = TypeVar("_T", bound=Callable[..., Any])
_numbers = count()


@dataclass(frozen=True)
class Limit:
    """A limit, as an application gave it.

    :ivar text: the limit as text.
    :ivar by_user: whether all connections of a user share it.
    :ivar number: another one for each limit.
    """

    text: str
    rates: tuple[Rate, ...]
    by_user: bool
    number: int = field(default_factory=lambda: next(_numbers))


def rate_limit(
    limits: str, by: Literal["connection", "user"] = "connection"
) -> Callable[[_T], _T]:
    """Decorate a handler, or a namespace class, to limit how often it is called.

    On a class, all events of the namespace count together. When a limit is exceeded,
    the handler is not called, and the client gets the error ``rate_limited``, whose
    information is ``{'retry_after': seconds, 'limit': text}``.

    :param limits: in the notation of the library ``limits``: ``'20/second'``, ``'100
        per 5 minutes'``, or several: ``'20/second; 300/minute'``.
    :param by: ``'user'``: all connections of a user to the process count together.
        Those of anonymous clients count alone.
    :raises ValueError: when ``limits`` or ``by`` is invalid.
    :raises ImportError: when the library ``limits`` is not installed.
    """
    if by not in ("connection", "user"):
        raise ValueError(f"rate_limit: by is 'connection' or 'user', not {by!r}")
    limit = Limit(limits, tuple(read(limits)), by == "user")

    def decorate(target: _T) -> _T:
        if isinstance(target, type):
            if not hasattr(target, "_tgsio_steps"):
                raise TypeError(f"rate_limit: {target.__name__} is no namespace class")
            # No event goes directly to its method; see `process_event`.
            target._tgsio_steps = ()
        setattr(target, LIMITS, (*getattr(target, LIMITS, ()), limit))
        return target

    return decorate


def read(text: str) -> Sequence[Rate]:
    """The rates of a limit's text.

    :raises ValueError: when it is invalid.
    :raises ImportError: when the library ``limits`` is not installed.
    """
    try:
        import limits
    except ImportError:
        raise ImportError(
            "@rate_limit needs the library limits: pip install 'tgext.socketio[limits]'"
        ) from None
    try:
        items = limits.parse_many(text)
    except ValueError:
        items = []
    if not items or any(each.amount < 1 for each in items):
        raise ValueError(
            f"rate_limit: {text!r} is no limit such as '20/second' or '5 per 2 minutes'"
        )
    return [Rate(each.amount, float(each.get_expiry())) for each in items]


class Offences:
    """The events of one client that exceeded limits."""

    __slots__ = ("_window", "ended")

    def __init__(self) -> None:
        self._window = Window(OFFENCES)
        self.ended = False

    def add(self, client: Client, what: str, now: float) -> None:
        """Note one; disconnect the client when there are too many.

        :param what: the limit, and where the operator can raise it, for the log.
        """
        if not self._window.take(now) or self.ended:
            return
        self.ended = True
        log.warning(
            "Disconnected session %s: more than %d of its events in %g s exceeded a "
            "limit; the last: %s",
            getattr(client, "log_name", ""),
            *OFFENCES,
            what,
        )
        client.finish()
        gevent.spawn(client.disconnect)  # the caller sends the error first


class _Counted:
    """What a connection has used of its limits."""

    __slots__ = ("offences", "windows")

    def __init__(self) -> None:
        self.windows = Windows()
        self.offences = Offences()


#: Of the connections that have called a handler with a limit.
_counted: WeakKeyDictionary[Client, _Counted] = WeakKeyDictionary()

#: Of the users of each controller in each application.
_users: WeakKeyDictionary[Rooms, Users] = WeakKeyDictionary()


class Limited(Callee, Protocol):
    """A namespace, as this module uses it."""

    ns_name: str
    _tgsio_limits: ClassVar[tuple[Limit, ...]]


def exceeded(namespace: Limited, method_name: str, packet: Packet) -> bool:
    """Count the call of a method; tell the client when a limit is exceeded.

    A packet counts once for a limit, also when its transaction is tried again.

    :returns: whether one is: the method must not be called then.
    """
    limits: tuple[Limit, ...] = getattr(
        getattr(namespace, method_name, None), LIMITS, ()
    )
    if namespace._tgsio_limits and packet.get("type") in EVENTS:
        limits = namespace._tgsio_limits + limits
    if not limits:
        return False
    marks = packet.setdefault("counted", [])
    limits = tuple(each for each in limits if each.number not in marks)
    now = clock()
    client = namespace.socket
    counted = _counted.get(client)
    if counted is None:
        counted = _counted[client] = _Counted()
    windows = [(each, _windows_of(each, client, counted, now)) for each in limits]
    waits = {each: max(window.wait(now) for window in found) for each, found in windows}
    late = max(waits, key=waits.__getitem__, default=None)
    if late is None or not waits[late]:
        for each, found in windows:
            marks.append(each.number)
            for window in found:
                window.add(now)
        return False
    what = (
        f"@rate_limit({late.text!r}) of {escape(method_name)} or of its class, in "
        f"namespace {namespace.ns_name or '/'}"
    )
    counted.offences.add(client, what, now)
    refuse(namespace, packet, RATE_LIMITED, information(waits[late], late.text))
    return True


def _windows_of(
    limit: Limit, client: Client, counted: _Counted, now: float
) -> list[Window]:
    windows = counted.windows
    user = client.runner.user if limit.by_user else None
    if user is not None:
        users = _users.get(client._tgsio_rooms)
        if users is None:
            users = _users[client._tgsio_rooms] = Users()
        windows = users.of(user, now)
    return windows.of(limit.number, limit.rates)


def information(wait: float, text: str) -> dict[str, Any]:
    """What the client is told of a limit that it exceeded.

    :param wait: seconds until there is room for an event.
    :param text: the limit.
    """
    return {"retry_after": math.ceil(wait * 1000) / 1000, "limit": text}


class EventRate:
    """The limit ``max_events_per_second`` of one connection.

    :param amount: the option.
    """

    __slots__ = ("_amount", "_offences", "_window")

    def __init__(self, amount: int) -> None:
        self._amount = amount
        self._window = Window(Rate(amount, 1.0))
        self._offences = Offences()

    def excess(self, client: Client) -> dict[str, Any] | None:
        """Count an event.

        :returns: None, or what the client is told when the limit is exceeded.
        """
        now = clock()
        wait = self._window.take(now)
        if not wait:
            return None
        what = f"max_events_per_second is {self._amount}"
        self._offences.add(client, what, now)
        return information(wait, f"{self._amount}/second")
