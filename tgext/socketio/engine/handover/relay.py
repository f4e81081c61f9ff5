"""Copies between two connections, for a process that has to stay in between."""

from __future__ import annotations

from typing import Any, Final

import gevent

from ..concurrency.fairness import Turns
from ..io.sockets import end_output

#: Bytes that are read at once.
PIECE: Final = 65536

#: Seconds for which a client is read when the process behind it has ended.
LINGER: Final = 5.0


def relay(client: Any, process: Any, seconds: float) -> None:
    """Copy what a client and a process send to each other, until both have ended.

    The end of either is passed on. The connection to the process is closed.

    :param client: a gevent socket, encrypted or not.
    :param process: a gevent socket.
    :param seconds: time in which either has to take what the other one sent.
    """
    requests = gevent.spawn(_copy, client, process, seconds)
    try:
        _copy(process, client, seconds)
        requests.join(LINGER)
    finally:
        requests.kill()
        process.close()


def _copy(source: Any, target: Any, seconds: float) -> None:
    turns = Turns()
    late = TimeoutError("it is not read")
    try:
        while data := source.recv(PIECE):
            with gevent.Timeout(seconds, late):
                target.sendall(data)
            turns.check()
    except (OSError, ValueError):
        pass  # one of the two has ended; ValueError: TLS that said so itself
    try:
        end_output(target)
    except (OSError, ValueError, RuntimeError):
        pass  # it has ended
