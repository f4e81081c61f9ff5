"""Takes the connections that other processes of this machine offer."""

from __future__ import annotations

import os
import re
import shutil
import socket as native_socket
import stat
import tempfile
import time
from collections.abc import Callable
from glob import escape as glob_escape
from glob import glob
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

#: The names of the directory and of the socket in it.
_PREFIX: Final = "tgext.socketio-"
_NAME: Final = "connections"

#: Seconds in which a process that has made its directory listens there.
_YOUNG: Final = 60.0

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
        self.path = os.path.join(self._directory, _NAME)
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
    _remove_left(place)
    return tempfile.mkdtemp(prefix=_PREFIX, dir=place)  # 0700


def _remove_left(place: str) -> None:
    """Remove the directories of processes that were killed."""
    before = time.time() - _YOUNG
    for each in glob(os.path.join(glob_escape(place), f"{_PREFIX}*")):
        try:
            about = os.lstat(each)
            ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid()
            if ours and about.st_mtime < before and _is_deserted(each):
                shutil.rmtree(each, ignore_errors=True)
        except OSError:
            pass  # another process is faster


def _is_deserted(directory: str) -> bool:
    sock = NativeSocket(native_socket.AF_UNIX)
    sock.setblocking(False)
    try:
        sock.connect(os.path.join(directory, _NAME))
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    except BlockingIOError:
        pass  # it listens, and is busy
    finally:
        sock.close()
    return False


def _connection(native: NativeSocket) -> Any:
    """The gevent socket of a native one."""
    kind = native.family, native.type, native.proto
    sock = gevent_socket.socket(*kind, fileno=native.detach())
    os.set_inheritable(sock.fileno(), False)
    return sock
