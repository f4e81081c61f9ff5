"""The WebSocket transport."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any, cast

import gevent

from ...wire.errors import ProtocolError
from ...wire.socketio.reasons import CLIENT_LEFT
from ...wire.websocket.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameReader,
    Message,
    encode_close,
    encode_frame,
    parse_close,
)
from ..concurrency.fairness import SLICE, take_turn
from ..concurrency.heartbeat import Deadline
from ..hub.hub import Hub
from ..io.hangup import has_gone
from ..io.output import SocketOutbox, TextOutbox
from ..io.sockets import below
from ..logs import get_logger
from ..session.decoder import AckFilter
from ..session.pacing import may_pong
from ..session.session import Socket
from .base import BATCH, Transport
from .readahead import ReadAhead

log = get_logger(__name__)

#: Bytes read at once: what one connection has handled before the others have a turn.
READ_SIZE = 8192

#: Bytes read at once of a message that is larger.
MOST_READ = 65536

#: Seconds that a peer has to answer a close frame.
CLOSE_TIMEOUT = 1.0


class Reads:
    """What each read of a connection brings, as messages; ends with the connection.

    An iterator rather than a generator: one that is killed while it waits for input
    can be gone on with.
    """

    def __init__(self, sock: Any, reader: FrameReader, early: bytes) -> None:
        self._recv = below(sock).recv
        #: Whether there is input that the event loop does not see any more.
        self._pending = getattr(sock, "pending", None)
        self._reader = reader
        self._early = early
        self._watcher = gevent.get_hub().loop.io(sock.fileno(), 1)

    def __iter__(self) -> Iterator[Iterator[Message]]:
        return self

    def __next__(self) -> Iterator[Message]:
        messages = self.read()
        if messages is None:
            raise StopIteration
        return messages

    def read(self) -> Iterator[Message] | None:
        """What the next read brings; None at the end of the connection.

        What waits for it is not deep in the C stack, which a greenlet keeps a copy of.
        """
        data, self._early = self._early, b""
        if not data:
            data = self.receive()
        return self._reader.feed(data) if data else None

    def receive(self) -> bytes:
        """Wait for a turn of the event loop, and for input.

        gevent's own `recv` does not wait while there is some: a client that always has
        some would keep all others from being read.
        """
        missing = self._reader.missing
        size = READ_SIZE if missing <= READ_SIZE else min(missing, MOST_READ)
        while True:
            if self._pending is not None and self._pending():
                take_turn()
            else:
                gevent.get_hub().wait(self._watcher)
            try:
                data: bytes = self._recv(size)
            except BlockingIOError:
                continue  # less than a record of TLS
            return data

    def drop(self) -> None:
        """Keep nothing of a message that has not come whole."""
        self._early = b""
        self._reader = FrameReader()

    def close(self) -> None:
        """Let go of the event loop."""
        self._watcher.close()


class WebSocketTransport(Transport):
    """A WebSocket, read by the greenlet that :meth:`run` was called in.

    :param sock: the gevent socket, after the opening handshake.
    :param early: bytes that were read with the handshake and follow it.
    """

    name = "websocket"

    def __init__(self, hub: Hub, socket: Socket, sock: Any, early: bytes = b"") -> None:
        super().__init__(hub, socket)
        self._batcher = hub.batcher
        outbox = TextOutbox if socket.base64 else SocketOutbox
        self.outbox: SocketOutbox = outbox(
            sock, self._batcher, hub.output_bounds, self._overflowed
        )
        self._sock = sock
        #: What handlers run in.
        self.worker: Any = None
        self._limit = hub.limits.max_message_size
        #: What each read brings; ends with the connection.
        self.reads = Reads(sock, FrameReader(self._limit), early)
        #: What was read and is being handled; None while nothing is.
        self._messages: Iterator[Message] | None = None
        self._ahead: ReadAhead | None = None
        #: The polling transport that came before, while it still handles messages.
        self.predecessor: Transport | None = None
        self._close_code: int | None = None
        self._deadline = Deadline(self.abort)

    def open(self) -> None:
        """Begin, and :meth:`run`.

        The main namespace may ask its client for an ack as soon as it connects it.
        """
        if self.socket._ended():  # since the WebSocket was accepted
            self.abort()
            self.reads.close()
            return
        self.worker = gevent.getcurrent()
        self.socket.attach(self)
        self.start()
        self._messages = iter(())
        try:
            self.heartbeat.busy = True
            self.socket.connect_main()
        finally:
            self.heartbeat.busy = False
            self._messages = None
        self.run(self._ahead)

    def run(self, first: Iterator[Message] | None = None) -> None:
        """Read and handle messages until the connection ends.

        :param first: messages that were read before.
        """
        self.worker = gevent.getcurrent()
        error: ProtocolError | OSError | None = None
        try:
            ended = first is not None and self._handle(first)
            while not ended:
                messages = self.reads.read()
                ended = messages is None or self._handle(messages)
        except (ProtocolError, OSError) as raised:
            error = raised
        finally:
            if self._ahead is not None:
                self._ahead.stop()
            self._end(error)
            if isinstance(error, ProtocolError):
                self._discard()
            self._finish()

    def _handle(self, messages: Iterator[Message]) -> bool:
        """Handle what was read; True when it ended the connection."""
        self.heartbeat.busy = True
        self._batcher.hold()
        self._messages = messages
        try:
            while True:
                if self._handle_each(messages):
                    return True
                if self._ahead is None:
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
        """What is to be handled after what was."""
        ahead = self._ahead
        if ahead is None or self._messages is not ahead:
            return ahead
        self._ahead = None
        return ahead.rest

    def _handle_each(self, messages: Iterator[Message]) -> bool:
        """Handle what was read, as long as nobody reads ahead of it."""
        receive = self.socket.receive
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
            if turn == BATCH:
                turn = 0
                self._batcher.flush()
                gevent.sleep(0)  # input does not come in
            elif not turn & 1:
                # Some messages take their handlers milliseconds; asking for the time
                # after each would cost more than most of them.
                now = perf_counter()
                if not until:
                    until = now + SLICE
                elif now > until:
                    take_turn()
                    until = 0.0
            if self._ahead is not None and self._ahead is not messages:
                return False
        return False

    def expect_ack(self) -> None:
        self._read_on()

    def runs_in(self, greenlet: object) -> bool:
        return greenlet is self.worker

    def _look(self) -> None:
        self._read_on()
        unread = self._ahead is not None and self.socket.account.full
        if unread and has_gone(self._sock):
            self._gone(None)

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
        :returns: it, and what is read, in the order in which it came.
        """
        ahead = self._ahead
        if ahead is None:
            socket = self.socket
            acks = AckFilter(socket)
            ahead = self._ahead = ReadAhead(
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
        # A handler that waits for the client's answer would not let it be noticed.
        gevent.spawn(self._end, error)

    def _end(self, error: ProtocolError | OSError | None) -> None:
        if isinstance(error, ProtocolError):
            log.info("A client broke the WebSocket protocol: %s", error.reason)
            self.socket.kill(reason="parse error", code=error.close_code)
        else:
            reason = "transport close" if error is None else "transport error"
            self.socket.kill(reason=reason)

    def control(self, opcode: int, payload: Any) -> bool:
        """Answer a control frame; True when it ended the connection."""
        if opcode == PING:
            if may_pong(self.socket, self.outbox):
                self.outbox.write_own(encode_frame(PONG, payload))
        elif opcode == CLOSE:
            code, _ = parse_close(payload)
            self._send_close(1000 if code == 1005 else code)
            return True
        return False

    def close(self, reason: str, code: int) -> None:
        self.stop()
        if self._ahead is not None:
            self._ahead.clear()
        if reason == "slow consumer" or self.outbox.closed:
            self.abort()
            return
        if self._close_code is None and reason not in ("transport close", CLIENT_LEFT):
            self._say_farewell(reason)
        self._send_close(code)
        # The peer answers with its own close frame, which ends `run`.
        self.hub.timers.add(self._deadline, CLOSE_TIMEOUT)

    def abort(self) -> None:
        """End the connection without a word; ends :meth:`run`."""
        self.outbox.close()
        self.reads.drop()
        try:
            self._sock.shutdown(2)
        except OSError:
            pass  # it is closed

    def _send_close(self, code: int) -> None:
        if self._close_code is None:
            self._close_code = code
            self.outbox.write_own(encode_close(code))

    def _discard(self) -> None:
        # Closing with unread input resets the connection, and the peer would lose the
        # close frame: read on until it has gone, or the deadline of `close`.
        try:
            while self.reads.receive():
                pass
        except OSError:
            pass

    def _finish(self) -> None:
        self.outbox.wait_drained(CLOSE_TIMEOUT)
        self.outbox.close()
        self.hub.timers.discard(self.heartbeat)
        self.hub.timers.discard(self._deadline)
        self.reads.close()
        # The garbage collector has less to find where the greenlet is let go of.
        self.predecessor = self.worker = None
