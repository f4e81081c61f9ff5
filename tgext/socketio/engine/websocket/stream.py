"""A WebSocket after its opening handshake: messages in, frames out.

The event loop reads, whether anybody waits for a message or not: pings are answered,
and a peer that leaves is noticed, while the application does something else. What it
has not received yet waits in an inbox; when that is full the peer has to wait.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent
from gevent.event import Event
from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.websocket import MSG_SOCKET_DEAD

from ...wire.errors import ProtocolError
from ...wire.websocket.deflate import Agreement, Deflater
from ...wire.websocket.frames import (
    BINARY,
    CLOSE,
    COMPRESSED,
    PING,
    PONG,
    FrameReader,
    Message,
    encode_close,
    encode_frame,
    parse_close,
)
from ..concurrency.fairness import Turns
from ..concurrency.heartbeat import Deadline, Heartbeat
from ..concurrency.wakeup import Waiting
from ..io.hangup import has_gone
from ..io.output import SocketOutbox
from ..io.sockets import below, end_output

if TYPE_CHECKING:
    from ..server.server import SocketIOServer

#: Bytes read at once: what one connection has handled before the others have a turn.
READ_SIZE = 8192

#: Bytes read at once of a message that is larger.
MOST_READ = 65536

#: Bytes in the inbox at which reading stops.
READ_AHEAD = 65536

#: Bytes that a message in the inbox takes beside its content.
OVERHEAD = 64

#: Seconds that the application has to receive what came before a close frame, and then
#: the peer to end the connection.
CLOSE_TIMEOUT = 1.0

#: Stands for a close frame without a code (RFC 6455, section 7.1.5).
NO_CODE = 1005

#: Stands for no close frame at all.
ABNORMAL = 1006

_READ = 1


class FrameStream:
    """The messages of one connection.

    :param sock: the gevent socket.
    :param server: whose limits and timers these are.
    :param max_message_size: bytes that a message of the peer may have.
    :param ping_interval: seconds between pings.
    :param compression: what was negotiated, if anything was.
    :param ended: called once, when no more can be sent. Must not block.

    :ivar open: whether messages can be sent.
    :ivar code: the code with which the connection was closed, by either side; None
        while it is open.
    :ivar reason: what the side that closed gave as the reason.
    :ivar detail: what the log has about it besides.
    """

    def __init__(
        self,
        sock: Any,
        server: SocketIOServer,
        max_message_size: int,
        ping_interval: float,
        compression: Agreement | None,
        ended: Callable[[], object],
    ) -> None:
        self._sock = sock
        lower = below(sock)
        self._recv = lower.recv
        #: Whether there is input that the event loop does not see any more.
        self._pending = getattr(lower, "pending", None)
        self._batcher = server.batcher
        #: Whether output is coalesced for the messages that wait to be received.
        self._holds_output = False
        self.outbox = SocketOutbox(
            sock, self._batcher, server.output_bounds, self._overflowed
        )
        self._patience = server.ping_timeout
        self.deflater: Deflater | None = None
        inflater = None
        if compression is not None:
            self.deflater = compression.deflater()
            inflater = compression.inflater()
        self._reader = FrameReader(max_message_size, inflater=inflater)
        self._ended = ended
        self._wheel = server.wheel
        self._loop = get_hub().loop
        self._watcher = self._loop.io(sock.fileno(), _READ)
        self._heartbeat = Heartbeat(
            ping_interval, server.ping_timeout, self._ping, self._silent
        )
        self._interval = ping_interval
        self._deadline = Deadline(self._late)
        self._inbox: deque[str | bytes] = deque()
        self._inbox_size = 0
        #: What was read when the inbox became full, and is no message yet.
        self._rest: Iterator[Message] | None = None
        #: Since the inbox became full: whose messages may be large, once inflated.
        self._turns: Turns | None = None
        self._waiting = Waiting()
        self._done: Event | None = None
        self.open = True
        self.code: int | None = None
        self.reason = ""
        self.detail = ""
        # The closing handshake.
        self._input_over = False
        self._hung_up = False
        self._close_sent = False
        self._peer_closed = False
        #: The close frame to send once the application has received all messages.
        self._farewell = b""
        #: Bytes that were unsent when it was last looked whether the peer takes any.
        self._unsent = sys.maxsize

    def start(self, early: bytes) -> None:
        """Begin to read and to ping.

        :param early: bytes that were read with the handshake and follow it.
        """
        self._wheel.add(self._heartbeat, self._interval)
        self._watch()
        if early:
            self._feed(early)

    # Input

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """The next message; None when the connection has ended.

        :param timeout: seconds to wait at most.
        :raises TimeoutError: when none came in time.
        """
        if not self._inbox:
            self._await_message(timeout)
            if not self._inbox:
                return None
        return self._inbox.popleft()

    def _await_message(self, timeout: float | None) -> None:
        self._release_output()
        inbox = self._inbox
        self._inbox_size = 0
        if self._turns is not None:
            self._turns.check()
        if self._rest is not None:
            self._resume()
        if not inbox and self._farewell:
            self._say_farewell()
        while not inbox and not self._input_over:
            self._waiting.wait(timeout)
        if not inbox:
            self._over()
        elif len(inbox) > 1:
            # Answers leave together.
            self._batcher.hold()
            self._holds_output = True

    def _release_output(self) -> None:
        if self._holds_output:
            self._holds_output = False
            self._batcher.release()

    def _watch(self) -> None:
        self._watcher.start(self._readable)
        self._read_on()

    def _read_on(self) -> None:
        """Have read what TLS has decrypted already.

        No more than that: gevent calls fifty such callbacks before anything else.
        """
        if self._pending is not None and self._pending():
            self._loop.run_callback(self._read_pending)

    def _read_pending(self) -> None:
        if self._rest is None and not self._hung_up:
            self._readable()

    def _readable(self) -> None:
        missing = self._reader.missing
        try:
            data = self._recv(
                READ_SIZE if missing <= READ_SIZE else min(missing, MOST_READ)
            )
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
        elif not self._input_over:
            self._heartbeat.heard = True
            # Before messages are handed over: that may be the last thing done here.
            self._read_on()
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        self._take(self._reader.feed(data))
        if self._inbox or self._input_over:
            self._waiting.switch()

    def _take(self, messages: Iterator[Message]) -> None:
        """Put messages into the inbox until it is full or they end."""
        inbox = self._inbox
        try:
            for opcode, payload in messages:
                if opcode > BINARY:
                    self._control(opcode, payload)
                    if self._input_over:
                        return
                elif not self._close_sent:
                    inbox.append(payload)
                    self._inbox_size += len(payload) + OVERHEAD
                    if self._inbox_size > READ_AHEAD:
                        self._pause(messages)
                        return
        except ProtocolError as error:
            code, reason = error.close_code, error.reason
            self._end_input(code, reason, encode_close(code, reason))

    def _pause(self, rest: Iterator[Message]) -> None:
        self._rest = rest
        self._turns = self._turns or Turns()
        self._watcher.stop()
        # Nobody reads now, so silence proves nothing.
        self._heartbeat.busy = True

    def _resume(self) -> None:
        rest, self._rest = self._rest, None
        assert rest is not None
        self._take(rest)
        if self._rest is None:
            self._turns = None
            self._heartbeat.busy = False
            self._heartbeat.heard = True
            if not self._hung_up:
                self._watch()

    def _control(self, opcode: int, payload: Any) -> None:
        if opcode == PING:
            if not self._close_sent:
                self._pong(payload)
        elif opcode == CLOSE:
            code, reason = parse_close(payload)
            self._peer_closed = True
            answer = encode_close(1000 if code == NO_CODE else code)
            self._end_input(code, reason, answer)

    # Output

    def _pong(self, payload: Any) -> None:
        """Answer a ping, unless the peer pings and does not read."""
        if self.outbox.is_full:
            self.outbox.expect_taking()
        else:
            self.outbox.write_own(encode_frame(PONG, payload))

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a message; wait first while half of what may be unsent is.

        :raises WebSocketError: when the connection has ended.
        """
        outbox = self.outbox
        if not self.open or outbox.closed:
            raise self._dead()
        if outbox.size > outbox.ease and not outbox.has_room:
            self._await_room()
        if self.deflater is None:
            outbox.write(encode_frame(opcode, payload))
        else:
            payload = self.deflater.deflate(payload)
            outbox.write(encode_frame(opcode | COMPRESSED, payload))

    def deliver(self, frame: bytes) -> None:
        """Send a frame without waiting; a peer that is too far behind is given up."""
        if self.open:
            self.outbox.write(frame)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        self.deliver(encode_frame(PING, payload))

    def _ping(self) -> None:
        if self._rest is not None and has_gone(self._sock):
            # The application does not read on, and would never meet the end.
            self._set_code(ABNORMAL, "")
            self._over()
        elif self.open:
            self.outbox.write_own(encode_frame(PING, b""))

    def _await_room(self) -> None:
        if getcurrent() is get_hub():
            return
        if not self.outbox.wait_for_room():
            self.outbox.give_up_waiting()
        if self.outbox.closed or not self.open:
            raise self._dead()

    def _dead(self) -> WebSocketError:
        # The kernel may have said so to the outbox alone.
        self._set_code(ABNORMAL, "")
        self._over()
        return WebSocketError(MSG_SOCKET_DEAD)

    def _overflowed(self, reason: str) -> None:
        self.detail = reason
        self._set_code(ABNORMAL, "slow consumer")
        self.abort()

    # The end

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake (section 7.1.2); what was not received is gone.

        Without effect on a connection that is being closed.
        """
        if not self._farewell and not self._close_sent and not self._hung_up:
            self._set_code(code, reason)
            self._farewell = encode_close(code, reason)
            self._wheel.add(self._deadline, CLOSE_TIMEOUT)
        if self._farewell:
            self._say_farewell()
        self._inbox.clear()
        if self._rest is not None:
            self._resume()
        self._over()
        self._waiting.wake()

    def abort(self) -> None:
        """End the connection without a word."""
        self.outbox.close()
        try:
            self._sock.shutdown(2)
        except OSError:
            pass  # it is closed
        self._lost()
        self._over()

    def finish(self) -> None:
        """Wait until all is sent and the closing handshake is over; release all.

        :meth:`close` has been called.
        """
        outbox = self.outbox
        try:
            self._release_output()
            while not outbox.wait_drained(CLOSE_TIMEOUT) and not outbox.closed:
                pass  # `_late` ends it
            if not self._hung_up and not self._peer_closed:
                if self._input_over:
                    self._hang_up()
                # Closing with unread input would reset the connection, and the peer
                # lose the close frame.
                self._done = Event()
                self._done.wait(self._patience)
        finally:
            outbox.close()
            self._lost()
            self._watcher.close()

    def _end_input(self, code: int, reason: str, farewell: bytes) -> None:
        """The peer closes, or is not listened to any longer.

        It is answered when the application has received what came before.
        """
        self._input_over = True
        self._wheel.discard(self._heartbeat)
        if self._close_sent:
            self._hang_up()
            return
        self._set_code(code, reason)
        self._farewell = farewell
        self._wheel.add(self._deadline, CLOSE_TIMEOUT)
        if self._waiting and not self._inbox:
            self._say_farewell()

    def _say_farewell(self) -> None:
        self.outbox.write_own(self._farewell)
        self.outbox.flush()
        self._farewell = b""
        self._close_sent = True
        self._wheel.discard(self._heartbeat)
        self._over()
        if self._input_over:
            self._hang_up()

    def _hang_up(self) -> None:
        """Both sides have said that they close: end the connection, in order."""
        if not self.outbox.size:
            try:
                end_output(self._sock)
            except OSError:
                pass  # the peer was faster

    def _late(self) -> None:
        """Called when the application or the peer has had time to close.

        After the end of the connection: when the application has had time to receive.
        """
        unsent = self.outbox.size
        if self._hung_up:
            self._over()
        elif self._farewell:
            self._say_farewell()
            self._wheel.add(self._deadline, CLOSE_TIMEOUT)
        elif 0 < unsent < self._unsent:
            self._unsent = unsent
            self._wheel.add(self._deadline, self._patience)
        else:
            self.abort()

    def _silent(self) -> None:
        self.close(1011, "ping timeout")

    def _lost(self) -> None:
        """The connection has ended, or is not to be read any longer."""
        if self._hung_up:
            return
        self._hung_up = self._input_over = True
        self._rest = None
        self._reader = FrameReader()  # of a message that has not come whole, nothing
        self._watcher.stop()
        self._wheel.discard(self._heartbeat)
        self._wheel.discard(self._deadline)
        self._set_code(ABNORMAL, "")
        if not self._inbox:
            self._over()
        elif self.open:
            # What came before may be answered: the peer may still listen.
            self._wheel.add(self._deadline, self._patience)
        if self._done is not None:
            self._done.set()
        self._waiting.wake()

    def _set_code(self, code: int, reason: str) -> None:
        if self.code is None:
            self.code, self.reason = code, reason

    def _over(self) -> None:
        if self.open:
            self.open = False
            if self._hung_up:
                self._wheel.discard(self._deadline)
            self._ended()
