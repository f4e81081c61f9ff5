"""Which pages may connect, and the CORS headers that tell their browsers so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

Headers = list[tuple[str, str]]

#: Any page may connect, without cookies.
ANY = "*"


def is_same_origin(origin: str, environ: dict[str, Any]) -> bool:
    """Whether a page of this very host asks.

    The scheme is left out: behind a proxy that speaks TLS the server does not know it.
    """
    host: str = environ.get("HTTP_HOST", "")
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False  # it is no URL


def is_allowed(environ: dict[str, Any], allowed: Sequence[str]) -> bool:
    """Whether the request may connect.

    :param allowed: origins such as ``https://example.org`` besides the server's own,
        or ``*``. Clients that are no browsers send no origin, and may.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None or ANY in allowed:
        return True
    return is_same_origin(origin, environ) or origin.lower() in allowed


def cors_headers(environ: dict[str, Any], allowed: Sequence[str]) -> Headers:
    """The headers for a request that :func:`is_allowed`.

    Credentials go to an origin that is listed, never to one that is merely reflected.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return []
    if origin.lower() in allowed:
        return [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
            ("Vary", "Origin"),
        ]
    if ANY in allowed:
        return [("Access-Control-Allow-Origin", ANY)]
    return []


def preflight_headers(environ: dict[str, Any], allowed: Sequence[str]) -> Headers:
    """The headers that answer an OPTIONS request."""
    return [
        *cors_headers(environ, allowed),
        ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
        ("Access-Control-Allow-Headers", "Content-Type"),
        ("Access-Control-Max-Age", "3600"),
    ]
