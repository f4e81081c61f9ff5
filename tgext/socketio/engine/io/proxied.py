"""Reads the PROXY protocol's header of a connection, before TLS and HTTP."""

from __future__ import annotations

from socket import MSG_PEEK
from typing import Any

import gevent

from ...wire.proxyprotocol import LONGEST, ProxyHeader, ProxyHeaderError, Source

__all__ = ["UNKNOWN", "ProxyHeaderError", "client_of"]


#: The client of a proxy that does not tell whose connection it is. It does not get the
#: proxy's address: what comes through is somebody else's, and would be believed.
UNKNOWN = ("0.0.0.0", 0)  # noqa: S104

ADVICE = (
    "have the proxy send one (nginx: proxy_protocol on; haproxy: send-proxy-v2), or "
    "set proxy_protocol = false"
)


def client_of(sock: Any, peer: Any, seconds: float) -> Any:
    """The address of the client behind a proxy.

    :param sock: a gevent socket. Only the header is read from it.
    :param peer: the address of the proxy.
    :param seconds: for the whole header.
    :returns: an address as sockets have it; the proxy's for a connection of its own,
        and :data:`UNKNOWN` if the header does not tell it.
    :raises ProxyHeaderError: when the header is invalid, or does not come in time; the
        message says what would help.
    :raises OSError: when the connection has ended.
    """
    late = ProxyHeaderError("there is no complete PROXY header after header_timeout")
    try:
        with gevent.Timeout(seconds, late):
            source = _read(sock)
    except ProxyHeaderError as error:
        raise ProxyHeaderError(f"{error}; {ADVICE}") from None
    if source.address is not None:
        return source.address
    return peer if source.own else UNKNOWN


def _read(sock: Any) -> Source:
    header = ProxyHeader()
    while header.source is None:
        # What follows belongs to TLS or HTTP, which read it themselves.
        ahead = sock.recv(LONGEST, MSG_PEEK)
        if not ahead:
            raise ConnectionResetError("the connection ended before its PROXY header")
        sock.recv(header.take(ahead))
    return header.source
