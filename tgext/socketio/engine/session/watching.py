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
from ..hub.counts import OTHER, Counts, Tallies, Tally
from ..hub.hub import Hub
from ..lines import SLOW, details_of
from ..logs import get_logger
from ..namespaces.base import BaseNamespace
from ..namespaces.events import label_of
from .connection import Connection

log = get_logger(SLOW)

#: The most names of events whose counts are found at once. A client may spell one
#: event in many ways: ``a b`` is ``a_b``.
MOST = 1000

#: Of so many events of one kind, one is timed: the clock is most of the cost.
SAMPLE = 8

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


class _Kind:
    """The events of one name in one namespace."""

    __slots__ = ("cls", "endpoint", "tally")

    def __init__(self, cls: type, endpoint: str, tally: Tally) -> None:
        self.cls = cls
        self.endpoint = endpoint
        self.tally = tally


class CountingWatch(Watch):
    """Counts all events, and times some of them.

    :param slow: seconds above which the log has a line; infinite for no lines.
    :param counts: where acks are counted.
    :param tallies: where events are counted.
    """

    def __init__(self, slow: float, counts: Counts, tallies: Tallies) -> None:
        super().__init__(slow)
        self._tells = slow != inf
        self._counts = counts
        self._tallies = tallies
        #: The latest of each name.
        self._known: dict[str | None, _Kind] = {}

    def run(
        self,
        socket: Connection,
        perform: Perform,
        namespace: BaseNamespace,
        packet: Packet,
    ) -> Any:
        """Run an event, wrappers and all."""
        kind = self._known.get(packet.get("name"))
        if (
            kind is None
            or kind.cls is not namespace.__class__
            or kind.endpoint != packet["endpoint"]
        ):
            kind = self._find(namespace, packet)
        tally = kind.tally
        tally.number = number = tally.number + 1
        if "ack" in packet:
            self._counts.acks_sent += 1
        if number % SAMPLE == 1:
            began = perf_counter()
            try:
                return self._run(socket, perform, namespace, packet)
            finally:
                tally.add(perf_counter() - began)
        if self._tells:
            return super().run(socket, perform, namespace, packet)
        return socket.runner.run(perform, namespace, packet)

    def _run(self, socket: Connection, *args: Any) -> Any:
        if self._tells:
            return super().run(socket, *args)
        return socket.runner.run(*args)

    def _find(self, namespace: BaseNamespace, packet: Packet) -> _Kind:
        """The events that one counts among.

        Clients choose the names. So those without a method in the class share one.
        """
        label, endpoint = label_of(namespace, packet), packet["endpoint"]
        tally = self._tallies.setdefault((endpoint or "/", label), Tally())
        kind = _Kind(type(namespace), endpoint, tally)
        name = packet.get("name")
        if name and label != OTHER and len(self._known) < MOST:
            self._known[name] = kind
        return kind


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
        watch = (
            Watch(slow) if tallies is None else CountingWatch(slow, hub.counts, tallies)
        )
        hub.watches[wanted] = watch
    return watch
