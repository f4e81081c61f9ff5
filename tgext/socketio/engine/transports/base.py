"""What both transports share: the heartbeat, and the disconnection of slow clients.

A session has one transport at a time, and a transport one outbox. The transports are
:mod:`~tgext.socketio.engine.transports.polling` and
:mod:`~tgext.socketio.engine.transports.websocket`;
:mod:`~tgext.socketio.engine.transports.upgrade` changes from the first to the second.
"""

from __future__ import annotations

from logging import INFO

import gevent

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.reasons import (
    CLIENT_LEFT,
    PING_TIMEOUT,
    SERVER_LEFT,
    SLOW_CONSUMER,
)
from ..concurrency.heartbeat import Deadline, Heartbeat
from ..hub.hub import Hub
from ..lines import CONNECTIONS, details_of
from ..logs import get_logger
from ..session import transport
from ..session.session import Socket

log = get_logger(CONNECTIONS)

#: Messages that are handled before other greenlets run.
BATCH = 16

#: The time in which a client waits for its pong, divided by the interval at which a
#: transport checks whether a handler keeps the connection from being read. With 3,
#: there are at least two checks in that time, which is enough.
LOOKS = 3

#: Reasons after which the client must not reconnect automatically.
FINAL = (CLIENT_LEFT, SERVER_LEFT)


class Transport(transport.Transport):
    """A transport that ends the session when the client does not answer or read."""

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
        """Start the heartbeat."""
        self.hub.timers.add(self.heartbeat, self.heartbeat.interval)

    def stop(self) -> None:
        """Stop the heartbeat: another transport takes over, or the session ends."""
        self.closed = True
        self.hub.timers.discard(self.heartbeat)
        self.heartbeat.let_go()

    def _let_go(self, deadline: Deadline) -> None:
        """It has ended: it is to be freed without the garbage collector.

        :param deadline: the one of this transport.
        """
        deadline.let_go()
        self.outbox.let_go()

    def expect_ack(self) -> None:
        pass

    def send_text(self, text: str) -> None:
        """Send a message of the protocol, such as a ping. ``max_outbox`` is ignored."""
        self.outbox.send_own(Encoded(text))

    def _say_farewell(self, reason: str) -> None:
        farewell = self.socket.generation.farewell(reason not in FINAL)
        if farewell is not None:
            self.send_text(farewell)

    def _ping(self) -> None:
        self.send_text(self.socket.generation.ping)
        self._look()

    def _look(self) -> None:
        """Called at intervals, while a handler may keep the connection from being read.

        A transport then answers the client's pings, and notices when the client has
        gone.
        """

    def _timed_out(self) -> None:
        gevent.spawn(self.socket.kill, reason=PING_TIMEOUT)

    def _overflowed(self, reason: str) -> None:
        if log.isEnabledFor(INFO):
            details = details_of(self.socket, waiting=self.outbox.size, reason=reason)
            told = reason, self.socket, details.whose
            log.info("A client does not read: %s: %s (%s)", *told, extra=details)
        gevent.spawn(self.socket.kill, reason=SLOW_CONSUMER)
