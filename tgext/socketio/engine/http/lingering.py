"""Closing a connection so that its client receives the last answer."""

from __future__ import annotations

from io import BufferedReader
from typing import Any

import gevent

from ..io.sockets import end_output
from .body import PIECE

#: Seconds to go on reading after the last answer. Closing a connection with unread
#: input resets it, and the client might not receive the answer (RFC 9112, section 9.6).
LINGER = 5.0


def linger(sock: Any, source: BufferedReader, seconds: float) -> None:
    """End the output; read and discard input until the client closes.

    :param sock: the gevent socket.
    :param source: its input.
    :param seconds: to wait at most; never more than :data:`LINGER`.
    """
    try:
        end_output(sock)
        with gevent.Timeout(min(LINGER, seconds), False):  # type: ignore[arg-type]
            while source.read1(PIECE):
                pass
    except (OSError, RuntimeError):
        pass


def has_more(sock: Any, source: BufferedReader) -> bool:
    """Whether the client has sent more than was read; it does not wait."""
    return bool(read_ahead(sock, source))


def read_ahead(sock: Any, source: BufferedReader) -> bytes:
    """What has come and was not read; it stays in the buffer. It does not wait."""
    sock.settimeout(0)
    try:
        # At most what one read brings, or what the buffer holds.
        ahead: bytes = source.peek()
    except OSError:
        return b""
    finally:
        sock.settimeout(None)
    return ahead
