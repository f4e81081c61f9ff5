"""Reads a WebSocket, at most once in each iteration of the event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent

from ...wire.websocket.connection import Connection
from ...wire.websocket.frames import Message
from ..concurrency.fairness import take_turn
from ..io.readsize import ReadSize
from ..io.sockets import below


class Reads:
    """The messages of each read of a connection; ends with the connection.

    Not a generator, which cannot go on after its greenlet was killed while it waited.

    :param sock: the gevent socket.
    :param connection: decodes what is read.
    :param early: bytes that were read with the handshake and follow it.

    :ivar received: bytes that were read.
    """

    def __init__(self, sock: Any, connection: Connection, early: bytes) -> None:
        self._recv = below(sock).recv
        #: Returns how many decrypted bytes TLS keeps, which the event loop does not
        #: see.
        self._pending = getattr(sock, "pending", None)
        self._connection = connection
        self._read_size = ReadSize()
        #: Bytes of the last read.
        self._count = 0
        self._early = early
        self.received = 0
        self._watcher = gevent.get_hub().loop.io(sock.fileno(), 1)
        self._watched = False

    def __iter__(self) -> Iterator[Iterator[Message]]:
        return self

    def __next__(self) -> Iterator[Message]:
        data, self._early = self._early, b""
        messages = self._decoded(data or self.receive())
        if messages is None:
            raise StopIteration
        return messages

    def read_ready(self) -> Iterator[Message] | None:
        """The messages of what has come; None at the end of the connection.

        It does not wait.

        :raises BlockingIOError: when nothing has, or an incomplete record of TLS.
        """
        data, self._early = self._early, b""
        return self._decoded(data or self._recv(self._size()))

    def _decoded(self, data: bytes) -> Iterator[Message] | None:
        if not data:
            return None
        self._count = len(data)
        self.received += self._count
        return self._connection.receive(data)

    def watch(self, ready: Callable[[], object]) -> None:
        """Call a function, in the event loop, each time that there is input.

        It is called until :meth:`unwatch`, as long as the input is not read.
        """
        if self._early or (self._pending is not None and self._pending()):
            gevent.get_hub().loop.run_callback(ready)
        elif not self._watched:
            self._watched = True
            self._watcher.start(ready)

    def unwatch(self) -> None:
        """Watch for input no more."""
        if self._watched:
            self._watched = False
            self._watcher.stop()

    def _size(self) -> int:
        self._read_size.follow(self._count, self._connection.frame_size)
        return self._read_size.size

    def receive(self) -> bytes:
        """Wait for input, at least until the next iteration of the event loop.

        gevent's own `recv` does not wait while there is input: a client that sends
        without pause would keep all others from being read.
        """
        size = self._size()
        self.unwatch()
        while True:
            if self._pending is not None and self._pending():
                take_turn()
            else:
                gevent.get_hub().wait(self._watcher)
            try:
                data: bytes = self._recv(size)
            except BlockingIOError:
                continue  # an incomplete TLS record
            return data

    def discard(self) -> None:
        """Read on until the peer has gone, or the socket is shut down.

        Closing with unread input would reset the connection, and the peer would lose
        the close frame (RFC 6455, section 1.4).
        """
        try:
            while self.receive():
                pass
        except OSError:
            pass

    def close(self) -> None:
        """Close the event loop's watcher."""
        self._watched = False
        self._watcher.close()
