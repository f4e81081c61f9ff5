"""The opening handshake of a WebSocket (RFC 6455, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geventwebsocket.exceptions import WebSocketError

from ...wire.websocket.deflate import NAME, Agreement, Deflate
from ...wire.websocket.handshake import (
    VERSION,
    accept_key,
    is_key,
    parse_extensions,
    parse_tokens,
)

Headers = list[tuple[str, str]]

INVALID = "Invalid WebSocket request"

#: For the log, since browsers do not show the answer. Proxies that do not support
#: WebSockets remove the two fields.
NO_UPGRADE = (
    f"{INVALID}: it has no `Upgrade: websocket` with `Connection: Upgrade`; a proxy in "
    "front has to pass both on"
)

#: The headers of a 426 (RFC 6455, section 4.2.2; RFC 9110, section 15.5.22).
VERSION_HEADERS: Headers = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", VERSION),
]


class HandshakeRefused(WebSocketError):
    """A handshake is refused with an HTTP answer.

    :ivar status: the answer's status line.
    :ivar headers: its headers, without those of the body.
    :ivar text: its body.
    :ivar why: the reason for the log; None when it was logged.
    """

    def __init__(
        self,
        status: str,
        text: str = INVALID,
        headers: Headers | None = None,
        why: str = "",
    ) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text
        self.headers = headers or []
        self.why: str | None = why or text


@dataclass(slots=True)
class Handshake:
    """The parameters of a valid handshake."""

    key: str
    #: In the order in which the client prefers them.
    subprotocols: Sequence[str]
    #: ``Sec-WebSocket-Extensions``, parsed only if the server supports an extension.
    offers: str = ""

    def choose_subprotocol(self, supported: Sequence[str]) -> str | None:
        """The first that the client names and the server supports, or None."""
        return next((each for each in self.subprotocols if each in supported), None)

    def choose_compression(self, deflate: Deflate) -> Agreement | None:
        """The agreement on the first acceptable offer of permessage-deflate.

        :raises HandshakeRefused: when the offers are invalid (section 9.1).
        """
        try:
            offers = parse_extensions(self.offers)
        except ValueError as error:
            raise _invalid(error) from None
        for name, parameters in offers:
            agreement = deflate.accept(parameters) if name == NAME else None
            if agreement is not None:
                return agreement
        return None


def asks_for_websocket(environ: dict[str, Any]) -> bool:
    """Whether a request asks for a WebSocket; it may still be invalid."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and "websocket" in _names(environ.get("HTTP_UPGRADE", ""))
        and "upgrade" in _names(environ.get("HTTP_CONNECTION", ""))
    )


def read_handshake(environ: dict[str, Any]) -> Handshake:
    """Read the request that opens a WebSocket (section 4.2.1).

    :raises HandshakeRefused: when it is invalid, or of another version.
    """
    if not asks_for_websocket(environ):
        raise HandshakeRefused("400 Bad Request", why=NO_UPGRADE)
    if not _is_plain_request(environ):
        why = f"{INVALID}: it is not HTTP/1.1, names no host, or has a body"
        raise HandshakeRefused("400 Bad Request", why=why)
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != VERSION:
        why = f"{INVALID}: Sec-WebSocket-Version is not {VERSION}"
        raise HandshakeRefused("426 Upgrade Required", INVALID, VERSION_HEADERS, why)
    key: str = environ.get("HTTP_SEC_WEBSOCKET_KEY", "")
    if not is_key(key):
        why = f"{INVALID}: Sec-WebSocket-Key is not 16 bytes in base64"
        raise HandshakeRefused("400 Bad Request", why=why)
    try:
        return Handshake(
            key,
            parse_tokens(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "")),
            environ.get("HTTP_SEC_WEBSOCKET_EXTENSIONS", ""),
        )
    except ValueError as error:
        raise _invalid(error) from None


def acceptance(key: str, headers: Headers) -> bytes:
    """The answer that accepts a handshake (section 4.2.2).

    :param key: the client's ``Sec-WebSocket-Key``.
    """
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(key)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _invalid(error: ValueError) -> HandshakeRefused:
    return HandshakeRefused("400 Bad Request", f"{INVALID}: {error}")


def _is_plain_request(environ: dict[str, Any]) -> bool:
    """Whether it is HTTP/1.1 with a host and without a body, which would be read as
    frames.
    """
    return (
        environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
        and bool(environ.get("HTTP_HOST"))
        and environ.get("CONTENT_LENGTH", "0") in ("", "0")
        and "HTTP_TRANSFER_ENCODING" not in environ
    )


def _names(header: str) -> list[str]:
    return [each.strip(" \t").lower() for each in header.split(",")]
