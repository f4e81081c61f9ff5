"""Watches how long events take: the log tells of slow ones.

Events are watched only if something wants to know: the logger is enabled, and
``slow_event`` is not 0. Reading the clock twice is 1 % of an event in the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import INFO
from time import perf_counter
from typing import Any

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet
from ..hub.hub import Hub
from ..lines import SLOW, details_of
from ..logs import get_logger
from ..namespaces.base import BaseNamespace
from .connection import Connection

log = get_logger(SLOW)

#: Handles an event; returns its ack.
Perform = Callable[[BaseNamespace, Packet], "Encoded | None"]


class Watch:
    """Runs events, and sees how long they take. All connections of a server share it.

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


def watch_of(hub: Hub) -> Watch | None:
    """What watches the events of a new connection; None if nothing wants to know."""
    slow = hub.settings.slow_event
    if not slow or not log.isEnabledFor(INFO):
        return None
    watch: Watch | None = hub.watch
    if watch is None:
        watch = hub.watch = Watch(slow)
    return watch
