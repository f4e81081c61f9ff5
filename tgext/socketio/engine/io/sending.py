"""Sending on a connection whose client may read slowly, or not at all."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator
from typing import Any

__all__ = ["SENT_AT_ONCE", "send_all", "send_in_pieces"]

#: Bytes that have to be sent within the time for sending.
SENT_AT_ONCE = 65536


def send_all(
    sock: Any, below: Any, data: bytes | bytearray | memoryview, seconds: float
) -> None:
    """Send all, and wait only when the kernel does not take it at once.

    :param sock: a gevent socket.
    :param below: see :func:`.sockets.below`.
    :param seconds: in which the client has to read :data:`SENT_AT_ONCE` bytes.
    :raises OSError: when the connection failed, or the client reads too slowly.
    """
    try:
        sent = below.send(data)
    except OSError:
        sent = 0  # sending the rest raises the error again
    if sent < len(data):
        for _ in send_in_pieces(sock, memoryview(data)[sent:], seconds):
            pass


def send_in_pieces(sock: Any, data: memoryview, seconds: float) -> Iterator[int]:
    """Send piece by piece, and yield the number of bytes of each.

    :param sock: a gevent socket.
    :param seconds: in which the client has to read :data:`SENT_AT_ONCE` bytes.
    :raises OSError: when the connection failed, or the client reads too slowly.
    """
    sock.settimeout(seconds)
    try:
        for at in range(0, len(data), SENT_AT_ONCE):
            part = data[at : at + SENT_AT_ONCE]
            sock.sendall(part)
            yield len(part)
    except (ssl.SSLError, TimeoutError) as error:
        # The error by which pywsgi recognises that the client disconnected.
        raise ConnectionResetError(errno.ECONNRESET, str(error)) from error
    finally:
        sock.settimeout(None)
