"""The headers that let pages of other origins read answers (Fetch, "CORS protocol")."""

from __future__ import annotations

import re
from typing import Any

from ...wire.origin import OPAQUE, Origins

Headers = list[tuple[str, str]]

#: The most header names that a preflight request may list, and characters of the list.
#: Longer lists are ignored, to keep the answer short.
MAX_NAMES = 32
MAX_CHARACTERS = 1024

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def cors_headers(environ: dict[str, Any], allowed: Origins) -> Headers:
    """The headers of an answer to an allowed page of another origin.

    Clients before 3.x always send credentials, and browsers then require that the
    answer names the page's origin, not ``*`` (Fetch, "CORS protocol and credentials").
    The credentials of origins that are not listed are dropped nevertheless: see
    :func:`~tgext.socketio.engine.http.origins.drop_credentials`.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return []
    opaque = allowed.opaque and origin == OPAQUE
    if not (allowed.any or opaque or allowed.lists(origin)):
        return []
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    ]


def preflight_headers(environ: dict[str, Any]) -> Headers:
    """The headers of the answer to an OPTIONS request, apart from :func:`cors_headers`.

    A page that may connect may send any headers, as with the reference server.
    """
    names = _requested(environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", ""))
    headers = [
        ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
        ("Access-Control-Allow-Headers", ", ".join(["Content-Type", *names])),
        ("Access-Control-Max-Age", "3600"),
        ("Vary", "Access-Control-Request-Headers"),
    ]
    # A page on the internet asks for a server in a local network (WICG, Private Network
    # Access, section 3.1).
    if environ.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true":
        headers.append(("Access-Control-Allow-Private-Network", "true"))
    return headers


def _requested(value: str) -> list[str]:
    """The header names that a preflight request lists; none if the list is invalid."""
    if len(value) > MAX_CHARACTERS:
        return []
    names = [each.strip(" \t") for each in value.split(",")]
    names = [each for each in names if each and each.lower() != "content-type"]
    if len(names) > MAX_NAMES or not all(map(_TOKEN.fullmatch, names)):
        return []
    return names
