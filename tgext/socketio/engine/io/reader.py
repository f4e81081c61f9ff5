"""What HTTP requests are read from."""

from __future__ import annotations

import errno
import time
from io import BufferedReader, RawIOBase
from typing import Any

from gevent.socket import wait_read

from ..concurrency.fairness import take_turn
from .sockets import below


class InputTimeout(OSError):
    """A client sends no more of what it has begun."""

    def __init__(self) -> None:
        super().__init__(errno.ETIMEDOUT, "The client sends no more")


class FairInput(RawIOBase):
    """The input of an HTTP connection, which lets others have their turn.

    gevent's own reads do not wait while there is something to read: a client that
    always sends more, such as a body in chunks of one byte, would keep all others
    waiting.

    :param sock: a gevent socket.
    :param patience: seconds to wait for some input at most.

    :ivar patience: the same.
    :ivar reads: how often the connection was read, which lets others have their turn.
    """

    def __init__(self, sock: Any, patience: float) -> None:
        self._sock = sock
        self.patience = patience
        #: Of a connection that has just been accepted the request is mostly there.
        self._fresh = True
        self.reads = 0
        #: Whether there is input that the event loop does not see any more.
        self._pending = getattr(sock, "pending", None)
        self._below = below(sock)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        descriptor = self._sock.fileno()
        waits = descriptor >= 0 and self._sock.gettimeout() != 0
        patience, begin = self.patience, time.monotonic()
        self.reads += 1
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
                # Nothing yet, or less than a record of TLS.
                patience = begin + self.patience - time.monotonic()
                continue
            return count


def buffered_input(sock: Any, patience: float) -> BufferedReader:
    """What pywsgi reads requests from; see :class:`FairInput`."""
    return BufferedReader(FairInput(sock, patience))
