"""The input of HTTP connections: buffered, with a timeout, and fair to others."""

from __future__ import annotations

import errno
import time
from io import DEFAULT_BUFFER_SIZE, BufferedReader, RawIOBase
from typing import Any

from gevent.socket import wait_read

from ..concurrency.fairness import take_turn
from .sockets import below


class InputTimeout(OSError):
    """A client did not send the rest of its request in time."""

    def __init__(self) -> None:
        super().__init__(errno.ETIMEDOUT, "The client sends no more")


class FairInput(RawIOBase):
    """The input of an HTTP connection. Other greenlets run before each read.

    gevent's own reads do not yield while there is input: a client that sends without a
    pause, such as a body in chunks of one byte, would keep all others waiting.

    :param sock: a gevent socket.
    :param patience: seconds to wait for input, at most.
    :param begun: input that was read before.

    :ivar patience: as given; may be changed.
    :ivar reads: the number of reads.
    """

    def __init__(self, sock: Any, patience: float, begun: bytes = b"") -> None:
        self._begun = begun
        self._sock = sock
        self.patience = patience
        #: The first read does not wait: the request usually comes with the connection.
        self._fresh = True
        self.reads = 0
        #: TLS: the number of decrypted bytes, which the event loop cannot report.
        self._pending = getattr(sock, "pending", None)
        self._below = below(sock)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        descriptor = self._sock.fileno()
        waits = descriptor >= 0 and self._sock.gettimeout() != 0
        patience, begin = self.patience, time.monotonic()
        self.reads += 1
        if self._begun:
            return self._read_begun(buffer)
        while True:
            if not waits or self._fresh:
                self._fresh = False
            elif self._pending is not None and self._pending():
                take_turn()
            else:
                wait_read(descriptor, max(0.0, patience), InputTimeout())
            try:
                count: int = self._below.recv_into(buffer)
            except BlockingIOError:
                if not waits:
                    return None
                # No input yet, or an incomplete record of TLS.
                patience = begin + self.patience - time.monotonic()
                continue
            return count

    def _read_begun(self, buffer: Any) -> int:
        piece = self._begun[: len(buffer)]
        self._begun = self._begun[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


def buffered_input(sock: Any, patience: float, begun: bytes = b"") -> BufferedReader:
    """The buffered input for pywsgi's handler; see :class:`FairInput`."""
    # The first read gets all that was read before: a WebSocket takes what is buffered.
    size = max(DEFAULT_BUFFER_SIZE, len(begun))
    return BufferedReader(FairInput(sock, patience, begun), size)
