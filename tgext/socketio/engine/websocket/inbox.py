"""The messages that a plain WebSocket has received, until its application takes them.

The event loop reads, even if no greenlet waits for a message. When the inbox is full,
reading stops, and TCP makes the peer wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol
from weakref import proxy

from gevent import get_hub

from ...wire.errors import ProtocolError
from ...wire.websocket.connection import Connection
from ...wire.websocket.frames import BINARY, Message
from ...wire.websocket.states import State
from ..concurrency.fairness import Turns
from ..concurrency.heartbeat import Heartbeat
from ..concurrency.wakeup import Waiting
from ..io.readsize import ReadSize
from ..io.sockets import below

#: Bytes in the inbox at which reading stops.
READ_AHEAD = 65536

#: Bytes that a message in the inbox takes in addition to its content.
OVERHEAD = 64

_READ = 1


class Owner(Protocol):
    """The connection whose messages an inbox keeps."""

    @property
    def heartbeat(self) -> Heartbeat: ...

    def control(self, opcode: int, payload: Any) -> None:
        """A control frame came."""

    def failed(self, error: ProtocolError) -> None:
        """The input is invalid."""

    def lost(self) -> None:
        """The peer ended the connection."""


class Inbox:
    """Reads a connection in callbacks of the event loop, and keeps its messages.

    :param sock: the gevent socket.
    :param connection: decodes what is read.
    :param owner: is told of control frames, of invalid input, and of the end.
    :param waiting: is woken when there is a message, or the input is over.

    :ivar messages: those that were not taken yet, oldest first.
    :ivar size: bytes that came since the application last waited, with
        :data:`OVERHEAD` for each message.
    """

    __slots__ = (
        "_connection",
        "_loop",
        "_owner",
        "_pending",
        "_read_size",
        "_recv",
        "_rest",
        "_stopped",
        "_turns",
        "_waiting",
        "_watcher",
        "messages",
        "size",
    )

    def __init__(
        self, sock: Any, connection: Connection, owner: Owner, waiting: Waiting
    ) -> None:
        self.messages: deque[str | bytes] = deque()
        self.size = 0
        self._connection = connection
        self._owner = owner
        self._waiting = waiting
        lower = below(sock)
        self._read_size = ReadSize()
        self._recv = lower.recv
        #: Returns how many decrypted bytes TLS keeps, which the event loop does not
        #: see.
        self._pending = getattr(lower, "pending", None)
        self._loop = get_hub().loop
        self._watcher = self._loop.io(sock.fileno(), _READ)
        self._stopped = False
        #: What was read when the inbox became full: it is decoded later.
        self._rest: Iterator[Message] | None = None
        #: Set from then on, since decoding may take long (messages may be compressed),
        #: and while the application takes many messages.
        self._turns: Turns | None = None

    @property
    def full(self) -> bool:
        """Whether reading has stopped until the application has taken all messages."""
        return self._rest is not None

    def start(self, early: bytes) -> None:
        """Begin to read.

        :param early: bytes that were read with the handshake and follow it.
        """
        self._watch()
        if early:
            self._feed(early)

    def stop(self) -> None:
        """Read no more, and decode no more of what was read."""
        self._stopped = True
        self._rest = None
        self._watcher.stop()

    def close(self) -> None:
        """Stop reading, and close the event loop's watcher."""
        self.stop()
        self._watcher.close()
        # What keeps it is to be freed without the garbage collector.
        self._owner = proxy(self._owner)

    def refill(self) -> None:
        """The application has taken all messages: decode and read on."""
        self.size = 0
        if self._rest is None:
            self._turns = None  # the application waits
            return
        self.take_turn()
        if self._rest is not None:
            self._resume()

    def take_turn(self) -> None:
        """Let other greenlets run if the application has handled messages for some
        time.

        Many small messages may have come at once, and each may take long to handle.
        """
        if self._turns is None:
            self._turns = Turns()
        self._turns.check()

    def clear(self) -> None:
        """Drop all messages, and read on to the peer's close frame."""
        self.messages.clear()
        if self._rest is not None:
            self._resume()

    def _watch(self) -> None:
        self._watcher.start(self._readable)
        self._read_on()

    def _read_on(self) -> None:
        """Read in another callback what TLS has decrypted.

        gevent may call fifty such callbacks before it does anything else.
        """
        if self._pending is not None and self._pending():
            self._loop.run_callback(self._read_pending)

    def _read_pending(self) -> None:
        if self._rest is None and not self._stopped:
            self._readable()

    def _readable(self) -> None:
        connection = self._connection
        try:
            data = self._recv(self._read_size.size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._owner.lost()
        elif connection.reading:
            self._owner.heartbeat.heard = True
            # Before `_feed`, which may switch to another greenlet.
            self._read_on()
            self._feed(data)
            self._read_size.follow(len(data), connection.frame_size)

    def _feed(self, data: bytes) -> None:
        self._take(self._connection.receive(data))
        if self.messages or not self._connection.reading:
            self._waiting.switch()

    def _take(self, messages: Iterator[Message]) -> None:
        """Keep messages until the inbox is full or they end."""
        connection, kept = self._connection, self.messages
        # We have closed: the application gets no further messages.
        delivers = connection.state is not State.CLOSING
        try:
            for opcode, payload in messages:
                if opcode > BINARY:
                    self._owner.control(opcode, payload)
                    if not connection.reading:
                        return
                elif delivers:
                    kept.append(payload)
                    self.size += len(payload) + OVERHEAD
                    if self.size > READ_AHEAD:
                        self._pause(messages)
                        return
        except ProtocolError as error:
            self._owner.failed(error)

    def _pause(self, rest: Iterator[Message]) -> None:
        self._rest = rest
        self._turns = self._turns or Turns()
        self._watcher.stop()
        # Input is not read now, so missing pongs do not count.
        self._owner.heartbeat.busy = True

    def _resume(self) -> None:
        rest, self._rest = self._rest, None
        assert rest is not None
        self._take(rest)
        if self._rest is None:
            self._turns = None
            self._owner.heartbeat.busy = False
            self._owner.heartbeat.heard = True
            if not self._stopped:
                self._watch()
