"""Noticing that a peer has disconnected, while its connection is not read.

Linux reports it at once. Elsewhere `recv` reports the end of a connection, but only
after all input before it has been read.
"""

from __future__ import annotations

import select
import socket as native_socket
from collections.abc import Callable
from typing import Any

from gevent import get_hub
from gevent.monkey import get_original

from ..concurrency.heartbeat import Wheel

_poll = get_original("select", "poll")

#: What Linux reports when the peer sends nothing more (poll(2)); None elsewhere.
_ENDED: int | None = getattr(select, "POLLRDHUP", None)

_READ = 1

#: Seconds between two checks of a connection with unread input, such as a pipelined
#: request.
LOOK = 0.5

_PEEK = native_socket.MSG_PEEK | native_socket.MSG_DONTWAIT


def has_gone(sock: Any) -> bool:
    """Whether the peer has closed its side of the connection, or reset it.

    :param sock: a gevent socket, encrypted or not. Nothing is read from it.
    """
    descriptor = sock.fileno()
    if descriptor < 0:
        return True
    if _ENDED is None:
        return _is_at_end(sock._sock)
    asked = _poll()
    asked.register(descriptor, _ENDED)
    return bool(asked.poll(0))  # resets are reported always


def _is_at_end(raw: Any) -> bool:
    """Whether nothing can be read, because the peer has ended the connection."""
    try:
        return not raw.recv(1, _PEEK)
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        return True


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
