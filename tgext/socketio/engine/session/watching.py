"""Watches how long events take: the log tells of slow ones, and metrics count all.

Events are watched only if something wants to know: the logger is enabled and
``slow_event`` is not 0, or there are metrics. Reading the clock twice takes 1 % of an
event in the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import INFO
from math import inf
from time import perf_counter
from typing import Any

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet
from ..hub.counts import OTHER, Tallies, Tally
from ..hub.hub import Hub
from ..lines import SLOW, details_of
from ..logs import get_logger
from ..namespaces.base import BaseNamespace
from ..namespaces.events import label_of
from .connection import Connection

log = get_logger(SLOW)

#: The most names of events of one namespace whose counts are found at once. A client
#: may spell one event in many ways: ``a b`` is ``a_b``.
MOST = 1000

#: Of so many events of one kind, one is timed: the clock is most of the cost.
SAMPLE = 16

#: Handles an event; returns its ack.
Perform = Callable[[BaseNamespace, Packet], "Encoded | None"]


class Watch:
    """Runs events, and tells of slow ones. All connections of a server share it.

    :param slow: seconds above which the log has a line.
    """

    def __init__(self, slow: float) -> None:
        self._slow = slow

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
            if seconds > self._slow:
                self._tell(socket, packet, seconds)

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


class CountingWatch(Watch):
    """Counts all events, and times some of them.

    :param slow: seconds above which the log has a line; infinite for no lines.
    :param tallies: where events are counted.
    """

    def __init__(self, slow: float, tallies: Tallies) -> None:
        super().__init__(slow)
        self._tells = slow != inf
        self._tallies = tallies
        #: What namespaces count with, by their class and where it is mounted.
        self._known: dict[tuple[type, str], dict[str, Tally]] = {}

    def run(
        self,
        socket: Connection,
        perform: Perform,
        namespace: BaseNamespace,
        packet: Packet,
    ) -> Any:
        """Run an event, wrappers and all."""
        # An attribute of the namespace: its class, and where it is mounted, are right.
        counted: Any = namespace
        try:
            tally = counted._tgsio_tallies[packet["name"]]
        except (KeyError, AttributeError):  # a message; the first event
            tally = self._find(namespace, packet)
        tally.number = number = tally.number + 1
        is_timed = number % SAMPLE == 1
        if not (is_timed or self._tells):
            return socket.runner.run(perform, namespace, packet)
        began = perf_counter()
        try:
            return socket.runner.run(perform, namespace, packet)
        finally:
            seconds = perf_counter() - began
            if is_timed:
                tally.add(seconds)
            if seconds > self._slow:
                self._tell(socket, packet, seconds)

    def _find(self, namespace: BaseNamespace, packet: Packet) -> Tally:
        """The events that one counts among.

        Clients choose the names. So those without a method in the class share one.
        """
        label, endpoint = label_of(namespace, packet), packet["endpoint"]
        tally = self._tallies.setdefault((endpoint or "/", label), Tally())
        known = self._known.setdefault((type(namespace), endpoint), {})
        name = packet.get("name")
        if name and label != OTHER and len(known) < MOST:
            known[name] = tally
        counted: Any = namespace
        counted._tgsio_tallies = known
        return tally


def watch_of(hub: Hub) -> Watch | None:
    """What watches the events of a new connection; None if nothing wants to know."""
    tallies, slow = hub.counts.events, hub.settings.slow_event or inf
    if not log.isEnabledFor(INFO):
        slow = inf
    if tallies is None and slow == inf:
        return None
    wanted = slow, tallies is not None
    watch: Watch | None = hub.watches.get(wanted)
    if watch is None:
        watch = Watch(slow) if tallies is None else CountingWatch(slow, tallies)
        hub.watches[wanted] = watch
    return watch
