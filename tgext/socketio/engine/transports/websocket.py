"""The WebSocket transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import monotonic, perf_counter
from typing import Any, cast

import gevent

from ...wire.errors import ProtocolError
from ...wire.socketio.reasons import (
    PARSE_ERROR,
    SERVER_LEFT,
    SLOW_CONSUMER,
    TRANSPORT_CLOSE,
    TRANSPORT_ERROR,
)
from ...wire.websocket.connection import CLOSE_TIMEOUT, Connection
from ...wire.websocket.frames import BINARY, CLOSE, PING, TEXT, FrameReader, Message
from ...wire.websocket.states import State
from ..concurrency.fairness import SLICE, take_turn
from ..concurrency.heartbeat import Deadline
from ..hub.hub import Hub
from ..io.hangup import has_gone
from ..io.output import SocketOutbox, TextOutbox
from ..logs import get_logger
from ..session.decoder import AckFilter
from ..session.pacing import may_pong
from ..session.session import Socket
from .base import BATCH, FINAL, Transport
from .readahead import ReadAhead
from .resumed import ResumedTransport

log = get_logger(__name__)


class WebSocketTransport(ResumedTransport):
    """A WebSocket.

    :param sock: the gevent socket, after the opening handshake.
    :param early: bytes that were read with the handshake and follow it.

    :ivar ahead: reads while a handler runs; None when that is not needed.
    """

    name = "websocket"

    def __init__(self, hub: Hub, socket: Socket, sock: Any, early: bytes = b"") -> None:
        reader = FrameReader(hub.limits.max_message_size)
        #: The states of the closing handshake.
        self.connection = Connection(reader, close_timeout=CLOSE_TIMEOUT)
        self.connection.establish()
        super().__init__(hub, socket, sock, self.connection, early)
        self._batcher = hub.batcher
        outbox = TextOutbox if socket.base64 else SocketOutbox
        self.outbox: SocketOutbox = outbox(
            sock, self._batcher, hub.output_bounds, self._overflowed
        )
        self.sock = sock
        self._handled = 0  # messages
        #: What was read and is being handled; None while nothing is.
        self._messages: Iterator[Message] | None = None
        self.ahead: ReadAhead | None = None
        #: The polling transport that came before, while it still handles messages.
        self.predecessor: Transport | None = None
        self._deadline = Deadline(self._expire)
        #: When it was noticed that nothing more can be sent; None before.
        self._lost_at: float | None = None

    def open(self) -> WebSocketTransport | None:
        """Begin, and :meth:`run`.

        The main namespace may wait for an ack of the client while it connects it; the
        connection is read meanwhile.
        """
        if self.socket.ended:  # since the WebSocket was accepted
            self.abort()
            self.reads.close()
            return None
        self.socket.attach(self)
        self.start()
        return self.run(self._connect_main)

    def _connect_main(self) -> Iterator[Message]:
        self.worker = gevent.getcurrent()
        self._messages = iter(())
        try:
            self.heartbeat.busy = True
            self.socket.admission.connect_main()
        finally:
            self.heartbeat.busy = False
            self._messages = None
        return self.ahead or iter(())

    def run(
        self, first: Callable[[], Iterator[Message] | None]
    ) -> WebSocketTransport | None:
        """Handle messages that were read, and from now on those that come.

        :param first: returns what was read.
        :returns: itself; None when the connection has ended already.
        """
        return self if self.go_on(first) else None

    def _handle(self, messages: Iterator[Message]) -> bool:
        """Handle what was read; True when it ended the connection."""
        self.heartbeat.busy = True
        self._batcher.hold()
        self._messages = messages
        try:
            while True:
                if self._handle_each(messages):
                    return True
                if self.ahead is None:
                    return False
                following = self._following()
                if following is None:
                    return False
                self._messages = messages = following
        finally:
            self._messages = None
            self._batcher.release()
            self.heartbeat.busy = False
            self.heartbeat.heard = True
            if self.closed:
                self.socket.settle()

    def _following(self) -> Iterator[Message] | None:
        """The messages to handle next; None when all are handled."""
        ahead = self.ahead
        if ahead is None or self._messages is not ahead:
            return ahead
        self.ahead = None
        return ahead.rest

    def _handle_each(self, messages: Iterator[Message]) -> bool:
        """Handle messages until ``ahead`` takes over; True when one ended the input."""
        receive = self.socket.dispatcher.receive
        until = 0.0
        turn = 0
        for opcode, payload in messages:
            if opcode == TEXT:
                receive(payload)
            elif opcode == BINARY:
                receive(self.socket.generation.binary(cast(bytes, payload)))
            elif self.control(opcode, payload):
                return True
            turn += 1
            self._handled += 1
            if turn == BATCH:
                turn = 0
                self._batcher.flush()
                take_turn()
            elif not turn & 1:
                # Some handlers take milliseconds, but most take less time than reading
                # the clock after each message would.
                now = perf_counter()
                if not until:
                    until = now + SLICE
                elif now > until:
                    take_turn()
                    until = 0.0
                    if self.outbox.closed and not self.closed:
                        self._lost(now)
            if self.ahead is not None and self.ahead is not messages:
                return False
        return False

    @property
    def received(self) -> tuple[int, int]:
        return self._handled, self.reads.received

    def expect_ack(self) -> None:
        self._read_on()

    def runs_in(self, greenlet: object) -> bool:
        return greenlet is self.worker

    def _look(self) -> None:
        self._read_on()
        unread = self.ahead is not None and self.socket.account.full
        if unread and has_gone(self.sock):
            self._gone(None)

    def _lost(self, now: float) -> None:
        """The client has gone; it is read when all that it had sent is handled."""
        if self._lost_at is None:
            self._lost_at = now
        elif now - self._lost_at > self.hub.settings.shutdown_timeout:
            self._gone(ConnectionResetError())

    def _read_on(self) -> None:
        """Read ahead of the handler that runs, if one does."""
        if self._messages is not None:
            self.read_ahead(self._messages)

    def handling(self) -> Sequence[gevent.Greenlet[..., Any]]:
        if self.predecessor is not None:
            return self.predecessor.handling()
        return () if self._messages is None else (self.worker,)

    def read_ahead(self, messages: Iterator[Message]) -> ReadAhead:
        """Read on while this greenlet does something else.

        :param messages: what was read and is not handled yet.
        :returns: these messages and those that are read, in order.
        """
        ahead = self.ahead
        if ahead is None:
            socket = self.socket
            acks = AckFilter(socket)
            ahead = self.ahead = ReadAhead(
                messages,
                self.reads,
                self._content,
                acks,
                self._gone,
                socket.account,
                self.heartbeat,
            )
        ahead.start()
        return ahead

    def _content(self, message: Message) -> str | bytes | None:
        opcode, payload = message
        if opcode == TEXT:
            return payload
        if opcode == BINARY and isinstance(payload, bytes):
            return self.socket.generation.binary(payload)
        return None

    def _gone(self, error: ProtocolError | OSError | None) -> None:
        # `run` notices the end only after its handler, which may wait for an ack.
        gevent.spawn(self._end, error)

    def _end(self, error: ProtocolError | OSError | None) -> None:
        """End the session, because the input has ended.

        :param error: the reason; None when the peer closed the connection.
        """
        if isinstance(error, ProtocolError):
            log.info("A client broke the WebSocket protocol: %s", error.reason)
            self.connection.fail(error, monotonic(), explain=False)
            self.socket.kill(reason=PARSE_ERROR, code=error.close_code)
        else:
            self.connection.end(monotonic())
            reason = TRANSPORT_CLOSE if error is None else TRANSPORT_ERROR
            self.socket.kill(reason=reason)

    def control(self, opcode: int, payload: Any) -> bool:
        """Answer a control frame; True when it ended the input."""
        if opcode == PING and not may_pong(self.socket, self.outbox):
            return False
        connection = self.connection
        output = connection.control(opcode, payload, monotonic())
        if opcode == CLOSE:
            # All that came before has been handled.
            output = connection.caught_up(monotonic())
        if output:
            self.outbox.write_own(output)
        return opcode == CLOSE

    def close(self, reason: str, code: int) -> None:
        self.stop()
        if self.ahead is not None:
            self.ahead.clear()
        if reason == SLOW_CONSUMER or self.outbox.closed:
            self.abort()
            return
        connection = self.connection
        if connection.sending and reason not in (TRANSPORT_CLOSE, *FINAL):
            self._say_farewell(reason)
        output = connection.close(code, "", monotonic())
        if output:
            self.outbox.write_own(output)
        if reason == SERVER_LEFT and self.outbox.size:
            # The client may be reading what was sent before.
            self.hub.parting.add(self, self.hub.settings.slow_timeout)
        # The peer answers with its own close frame, which ends `run`. If that has come
        # already, the connection is closed and has no deadline.
        self._await_deadline()

    def _await_deadline(self) -> None:
        due = self.connection.deadline
        if due is not None:
            self.hub.timers.add(self._deadline, max(0.0, due - monotonic()))

    def _expire(self) -> None:
        """The peer has not answered the close frame in time."""
        if self.hub.parting.get(self.sessid) is self and self.outbox.size:
            # The client still reads what was sent before it.
            self.hub.timers.add(self._deadline, CLOSE_TIMEOUT)
            return
        self.connection.expire(monotonic())
        if self.connection.state is State.CLOSED:
            self.abort()
        else:
            self._await_deadline()

    @property
    def sessid(self) -> str:
        """The id of the session."""
        return self.socket.sessid

    @property
    def unfetched(self) -> int:
        """Bytes that were not sent yet."""
        return self.outbox.size

    def drop(self) -> None:
        """Give up waiting for the client to read what was sent."""
        self.abort()

    def abort(self) -> None:
        """End the connection without a close frame; ends :meth:`run`."""
        self.outbox.close()
        self.connection.drop(monotonic())
        try:
            self.sock.shutdown(2)
        except OSError:
            pass  # it is closed

    def _leave(self, error: ProtocolError | OSError | None) -> None:
        try:
            if self.ahead is not None:
                self.ahead.stop()
            self._end(error)
            if isinstance(error, ProtocolError):
                self.reads.discard()
        except BaseException:
            # Of a recv_disconnect that was interrupted, because it took too long.
            self.outbox.close()
            raise
        finally:
            self._finish()

    def _finish(self) -> None:
        self.outbox.wait_drained(CLOSE_TIMEOUT)
        self.outbox.close()
        self.hub.timers.discard(self.heartbeat)
        self.hub.timers.discard(self._deadline)
        self.hub.parting.remove(self)
        self._let_go(self._deadline)
        self.predecessor = None
