"""Watches how long events take: the log tells of slow ones, and metrics count all.

Events are watched only if something wants to know: the logger is enabled and
``slow_event`` is not 0, or there are metrics. Reading the clock twice takes 1 % of an
event in the engine.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from logging import INFO
from math import inf
from time import perf_counter
from typing import Any

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet
from ..hub.counts import BOUNDS, OTHER, Counts, Timing, Timings
from ..hub.hub import Hub
from ..lines import SLOW, details_of
from ..logs import get_logger
from ..namespaces.base import BaseNamespace
from ..namespaces.events import label_of
from .connection import Connection

log = get_logger(SLOW)

#: The most names of events whose timings are found at once. A client may spell one
#: event in many ways: ``a b`` is ``a_b``.
MOST = 1000

#: The class and the name of a namespace, and the name of an event, if it has one.
Key = tuple[type, str, "str | None"]

#: Handles an event; returns its ack.
Perform = Callable[[BaseNamespace, Packet], "Encoded | None"]


class Watch:
    """Runs events, and sees how long they take. All connections of a server share it.

    :param slow: seconds above which the log has a line.
    :param counts: where acks are counted.
    :param timings: where events are counted, by their namespaces; None if nowhere.
    """

    def __init__(self, slow: float, counts: Counts, timings: Timings | None) -> None:
        self._slow = slow
        self._counts = counts
        self._timings = timings
        self._known: dict[Key, Timing] = {}

    @property
    def wants(self) -> tuple[float, bool]:
        """Above how many seconds it tells of an event, and whether it counts them."""
        return self._slow, self._timings is not None

    def run(
        self,
        socket: Connection,
        perform: Perform,
        namespace: BaseNamespace,
        packet: Packet,
    ) -> Any:
        """Run an event, wrappers and all."""
        began = perf_counter()
        try:
            return socket.runner.run(perform, namespace, packet)
        finally:
            seconds = perf_counter() - began
            if self._timings is not None:
                # Written out: a call for each of these steps doubles what they take.
                key = type(namespace), packet["endpoint"], packet.get("name")
                timing = self._known.get(key) or self._find(key, namespace, packet)
                timing.seconds += seconds
                timing.buckets[bisect_left(BOUNDS, seconds)] += 1
                if "ack" in packet:
                    self._counts.acks_sent += 1
            if seconds > self._slow:
                self._tell(socket, packet, seconds)

    def _find(self, key: Key, namespace: BaseNamespace, packet: Packet) -> Timing:
        """The timing of an event, which may have none of its own.

        Clients choose the names. So those without a method in the class share one.
        """
        assert self._timings is not None
        label = label_of(namespace, packet)
        place = packet["endpoint"] or "/", label
        timing = self._timings.setdefault(place, Timing())
        if key[2] is not None and label != OTHER and len(self._known) < MOST:
            self._known[key] = timing
        return timing

    def _tell(self, socket: Connection, packet: Packet, seconds: float) -> None:
        details = details_of(
            socket,
            packet["endpoint"],
            event=packet.get("name", packet["type"]),
            duration=round(seconds, 3),
        )
        log.info(
            "Slow event %s of %s: %.1f s, more than slow_event, %g s (%s)",
            details["socketio_event"],
            details["socketio_namespace"],
            seconds,
            self._slow,
            details.whose,
            extra=details,
        )


def watch_of(hub: Hub) -> Watch | None:
    """What watches the events of a new connection; None if nothing wants to know."""
    timings, slow = hub.counts.events, hub.settings.slow_event or inf
    if not log.isEnabledFor(INFO):
        slow = inf
    if timings is None and slow == inf:
        return None
    watch: Watch | None = hub.watch
    if watch is None or watch.wants != (slow, timings is not None):
        watch = hub.watch = Watch(slow, hub.counts, timings)
    return watch
