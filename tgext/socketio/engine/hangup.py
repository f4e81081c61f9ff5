"""Whether the peer of a connection has gone, although nobody reads.

A connection that ended can be read: then `recv` says so, once what came before has been
read. Where something lies unread, Linux tells the state of the connection all the same.
"""

from __future__ import annotations

import socket as native_socket
from typing import Any

#: The first byte of Linux's ``struct tcp_info``; None where there is no such thing.
_TCP_INFO: int | None = getattr(native_socket, "TCP_INFO", None)

#: States in which the peer sends nothing more (RFC 9293, section 3.3.2), as Linux
#: numbers them: CLOSE, CLOSE-WAIT, LAST-ACK, and CLOSING.
_GONE = frozenset((7, 8, 9, 11))

_PEEK = native_socket.MSG_PEEK | native_socket.MSG_DONTWAIT


def has_gone(sock: Any) -> bool:
    """Whether the peer has closed its side of the connection, or reset it.

    :param sock: a gevent socket, encrypted or not. Nothing is read from it.
    """
    raw = sock._sock
    try:
        if not raw.recv(1, _PEEK):
            return True
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        return True
    return _state(raw) in _GONE


def _state(raw: Any) -> int | None:
    """The state of a TCP connection; None where the system does not tell."""
    if _TCP_INFO is None:
        return None
    try:
        return int(raw.getsockopt(native_socket.IPPROTO_TCP, _TCP_INFO, 1)[0])
    except OSError:
        return None  # not TCP
