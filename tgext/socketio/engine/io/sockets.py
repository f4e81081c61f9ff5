"""The sockets below gevent's sockets: reading and writing that never waits.

A method of a gevent socket waits where a plain socket would raise
:class:`BlockingIOError`. Below a plain gevent socket is a native one that raises it;
below an encrypted one is an object of OpenSSL, to which :class:`Encrypted` gives the
same methods.
"""

from __future__ import annotations

import ssl
from _socket import socket as NativeSocket
from socket import SHUT_RD, SHUT_RDWR, SHUT_WR
from typing import Any

from gevent.ssl import SSLSocket

__all__ = [
    "RECORD",
    "Encrypted",
    "NativeSocket",
    "below",
    "end_both",
    "end_input",
    "end_output",
    "say_goodbye",
]

#: What OpenSSL raises when it has to wait for input, or for room for output.
_WAITS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)

#: What :meth:`~ssl.SSLSocket.read` raises at the end of the connection.
_ENDS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)

#: The most bytes of data in one record (RFC 8446, section 5.1: "The length MUST NOT
#: exceed 2^14 bytes").
RECORD = 16384


class Encrypted:
    """An encrypted connection that does not wait.

    :param sock: a gevent socket, after the handshake. Its owner has to keep a reference
        to it. After its ``shutdown``, what the peer sent before can still be read here.
    """

    __slots__ = ("_tls", "fileno", "pending")

    def __init__(self, sock: SSLSocket) -> None:
        self._tls: Any = sock._sslobj  # type: ignore[attr-defined]
        self.fileno = sock.fileno
        #: The number of decrypted bytes that are buffered: no event loop reports them.
        self.pending = self._tls.pending

    def recv(self, size: int) -> bytes:
        """Read at most ``size`` bytes; none at the end of the connection.

        :raises BlockingIOError: when there are none yet.
        :raises OSError: when the connection failed.
        """
        try:
            data: bytes = self._tls.read(size)
        except _WAITS:
            raise BlockingIOError from None
        except _ENDS:
            return b""
        return data

    def recv_into(self, buffer: Any) -> int:
        """Read into a buffer as much as fits; see :meth:`recv`.

        :returns: the number of bytes.
        """
        try:
            count: int = self._tls.read(len(buffer), buffer)
        except _WAITS:
            raise BlockingIOError from None
        except _ENDS:
            return 0
        return count

    def send(self, data: bytes) -> int:
        """Write as much as the kernel takes.

        It writes one record at a time. OpenSSL reports several records as written only
        when the last one is, and a peer that reads slowly would seem not to read.

        :returns: the number of bytes.
        :raises BlockingIOError: when it takes none. The next write has to begin with
            the same bytes.
        :raises OSError: when the connection failed.
        """
        sent = 0
        rest = memoryview(data)
        while rest:
            try:
                count = self._tls.write(rest[:RECORD])
            except _WAITS:
                if sent:
                    break
                raise BlockingIOError from None
            sent += count
            rest = rest[count:]
        return sent


def below(sock: Any) -> Any:
    """The object that reads and writes a gevent socket's connection without waiting.

    It has the methods ``recv``, ``recv_into``, ``send`` and ``fileno``.
    """
    return Encrypted(sock) if isinstance(sock, SSLSocket) else sock._sock


def say_goodbye(sock: SSLSocket) -> None:
    """Tell the peer that nothing follows (``close_notify``, RFC 8446, section 6.1)."""
    tls: Any = sock._sslobj  # type: ignore[attr-defined]
    if tls is not None:
        try:
            tls.shutdown()
        except OSError:
            pass  # the peer has not sent its own close_notify, which we do not wait for


def end_output(sock: Any) -> None:
    """Tell the peer of a gevent socket that nothing follows, and send nothing more.

    :raises OSError: when the connection has ended.
    """
    if isinstance(sock, SSLSocket):
        say_goodbye(sock)
    sock.shutdown(SHUT_WR)


def end_both(sock: Any) -> None:
    """End both directions of a gevent socket, which stays open.

    Who waits for the peer is woken, and reads the end or gets an error. If the socket
    were closed instead, they would wait for ever.
    """
    try:
        sock._sock.shutdown(SHUT_RDWR)
    except OSError:
        pass  # it has ended


def end_input(sock: Any) -> None:
    """Let who waits for input of a gevent socket read its end.

    What has come before is read first. A connection that has ended stays as it is.
    """
    try:
        sock._sock.shutdown(SHUT_RD)  # that of an SSLSocket would forget the encryption
    except OSError:
        pass
