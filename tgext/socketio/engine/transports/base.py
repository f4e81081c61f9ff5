"""What both transports have in common: the heartbeat, and the end of slow clients.

A session has one transport at a time, and a transport one outbox. There are
:mod:`~tgext.socketio.engine.transports.polling` and
:mod:`~tgext.socketio.engine.transports.websocket`;
:mod:`~tgext.socketio.engine.transports.upgrade` leads from the first to the second.
"""

from __future__ import annotations

import gevent

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.reasons import CLIENT_LEFT, SERVER_LEFT
from ..concurrency.heartbeat import Heartbeat
from ..hub.hub import Hub
from ..logs import get_logger
from ..session import transport
from ..session.session import Socket

log = get_logger(__name__)

#: Messages handled before greenlets that are ready have a turn.
BATCH = 16

#: How often, in the time that a client waits for its pong, a transport checks whether
#: a handler keeps the connection from being read. Two checks are enough.
LOOKS = 3

#: Reasons after which the client shall not connect again by itself.
FINAL = (CLIENT_LEFT, SERVER_LEFT)


class Transport(transport.Transport):
    """A transport that watches whether its client lives, and reads what it is sent."""

    def __init__(self, hub: Hub, socket: Socket) -> None:
        self.hub = hub
        self.socket = socket
        self.closed = False
        self.heartbeat = self._heartbeat()

    def _heartbeat(self) -> Heartbeat:
        hub, generation = self.hub, self.socket.generation
        interval = hub.settings.heartbeat_interval
        timeout = hub.heartbeat_timeout(generation)
        if generation.ping:
            return Heartbeat(interval, timeout, self._ping, self._timed_out)
        # The client pings once in an interval, and then waits as long as the timeout.
        often = min(interval, timeout) / LOOKS
        return Heartbeat(often, interval + timeout, self._look, self._timed_out)

    def start(self) -> None:
        """Begin to watch whether the client lives."""
        self.hub.timers.add(self.heartbeat, self.heartbeat.interval)

    def stop(self) -> None:
        """Hand the session over to another transport, or let it end."""
        self.closed = True
        self.hub.timers.discard(self.heartbeat)

    def expect_ack(self) -> None:
        pass

    def send_text(self, text: str) -> None:
        """Send a message of the server's own; it never counts against the client."""
        self.outbox.send_own(Encoded(text))

    def _say_farewell(self, reason: str) -> None:
        farewell = self.socket.generation.farewell(reason not in FINAL)
        if farewell is not None:
            self.send_text(farewell)

    def _ping(self) -> None:
        self.send_text(self.socket.generation.ping)
        self._look()

    def _look(self) -> None:
        """Called at intervals, to notice what a handler that takes long would hide.

        A client that pings has to have its pong, and one that has gone its end.
        """

    def _timed_out(self) -> None:
        gevent.spawn(self.socket.kill, reason="ping timeout")

    def _overflowed(self, reason: str) -> None:
        log.info("A client does not read: %s: %s", reason, self.socket)
        gevent.spawn(self.socket.kill, reason="slow consumer")
