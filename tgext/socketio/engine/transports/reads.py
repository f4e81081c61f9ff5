"""What the greenlet of a WebSocket reads, a turn of the event loop at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent

from ...wire.websocket.connection import Connection
from ...wire.websocket.frames import Message
from ..concurrency.fairness import take_turn
from ..io.sockets import below

#: Bytes read at once: what one connection has handled before the others have a turn.
READ_SIZE = 8192

#: Bytes read at once of a message that is larger.
MOST_READ = 65536


class Reads:
    """The messages of each read of a connection; ends with the connection.

    An iterator rather than a generator: one that is killed while it waits for input
    can be resumed.

    :param sock: the gevent socket.
    :param connection: decodes what is read.
    :param early: bytes that were read with the handshake and follow it.
    """

    def __init__(self, sock: Any, connection: Connection, early: bytes) -> None:
        self._recv = below(sock).recv
        #: How much input TLS has decrypted: the event loop does not see it.
        self._pending = getattr(sock, "pending", None)
        self._connection = connection
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
        """The messages of the next read; None at the end of the connection.

        Called directly rather than by `next`: a greenlet that waits keeps a copy of
        its C stack, and `next` would make that larger.
        """
        data, self._early = self._early, b""
        if not data:
            data = self.receive()
        return self._connection.receive(data) if data else None

    def receive(self) -> bytes:
        """Wait for a turn of the event loop, and for input.

        gevent's own `recv` does not wait while there is some: a client that always has
        some would keep all others from being read.
        """
        missing = self._connection.missing
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

    def close(self) -> None:
        """Give the event loop's watcher back."""
        self._watcher.close()
