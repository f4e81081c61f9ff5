"""Takes the connections that other processes of this machine offer."""

from __future__ import annotations

import os
import re
import shutil
import socket as native_socket
import tempfile
from collections.abc import Callable
from typing import Any, Final

from gevent import socket as gevent_socket
from gevent.server import StreamServer

from ...wire.escape import escape
from ..io.sockets import NativeSocket
from ..logs import get_logger
from .links import is_ours
from .offers import TAKEN, Offer, OfferError, length_of_offer, read_offer

log = get_logger(__name__)

#: Bytes that are read at once.
PIECE: Final = 65536

_BACKLOG: Final = 1024

#: Characters of the directory for temporary files. With the names below it, a path of a
#: Unix socket must not have more than 103 (107 on Linux).
_LONGEST: Final = 60

#: What is done with a connection: its gevent socket, and what is known of it.
Take = Callable[[Any, Offer], object]


class Listener:
    """A Unix socket in a directory that only its user can enter.

    :param token: that of this process; offers for others are not taken.
    :param take: called with each connection; must not wait for its client.

    :ivar path: where it listens.
    """

    def __init__(self, token: str, take: Take) -> None:
        self._token = token
        self._take = take
        self._open: set[Any] = set()
        self._directory = _make_directory()
        self.path = os.path.join(self._directory, "connections")
        sock = gevent_socket.socket(gevent_socket.AF_UNIX)
        try:
            sock.bind(self.path)
            sock.listen(_BACKLOG)
            self._server = StreamServer(sock, self._serve)
            self._server.start()
        except BaseException:
            sock.close()
            self._remove()
            raise

    def close(self) -> None:
        """Take no more."""
        self._server.close()
        for each in list(self._open):
            each.close()
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def _serve(self, sock: Any, _: object) -> None:
        if not is_ours(sock):
            log.warning("Refused connections of a process of another user")
            return
        self._open.add(sock)
        try:
            while self._serve_one(sock):
                pass
        except OfferError as error:
            log.warning("Refused a connection of a process: %s", escape(error, 300))
        except OSError:
            pass  # the other process has ended
        finally:
            self._open.discard(sock)

    def _serve_one(self, sock: Any) -> bool:
        """Take one connection; False at the end."""
        piece, descriptors, _, _ = native_socket.recv_fds(sock, PIECE, 1)
        connections = [NativeSocket(fileno=each) for each in descriptors]
        try:
            data = self._read_on(sock, piece)
            if not data:
                return False
            if len(connections) != 1:
                raise OfferError("it is without a connection")
            offer = read_offer(data)
            if offer.token != self._token:
                raise OfferError(f"it is for {offer.token}, not for this process")
            # It fails if the other process has given up waiting.
            sock.sendall(TAKEN)
        except BaseException:
            for each in connections:
                each.close()
            raise
        self._take(_connection(connections[0]), offer)
        return True

    def _read_on(self, sock: Any, piece: bytes) -> bytearray:
        data = bytearray(piece)
        while piece and not 0 < length_of_offer(data) <= len(data):
            piece = sock.recv(PIECE)
            data += piece
        if data and not piece:
            raise OfferError("it is incomplete")
        return data


def _make_directory() -> str:
    """A directory that only its user can enter, for a path that a Unix socket can have
    and that others can be told.
    """
    place = tempfile.gettempdir()
    if len(place) > _LONGEST or not re.fullmatch("[!-~]+", place):
        place = "/tmp"  # noqa: S108
    return tempfile.mkdtemp(prefix="tgext.socketio-", dir=place)  # 0700


def _connection(native: NativeSocket) -> Any:
    """The gevent socket of a native one."""
    kind = native.family, native.type, native.proto
    sock = gevent_socket.socket(*kind, fileno=native.detach())
    os.set_inheritable(sock.fileno(), False)
    return sock
