"""Requests that come through a proxy: who the client is, and what it asked for.

The headers of trusted proxies replace what the connection tells; then they are removed,
so that nothing reads them in another way. Those of anybody else are removed unread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from gevent.ssl import SSLSocket

from ...wire.escape import escape
from ...wire.forwarded import (
    FORWARDED,
    READ,
    Client,
    ForwardedError,
    TrustedProxies,
    read_client,
)
from ...wire.origin import parse_authority
from ..io.proxied import ProxyHeaderError, client_of
from ..lines import REFUSALS, Details
from ..logs import get_logger
from .errors import RequestError
from .headers import Head

log = get_logger(REFUSALS)

#: Seconds between two log lines about headers that are not believed.
PERIOD = 60.0

#: Headers that only proxies set, apart from those that begin with ``X-Forwarded``.
_OTHERS = (FORWARDED, "HTTP_X_REAL_IP")

_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Request(Protocol):
    """A request, by the handler of its connection.

    :ivar peer: the address of the other end of the connection.
    :ivar client_address: the address of the client.
    :ivar scheme: of the connection, if another process has accepted it; else "".
    :ivar socket: the gevent socket.
    """

    head: Head
    peer: Any
    client_address: Any
    scheme: str
    socket: Any


def scheme_of(request: Request) -> str:
    """The scheme of the connection, here or where it was accepted."""
    encrypted = isinstance(request.socket, SSLSocket)
    return request.scheme or ("https" if encrypted else "http")


class ForwardedHeaders:
    """What the proxies of one server tell about its clients.

    :param trusted: the proxies that are believed.
    :param now: returns the time, in seconds.
    """

    def __init__(
        self, trusted: TrustedProxies, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.trusted = trusted
        self._now = now
        #: When the next log line may be written, and how many were not.
        self._due, self._silent = now(), 0

    def trusts(self, peer: Any) -> bool:
        """Whether the peer of a connection is a trusted proxy.

        :param peer: its address, as sockets have it; a text for Unix sockets.
        """
        return self.trusted.trusts(peer[0] if isinstance(peer, tuple) else "")

    def admit(
        self, handle: Callable[[Any, Any], object], seconds: float, sock: Any, peer: Any
    ) -> None:
        """Handle a connection that begins with a header of the PROXY protocol.

        :param handle: called with the socket and the address of the client, unless the
            connection has to be closed.
        :param seconds: for the header.
        :param sock: the gevent socket of the connection.
        :param peer: the address of its other end.
        """
        try:
            if not self.trusts(peer):
                raise ProxyHeaderError(
                    "with proxy_protocol = true only trusted_proxies may connect; if "
                    "it is your proxy, list it there"
                )
            client = client_of(sock, peer, seconds)
        except ProxyHeaderError as error:
            address = peer[0] if isinstance(peer, tuple) else "a Unix socket"
            details = Details(address=address, reason=str(error))
            log.info("Closed a connection of %s: %s", address, error, extra=details)
        except OSError:
            pass  # a health check that only connects
        else:
            handle(sock, client)

    def apply_to(self, request: Request) -> None:
        """Change a request to what its client asked for; see :meth:`apply`."""
        variables = request.head.variables
        client = self.apply(variables, request.peer, scheme_of(request))
        request.client_address = client

    def apply(self, variables: dict[str, str], peer: Any, scheme: str) -> Any:
        """Change the variables of a request to what its client asked for.

        :param variables: the fields of the request, as in a WSGI environment; changed.
        :param peer: the address of the other end of the connection.
        :param scheme: of the connection.
        :returns: the address of the client, as sockets have it. The port is "" when
            it is not known.
        :raises RequestError: when a header of a trusted proxy is invalid.
        """
        if not self.trusts(peer):
            self._remove(variables, peer)
            return peer
        try:
            client = read_client(variables, self.trusted.trusts)
        except ForwardedError as error:
            detail = f"{escape(error.value)}; {error.allow}"
            raise RequestError(str(error), detail=detail) from None
        for name in READ:
            variables.pop(name, None)
        _set(variables, client, scheme)
        return peer if client.address is None else (client.address, client.port)

    def _remove(self, variables: dict[str, str], peer: Any) -> None:
        names = [
            name
            for name in variables
            if name.startswith("HTTP_X_FORWARDED") or name in _OTHERS
        ]
        if names:
            for name in names:
                del variables[name]
            self._log_removed(names[0], peer)

    def _log_removed(self, name: str, peer: Any) -> None:
        now = self._now()
        if now < self._due:
            self._silent += 1
            return
        silent, self._silent = self._silent, 0
        self._due = now + PERIOD
        tcp = isinstance(peer, tuple)
        details = Details(address=peer[0] if tcp else None)
        log.info(
            "Removed %s from a request of %s, which is not in trusted_proxies; if it "
            "is your proxy, add %s there%s",
            escape(name.removeprefix("HTTP_").replace("_", "-").title()),
            peer[0] if tcp else "a Unix socket",
            "its address" if tcp else "unix:",
            f" ({silent} more since the last line about it)" if silent else "",
            extra=details,
        )


def _set(variables: dict[str, str], client: Client, scheme: str) -> None:
    if client.scheme is not None:
        variables["wsgi.url_scheme"] = scheme = client.scheme
    if client.host is not None:
        variables["HTTP_HOST"] = client.host
    if not (client.scheme or client.host or client.server_port):
        return
    host = parse_authority(variables.get("HTTP_HOST", ""), "")
    given = host.port if host is not None else 0
    port = client.server_port or _DEFAULT_PORTS[scheme]
    if given:
        port = str(given)
    elif host is not None and client.server_port not in ("", _DEFAULT_PORTS[scheme]):
        variables["HTTP_HOST"] = f"{variables['HTTP_HOST'].removesuffix(':')}:{port}"
    variables["SERVER_PORT"] = port
