"""Noticing that a peer has disconnected, while its connection is not read.

Linux reports the TCP state of the connection. Elsewhere `recv` reports the end, but
only after all input before it has been read.
"""

from __future__ import annotations

import socket as native_socket
from collections.abc import Callable
from typing import Any

from gevent import get_hub

from ..concurrency.heartbeat import Wheel

#: The option that returns Linux's ``struct tcp_info``; None on other systems.
_TCP_INFO: int | None = getattr(native_socket, "TCP_INFO", None)

#: States in which the peer sends nothing more (RFC 9293, section 3.3.2), as Linux
#: numbers them: CLOSE, CLOSE-WAIT, LAST-ACK, and CLOSING.
_GONE = frozenset((7, 8, 9, 11))

_READ = 1

#: Seconds between two checks of a connection with unread input, such as a pipelined
#: request.
LOOK = 0.5

_PEEK = native_socket.MSG_PEEK | native_socket.MSG_DONTWAIT


def has_gone(sock: Any) -> bool:
    """Whether the peer has closed its side of the connection, or reset it.

    :param sock: a gevent socket, encrypted or not. Nothing is read from it.
    """
    raw = sock._sock
    state = _state(raw)
    if state is not None:
        return state in _GONE
    try:
        return not raw.recv(1, _PEEK)
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        return True


def _state(raw: Any) -> int | None:
    """The state of a TCP connection; None if the system does not report it."""
    if _TCP_INFO is None:
        return None
    try:
        state: int = raw.getsockopt(native_socket.IPPROTO_TCP, _TCP_INFO, 1)[0]
    except OSError:
        return None  # not TCP, or closed
    return state


class HangupWatch:
    """Watches a connection that is not read, until its peer has disconnected.

    :param sock: a gevent socket; it is not read from.
    :param wheel: its timer checks a connection with unread input, which the event loop
        would report as readable all the time.
    :param gone: called once when the peer has disconnected, in the hub; must not block.
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
        """Stop watching."""
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
            # There is unread input: the event loop would call this again and again.
            self._watcher.stop()
            self._wheel.add(self, LOOK)

    def on_timer(self, now: float) -> float | None:
        if not has_gone(self.sock):
            return LOOK
        self.close()
        self._gone()
        return None
