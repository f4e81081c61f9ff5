"""A plain WebSocket after its opening handshake: messages in, frames out.

Pings are answered, and a peer that leaves is noticed, while the application does
something else. The rules of RFC 6455 are in
:mod:`~tgext.socketio.wire.websocket.connection`. This module connects them to a socket,
to greenlets and to timers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from gevent import get_hub, getcurrent
from gevent.event import Event
from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.websocket import MSG_SOCKET_DEAD

from ...wire.errors import ProtocolError
from ...wire.websocket.broadcast import Broadcast
from ...wire.websocket.connection import ABNORMAL, CLOSE_TIMEOUT, Connection
from ...wire.websocket.deflate import Agreement
from ...wire.websocket.frames import PING, FrameReader, encode_frame
from ...wire.websocket.states import State
from ..concurrency.heartbeat import Deadline, Heartbeat, nothing
from ..concurrency.wakeup import Waiting
from ..hub.hub import Hub
from ..io.hangup import has_gone
from ..io.output import SocketOutbox
from ..io.sockets import end_output
from .inbox import Inbox

#: States in which the close frame is sent and unsent output may still leave.
_LEAVING = (State.CLOSING, State.DISCARDING, State.FINISHED)

#: A mask for the number of waiting messages: at each fourth, other greenlets may run.
_FEW = 3


class FrameStream:
    """The messages of one connection.

    :param sock: the gevent socket.
    :param hub: has the timers and the limits of the output.
    :param max_message_size: the most bytes of a message of the peer.
    :param ping_interval: seconds between pings.
    :param compression: the compression that was negotiated, or None.
    :param ended: called once, when no more can be sent. Must not block.

    :ivar open: whether messages can be sent.
    :ivar connection: the states of the connection, and the rules of RFC 6455.
    :ivar inbox: the messages that the application has not received yet.
    :ivar outbox: the unsent output.
    :ivar detail: more about the end than its code and reason, for the log.
    """

    def __init__(
        self,
        sock: Any,
        hub: Hub,
        max_message_size: int,
        ping_interval: float,
        compression: Agreement | None,
        ended: Callable[[], object],
    ) -> None:
        self._sock = sock
        self._batcher = hub.batcher
        #: Whether output is coalesced for the messages that wait to be received.
        self._holds_output = False
        self.outbox = SocketOutbox(
            sock, self._batcher, hub.output_bounds, self._overflowed
        )
        self._patience = hub.ping_timeout
        inflater = deflater = None
        if compression is not None:
            inflater, deflater = compression.inflater(), compression.deflater()
        reader = FrameReader(max_message_size, inflater=inflater)
        self.connection = Connection(reader, deflater, CLOSE_TIMEOUT, self._patience)
        self.connection.establish()
        self._uncompressed = compression is None
        self._ended = ended
        self._wheel = hub.timers
        self.heartbeat = Heartbeat(
            ping_interval, hub.ping_timeout, self._ping, self._silent
        )
        self._waiting = Waiting()
        self.inbox = Inbox(sock, self.connection, self, self._waiting)
        self._messages = self.inbox.messages
        #: Calls `_late` at the deadline of the connection.
        self._timer = Deadline(self._late)
        #: The deadline for which `_timer` is set.
        self._due: float | None = None
        #: Set when the connection has ended; `finish` waits for it.
        self._done: Event | None = None
        self.open = True
        self.detail = ""
        #: Unsent bytes at the last deadline. If there are fewer now, the peer still
        #: reads.
        self._unsent = sys.maxsize

    def start(self, early: bytes) -> None:
        """Begin to read and to ping.

        :param early: bytes that were read with the handshake and follow it.
        """
        self._wheel.add(self.heartbeat, self.heartbeat.interval)
        self.inbox.start(early)

    @property
    def code(self) -> int | None:
        """The code with which the connection was closed; None while it is open.

        That of the side that closed first, or 1006 if neither sent a close frame.
        """
        code = self.connection.close_code
        return ABNORMAL if code is None and not self.open else code

    @property
    def reason(self) -> str:
        """The reason of the side that closed first."""
        return self.connection.close_reason

    # Input

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """The next message; None when the connection has ended.

        :param timeout: seconds to wait at most.
        :raises TimeoutError: when none came in time.
        """
        messages = self._messages
        if not len(messages) & _FEW:
            if messages:
                self.inbox.take_turn()
            if not messages:
                self._await_message(timeout)
                if not messages:
                    return None
        return messages.popleft()

    def _await_message(self, timeout: float | None) -> None:
        self._release_output()
        messages, connection = self._messages, self.connection
        self.inbox.refill()
        while not messages and connection.reading:
            self._waiting.wait(timeout)
        if not messages:
            self._step(connection.caught_up(monotonic()))
            self._over()
        elif len(messages) > 1:
            # The answers to these messages are sent together.
            self._batcher.hold()
            self._holds_output = True

    def _release_output(self) -> None:
        if self._holds_output:
            self._holds_output = False
            self._batcher.release()

    def control(self, opcode: int, payload: Any) -> None:
        """A control frame came."""
        if opcode == PING and self.outbox.is_full:
            # The peer pings and does not read: pongs would pile up.
            self.outbox.expect_taking()
        else:
            self._step(self.connection.control(opcode, payload, monotonic()))

    def failed(self, error: ProtocolError) -> None:
        """The input is invalid."""
        self._step(self.connection.fail(error, monotonic()))

    def lost(self) -> None:
        """Stop reading: the connection has ended."""
        self.inbox.stop()
        self._step(self.connection.end(monotonic()))
        if not self._messages:
            self._step(self.connection.caught_up(monotonic()))
            self._over()
        if self._done is not None:
            self._done.set()
        self._waiting.wake()

    # Output

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a message; wait first while more than half of ``max_outbox`` is unsent.

        :raises WebSocketError: when the connection has ended.
        """
        outbox = self.outbox
        if not self.open or outbox.closed:
            raise self._dead()
        if outbox.size > outbox.ease and not outbox.has_room:
            self._await_room()
        if self._uncompressed:
            # `open` says that the state allows it; asking the connection would take 5 %
            # of an echo of 64 bytes.
            outbox.write(encode_frame(opcode, payload))
        else:
            outbox.write(self.connection.send(opcode, payload))

    def deliver(self, broadcast: Broadcast) -> None:
        """Send a message without waiting; disconnect a peer that is too far behind."""
        if self.open:
            self.outbox.write(broadcast.frame(self.connection.deflater))

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        if self.open:
            self.outbox.write(self.connection.send(PING, payload))

    def _ping(self) -> None:
        if self.inbox.full and has_gone(self._sock):
            # The application does not read, and would not notice the end.
            self._over()
        elif self.open:
            self.outbox.write_own(self.connection.send(PING, b""))

    def _await_room(self) -> None:
        if getcurrent() is get_hub():
            return
        if not self.outbox.wait_for_room():
            self.outbox.give_up_waiting()
        if self.outbox.closed or not self.open:
            raise self._dead()

    def _dead(self) -> WebSocketError:
        # Perhaps only the outbox knows of the error so far.
        self._over()
        return WebSocketError(MSG_SOCKET_DEAD)

    def _overflowed(self, reason: str) -> None:
        self.detail = reason
        self.abort("slow consumer")

    # The end

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake (RFC 6455, section 7.1.2); unreceived messages
        are dropped.

        No effect on a connection that is being closed.
        """
        self._step(self.connection.close(code, reason, monotonic()))
        self.inbox.clear()
        self._over()
        self._waiting.wake()

    def abort(self, reason: str = "") -> None:
        """End the connection without a close frame."""
        self.outbox.close()
        with suppress(OSError):  # it is closed
            self._sock.shutdown(2)
        self.connection.drop(monotonic(), reason)
        self.lost()
        self._over()

    def finish(self) -> None:
        """Wait until all is sent and the closing handshake is over; release resources.

        Call :meth:`close` before.
        """
        outbox = self.outbox
        try:
            self._release_output()
            self._drain()
            state = self.connection.state
            if state is State.CLOSING or state is State.DISCARDING:
                if state is State.DISCARDING:
                    self._hang_up()
                self._done = Event()
                self._done.wait(self._patience)
        finally:
            outbox.close()
            self.connection.drop(monotonic())
            self.lost()
            self.inbox.close()
            self._ended = nothing  # it is to be freed without the garbage collector
            for part in (self.heartbeat, self._timer, outbox):
                part.let_go()

    def _drain(self) -> None:
        """Wait until all is sent, as long as the peer reads some of it.

        The connection may have no deadline any more: a peer that ended its own side may
        still read.
        """
        outbox = self.outbox
        unsent = sys.maxsize
        while 0 < outbox.size < unsent:
            unsent = outbox.size
            outbox.wait_drained(self._patience)

    def _step(self, output: bytes) -> None:
        """Send the output of a step of the connection, and act on its new state.

        :param output: what the step returned.
        """
        if output:
            self.outbox.write_own(output)
        connection = self.connection
        if connection.state is State.OPEN:
            return
        self.outbox.flush()
        self._wheel.discard(self.heartbeat)
        self._set_timer()
        if not connection.sending:
            self._over()
            if connection.state in (State.FINISHED, State.DISCARDING):
                self._hang_up()

    def _set_timer(self) -> None:
        due = self.connection.deadline
        if due != self._due:
            self._due = due
            self._wheel.discard(self._timer)
            if due is not None:
                self._wheel.add(self._timer, max(0.0, due - monotonic()))

    def _hang_up(self) -> None:
        """If all is sent, end the output, so that the TCP connection ends in order
        (RFC 6455, section 7.1.1)."""
        if not self.outbox.size:
            with suppress(OSError):  # the peer has closed it
                end_output(self._sock)

    def _late(self) -> None:
        """The deadline of the connection has come."""
        unsent = self.outbox.size
        connection = self.connection
        if connection.state in _LEAVING and 0 < unsent < self._unsent:
            # The peer is slow, but still reads.
            self._unsent = unsent
            self._wheel.add(self._timer, self._patience)
            return
        self._due = None  # the timer has stopped
        self._step(connection.expire(monotonic()))
        if connection.state is State.CLOSED:
            self.abort()

    def _silent(self) -> None:
        self.close(1011, "ping timeout")

    def _over(self) -> None:
        if self.open:
            self.open = False
            self._ended()
