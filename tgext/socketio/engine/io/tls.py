"""TLS: the server's certificate, and connections that are encrypted.

gevent's sockets wait where a plain socket would say that it must. Below a plain one is
a socket that says so; below an encrypted one is an object of OpenSSL, which
:class:`Encrypted` makes look like it.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from socket import SHUT_WR
from typing import Any, NoReturn

from gevent.ssl import SSLContext, SSLSocket, create_default_context

#: What waits to be read, or written, in OpenSSL's words.
_WAITS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)

#: What :meth:`~ssl.SSLSocket.read` raises at the end of the connection.
_ENDS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)

#: The most bytes that one record holds (RFC 8446, section 5.1).
RECORD = 16384


class Encrypted:
    """An encrypted connection that does not wait.

    :param sock: gevent's, after the handshake. It is kept track of by its owner: after
        its ``shutdown`` what the peer sent before can still be read here.
    """

    __slots__ = ("_tls", "fileno", "pending")

    def __init__(self, sock: SSLSocket) -> None:
        self._tls: Any = sock._sslobj  # type: ignore[attr-defined]
        self.fileno = sock.fileno
        #: How many bytes can be read that no event loop sees any more.
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
        """Read into a buffer as much as fits; how many bytes. See :meth:`recv`."""
        try:
            count: int = self._tls.read(len(buffer), buffer)
        except _WAITS:
            raise BlockingIOError from None
        except _ENDS:
            return 0
        return count

    def send(self, data: bytes) -> int:
        """Write as much as the kernel takes; how many bytes that were.

        A record at a time: OpenSSL says of several that they were written when the last
        one was, and a peer that reads slowly would seem to read nothing.

        :raises BlockingIOError: when it takes none. What is written next has to begin
            with the same bytes.
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


def say_goodbye(sock: SSLSocket) -> None:
    """Tell the peer that nothing follows (``close_notify``, RFC 8446, section 6.1)."""
    tls: Any = sock._sslobj  # type: ignore[attr-defined]
    if tls is not None:
        try:
            tls.shutdown()
        except OSError:
            pass  # its own is not waited for


def end_output(sock: Any) -> None:
    """Tell the peer of a gevent socket that nothing follows, and send nothing more.

    :raises OSError: when the connection has ended.
    """
    if isinstance(sock, SSLSocket):
        say_goodbye(sock)
    sock.shutdown(SHUT_WR)


def below(sock: Any) -> Any:
    """What is below a gevent socket: it has ``recv``, ``recv_into``, ``send`` and
    ``fileno``, and does not wait. An encrypted one has ``pending`` too."""
    return Encrypted(sock) if isinstance(sock, SSLSocket) else sock._sock


def server_context(certfile: str | None, keyfile: str | None) -> SSLContext:
    """What a server needs to speak TLS.

    :param certfile: the path of its certificate, followed by those that lead to a
        known authority; PEM.
    :param keyfile: the path of its key; None where ``certfile`` has it too.
    :raises ValueError: when they cannot be used; the message names the option.
    """
    if certfile is None:
        raise ValueError(f"keyfile: {keyfile!r} has no certfile that goes with it")
    for name, path in (("certfile", certfile), ("keyfile", keyfile)):
        if path is not None:
            _check_readable(name, path)
    context = create_default_context(ssl.Purpose.CLIENT_AUTH)

    def password() -> NoReturn:
        raise ValueError(f"keyfile: {keyfile or certfile!r} is encrypted; decrypt it")

    try:
        context.load_cert_chain(certfile, keyfile, password)
    except ssl.SSLError as error:
        raise ValueError(_explain(error, certfile, keyfile)) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _explain(error: ssl.SSLError, certfile: str, keyfile: str | None) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"keyfile: {keyfile or certfile!r} is not the key of {certfile!r}"
    if error.reason is not None and error.reason.endswith("_TOO_SMALL"):
        return f"certfile: {certfile!r} has a key that is too short; make a longer one"
    certificate = f"certfile: {certfile!r} holds no certificate in PEM"
    if keyfile is None:
        return f"{certificate}, or not its key; name the file of that with keyfile"
    try:
        # A certificate alone can be trusted, whatever it is.
        SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certfile)
    except ssl.SSLError:
        return certificate
    return f"keyfile: {keyfile!r} holds no key in PEM"


def check_context(context: Any) -> None:
    """Make sure that connections of a context let others run while they wait.

    :raises ValueError: when they would not, or it is none of a server.
    """
    if not isinstance(context, SSLContext):
        raise ValueError(f"ssl_context: {context!r} is none of gevent.ssl")
    if context.protocol == ssl.PROTOCOL_TLS_CLIENT:
        raise ValueError(
            "ssl_context: it is a client's; a server needs one with "
            "ssl.Purpose.CLIENT_AUTH or ssl.PROTOCOL_TLS_SERVER"
        )


def _check_readable(name: str, path: str) -> None:
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{name}: {path!r} cannot be read: {error.strerror}") from None


def tls_context(
    certfile: str | None, keyfile: str | None, kwargs: dict[str, Any]
) -> SSLContext | None:
    """The context of a server that speaks TLS; gevent finds it among ``kwargs``."""
    context = kwargs.pop("ssl_context", None)
    if certfile or keyfile:
        if context is not None:
            raise ValueError("ssl_context: it has the certificate already; no certfile")
        context = server_context(certfile, keyfile)
    if context is None:
        return None
    check_context(context)
    kwargs["ssl_context"] = context
    tls: SSLContext = context
    return tls
