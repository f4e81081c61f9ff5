"""Whether the peer of a connection has gone, although nobody reads.

A connection that ended can be read: then `recv` says so, once what came before has been
read. Where something lies unread, Linux tells the state of the connection all the same.
"""

from __future__ import annotations

import socket as native_socket
from collections.abc import Callable
from typing import Any

from gevent import get_hub

from ..concurrency.heartbeat import Wheel

#: The first byte of Linux's ``struct tcp_info``; None where there is no such thing.
_TCP_INFO: int | None = getattr(native_socket, "TCP_INFO", None)

#: States in which the peer sends nothing more (RFC 9293, section 3.3.2), as Linux
#: numbers them: CLOSE, CLOSE-WAIT, LAST-ACK, and CLOSING.
_GONE = frozenset((7, 8, 9, 11))

_READ = 1

#: Seconds between two looks at a connection with something unread, such as a request
#: that came ahead of its time.
LOOK = 0.5

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


class HangupWatch:
    """Watches a connection that nobody reads, until its peer has gone.

    :param sock: a gevent socket; it is not read from.
    :param wheel: for the connections that the event loop cannot watch any more, because
        something lies unread.
    :param gone: called once when the peer has gone, in the hub: must not block.
    """

    __slots__ = ("_gone", "_watcher", "_wheel", "slot", "sock")

    def __init__(self, sock: Any, wheel: Wheel, gone: Callable[[], object]) -> None:
        self.sock = sock
        self.slot = -1
        self._wheel = wheel
        self._gone = gone
        self._watcher: Any = get_hub().loop.io(sock.fileno(), _READ)
        self._watcher.start(self._readable)

    def close(self) -> None:
        """Watch no longer."""
        self._wheel.discard(self)
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None

    def _readable(self) -> None:
        if has_gone(self.sock):
            self.close()
            self._gone()
        elif self._watcher is not None:
            # Readable it stays.
            self._watcher.stop()
            self._wheel.add(self, LOOK)

    def on_timer(self, now: float) -> float | None:
        if not has_gone(self.sock):
            return LOOK
        self.close()
        self._gone()
        return None
