"""Which pages may connect, and the CORS headers that tell their browsers so.

Browsers name the page that asks in ``Origin``, but not when it loads a script (JSONP)
or a frame (htmlfile). Those are judged by ``Sec-Fetch-Site`` (W3C, Fetch Metadata
Request Headers) and ``Referer``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from .routes import Route

Headers = list[tuple[str, str]]

#: Any page may connect, without cookies.
ANY = "*"

#: The origin of a page that hides it (RFC 6454, section 7.3).
OPAQUE = "null"

#: What makes a request speak for a user; a browser adds it whichever page asks.
CREDENTIALS = ("HTTP_COOKIE", "HTTP_AUTHORIZATION")

#: In the WSGI environment of a request that :func:`drop_credentials` had.
ANONYMOUS = "socketio.anonymous"

#: How browsers begin their ``User-Agent``, which no page can change for a script.
_BROWSERS = ("Mozilla/", "Opera/")


def origin_of(route: Route, environ: dict[str, Any]) -> str | None:
    """The origin of the page that sends a request.

    :returns: None where no page of another origin does: clients that are no browsers
        name none, nor do browsers when a page reads from its own server.
    """
    if _is_vouched_for(environ) or "HTTP_ORIGIN" in environ:
        return origin_of_websocket(environ)
    if route.jsonp is not None:
        return _origin_of_script(environ)
    if route.transport == "htmlfile":
        return _origin_of_frame(environ)
    return None


def origin_of_websocket(environ: dict[str, Any]) -> str | None:
    """The origin of the page that opens a WebSocket, which browsers always name."""
    return None if _is_vouched_for(environ) else environ.get("HTTP_ORIGIN")


def _origin_of_frame(environ: dict[str, Any]) -> str | None:
    referer = environ.get("HTTP_REFERER")
    origin = _origin_in(referer) if referer else None
    if "HTTP_SEC_FETCH_SITE" not in environ:
        return origin
    # The browser says that it is another's: it hides its address, or is sandboxed and
    # has an address of this server, yet not its origin.
    hidden = origin is None or is_same_origin(origin, environ)
    return OPAQUE if hidden else origin


def _origin_of_script(environ: dict[str, Any]) -> str | None:
    """Any page can load a script, and read what it calls.

    A browser that says nothing is therefore taken for one that hides the page; to a
    frame, only the page it came from can listen.
    """
    origin = _origin_of_frame(environ)
    return OPAQUE if origin is None and _is_browser(environ) else origin


def _is_vouched_for(environ: dict[str, Any]) -> bool:
    """Whether the browser itself says that no page of another origin asks.

    No page can set the header. ``none`` is a user who typed the address.
    """
    return environ.get("HTTP_SEC_FETCH_SITE") in ("same-origin", "none")


def _is_browser(environ: dict[str, Any]) -> bool:
    """Whether a request may be a browser's, of whatever age."""
    return environ.get("HTTP_USER_AGENT", "").startswith(_BROWSERS) or any(
        name in environ for name in CREDENTIALS
    )


def _origin_in(url: str) -> str:
    try:
        scheme, host, *_ = urlsplit(url)
    except ValueError:
        return OPAQUE  # it is no URL
    return f"{scheme}://{host}"


def is_same_origin(origin: str, environ: dict[str, Any]) -> bool:
    """Whether a page of this very host asks.

    Where the server speaks TLS itself the page must have come over it. Else the scheme
    is left out: a proxy in front may speak TLS, and the server does not know.
    """
    host: str = environ.get("HTTP_HOST", "")
    try:
        page = urlsplit(origin)
    except ValueError:
        return False  # it is no URL
    if environ.get("wsgi.url_scheme") == "https" and page.scheme != "https":
        return False
    return bool(host) and page.netloc.lower() == host.lower()


def is_allowed(
    origin: str | None, environ: dict[str, Any], allowed: Sequence[str]
) -> bool:
    """Whether a page may connect.

    :param origin: of the page; None without one.
    :param allowed: origins such as ``https://example.org`` besides the server's own,
        or ``*``.
    """
    return ANY in allowed or is_trusted(origin, environ, allowed)


def is_trusted(
    origin: str | None, environ: dict[str, Any], allowed: Sequence[str]
) -> bool:
    """Whether a page may connect with its user's cookies: ``*`` does not name it."""
    if origin is None:
        return True
    return is_same_origin(origin, environ) or origin.lower() in allowed


def drop_credentials(environ: dict[str, Any]) -> None:
    """Make it the request of nobody in particular, who is given no cookies either."""
    for name in CREDENTIALS:
        environ.pop(name, None)
    environ[ANONYMOUS] = True


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
