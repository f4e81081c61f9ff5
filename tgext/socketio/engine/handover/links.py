"""Unix sockets between the processes of one user, which pass descriptors on them."""

from __future__ import annotations

import os
import socket as native_socket
import struct
from typing import Any, Final

from gevent import socket as gevent_socket

from .offers import TAKEN

#: Connections to one process that are kept for the next offer.
KEPT: Final = 16

#: The option that tells who is at the other end: process, user, group. None where the
#: system has none; the directory of the socket is its user's alone everywhere.
_PEER: Final[int | None] = getattr(native_socket, "SO_PEERCRED", None)
_IDS: Final = struct.Struct("3i")


class Gone(Exception):
    """The other process has ended, or never was one of this application."""


class NotHere(Gone):
    """This machine has no such process."""


class Silent(Exception):
    """The other process does not answer."""


def is_ours(sock: Any) -> bool:
    """Whether the process at the other end of a Unix socket has our user."""
    if _PEER is None:
        return True
    ids = sock.getsockopt(native_socket.SOL_SOCKET, _PEER, _IDS.size)
    return bool(_IDS.unpack(ids)[1] == os.geteuid())


class Link:
    """Passes connections to one process.

    :param path: where it listens.
    :param patience: seconds in which it has to take a connection.
    """

    def __init__(self, path: str, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._idle: list[Any] = []

    def give(self, descriptor: int, offer: bytes) -> None:
        """Pass a descriptor; returns when the other process has taken it.

        :raises Gone: when it has ended.
        :raises Silent: when it does not take the descriptor in time. It will not do so
            later.
        """
        sock = self._idle.pop() if self._idle else self._connect()
        try:
            sent = native_socket.send_fds(sock, [offer], [descriptor])
            if sent < len(offer):
                sock.sendall(offer[sent:])
            answer = sock.recv(1)
        except TimeoutError:
            sock.close()
            raise Silent from None
        except OSError:
            sock.close()
            raise Gone from None
        except BaseException:
            sock.close()
            raise
        if answer != TAKEN:
            sock.close()
            raise Gone
        if len(self._idle) < KEPT:
            self._idle.append(sock)
        else:
            sock.close()

    def _connect(self) -> Any:
        sock = gevent_socket.socket(gevent_socket.AF_UNIX)
        try:
            # It succeeds or fails at once: gevent's own would wait in a busy loop while
            # the other process accepts nothing.
            sock._sock.connect(self._path)  # type: ignore[attr-defined]
        except BlockingIOError:
            sock.close()
            raise Silent from None
        except FileNotFoundError:
            sock.close()
            raise NotHere from None
        except OSError:
            sock.close()
            raise Gone from None
        if not is_ours(sock):
            sock.close()
            raise Gone
        sock.settimeout(self._patience)
        return sock

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()
