"""The opening handshake of a plain WebSocket (RFC 6455, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.websocket import MSG_SOCKET_DEAD

from ...wire.origin import Origins
from ...wire.websocket.deflate import Deflate
from ..http.origins import (
    CREDENTIALS,
    is_allowed,
    is_trusted,
    log_refused,
    origin_of_websocket,
)
from ..http.upgrade import HandshakeRefused, read_handshake
from ..hub.checks import check_origins, check_positive, check_seconds
from ..hub.places import Full, Place
from .hosts import Request


class Mistrusted(HandshakeRefused):
    """Pages of this origin may connect, but not with the cookies of their user."""

    def __init__(self) -> None:
        text = "Pages of this origin may only connect without cookies"
        super().__init__("403 Forbidden", text)
        self.why = None  # not logged: the application runs again, without cookies


@dataclass(frozen=True)
class Terms:
    """What an application accepts; see :meth:`.wsgi.WebSocket.accept`."""

    subprotocols: Sequence[str]
    origins: Sequence[str] | Origins | None
    max_message_size: int | None
    ping_interval: float | None
    compression: Deflate | None

    def __post_init__(self) -> None:
        check_bounds(self.max_message_size, self.ping_interval)


def check_bounds(max_message_size: Any, ping_interval: Any) -> None:
    """Check two options, each of which may be None.

    :raises ValueError: when one is invalid; the message names it.
    """
    if max_message_size is not None:
        check_positive("max_message_size", max_message_size)
    if ping_interval is not None:
        check_seconds("ping_interval", ping_interval)


class Opening:
    """A handshake that can be accepted.

    :param environ: the WSGI environment of the request.
    :param request: its handler.
    :param terms: what the application accepts.
    :raises ValueError: when the origins of the terms are invalid.
    :raises Mistrusted: when the page may connect only without cookies, and the request
        has some.
    :raises HandshakeRefused: when the request is not a valid handshake, or its page
        may not connect.

    :ivar subprotocol: the one that was agreed on, or None (section 4.2.2).
    :ivar agreement: the compression that was agreed on, or None.
    """

    def __init__(self, environ: dict[str, Any], request: Request, terms: Terms) -> None:
        self._environ = environ
        self._request = request
        handshake = read_handshake(environ)
        self._key = handshake.key
        allowed = request.server.hub.settings.allowed_origins
        if terms.origins is not None:
            allowed = check_origins("origins", terms.origins)
        self._check_origin(allowed)
        self.subprotocol = handshake.choose_subprotocol(terms.subprotocols)
        self.agreement = None
        if terms.compression is not None:
            self.agreement = handshake.choose_compression(terms.compression)

    def _check_origin(self, allowed: Origins) -> None:
        """Refuse pages that may not connect (RFC 6455, section 10.2)."""
        environ = self._environ
        origin = origin_of_websocket(environ)
        if not is_allowed(origin, environ, allowed):
            log_refused(origin, environ, allowed)
            refused = HandshakeRefused("403 Forbidden", "This origin may not connect")
            refused.why = None  # it is logged
            raise refused
        if not is_trusted(origin, environ, allowed) and any(
            name in environ for name in CREDENTIALS
        ):
            # Any page could have sent the request with the cookies of its visitor.
            raise Mistrusted

    def reserve(self) -> Place:
        """Take a place among the connections of the server.

        :raises HandshakeRefused: when there are too many connections.
        """
        address = self._environ.get("REMOTE_ADDR", "")
        try:
            return self._request.server.hub.registry.reserve(address)
        except Full as full:
            text = "Too many connections"
            refused = HandshakeRefused("503 Service Unavailable", text)
            refused.why = full.why
            raise refused from None

    def answer(self) -> tuple[Any, bytes]:
        """Answer 101.

        :returns: the gevent socket, and the bytes that followed the request.
        :raises HandshakeRefused: when the request has a body.
        :raises WebSocketError: when the client has gone.
        """
        headers = []
        if self.subprotocol is not None:
            headers.append(("Sec-WebSocket-Protocol", self.subprotocol))
        if self.agreement is not None:
            headers.append(("Sec-WebSocket-Extensions", self.agreement.header))
        try:
            return self._request.switch_protocols(self._key, headers)
        except HandshakeRefused:
            raise
        except OSError:
            self._request.close_connection = True
            raise WebSocketError(MSG_SOCKET_DEAD) from None
