"""What a server counts, for those who operate it.

What happens to a connection is counted always. Events are counted and timed once
something has asked for it (:func:`time_events`), of clients that connect after that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from operator import add
from typing import Final
from weakref import WeakSet

from ...wire.socketio import reasons
from ..io.traffic import NOTHING, Traffic

#: The upper bounds of the buckets of a histogram, in seconds; the last has none.
BOUNDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)

#: The name of everything whose name a client or an application has chosen freely.
OTHER: Final = "other"

#: Reasons and errors that are counted by their names.
REASONS: Final = frozenset(
    value for name, value in vars(reasons).items() if name.isupper()
)
ERRORS: Final = frozenset(
    (
        "channel_not_available",
        "channel_not_specified",
        "internal_error",
        "invalid_method_args",
        "invalid_packet",
        "method_access_denied",
        "no_such_method",
        "no_such_namespace",
        "rate_limited",
        "subscription_rejected",
        "unallowed_event_name",
    )
)


class Timing:
    """A histogram of times.

    :ivar seconds: their sum.
    :ivar buckets: how many are in each bucket alone.
    """

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)

    def add(self, seconds: float) -> None:
        self.seconds += seconds
        self.buckets[bisect_left(BOUNDS, seconds)] += 1

    def include(self, other: Timing) -> None:
        """Add what another one has."""
        self.seconds += other.seconds
        self.buckets = list(map(add, self.buckets, other.buckets))

    @property
    def cumulative(self) -> list[int]:
        """How many are in each bucket and those before it."""
        return list(accumulate(self.buckets))


class Tally(Timing):
    """The number of events of one kind, and the times that some of them took.

    :ivar number: of all of them.
    """

    __slots__ = ("number",)

    def __init__(self) -> None:
        super().__init__()
        self.number = 0


#: By the names of a namespace and of an event.
Tallies = dict[tuple[str, str], Tally]


class Counts:
    """What one server has counted.

    :ivar opened: connections, by the generation and the first transport of the client.
    :ivar closed: connections that were open, by reason.
    :ivar refused: by what was refused, and the HTTP status if it has one.
    :ivar errors: what clients were told, by name.
    :ivar recoveries: clients that asked to recover, by what became of it.
    :ivar acks_sent: acks of events.
    :ivar acks_received: acks of clients, that something waited for.
    :ivar traffic: of the connections that have ended.
    :ivar events: None while nobody has asked for them.
    """

    def __init__(self) -> None:
        self.opened: Counter[tuple[str, str]] = Counter()
        self.closed: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.errors: Counter[str] = Counter()
        self.recoveries: Counter[str] = Counter()
        self.acks_sent = self.acks_received = 0
        self.traffic = NOTHING
        self.events: Tallies | None = {} if _timed else None
        _all.add(self)

    def close(self, reason: str) -> None:
        """Count a connection that ends."""
        self.closed[reason if reason in REASONS else OTHER] += 1

    def refuse(self, what: str, status: str = "") -> None:
        """Count a refusal.

        :param status: that of the HTTP answer, with or without its text.
        """
        self.refused[what, status[:3]] += 1

    def tell_error(self, name: object) -> None:
        """Count an error that a client is told."""
        known = isinstance(name, str) and name in ERRORS
        self.errors[str(name) if known else OTHER] += 1

    def end(self, traffic: Traffic) -> None:
        """Add the traffic of a connection that has ended."""
        self.traffic = self.traffic.plus(traffic)


#: Those of all servers of the process.
_all: WeakSet[Counts] = WeakSet()
_timed = False


def time_events() -> None:
    """Count and time the events of all servers of this process from now on.

    An application's metrics are those of its process; they are asked for before there
    is a server.
    """
    global _timed
    _timed = True
    for each in _all:
        if each.events is None:
            each.events = {}
