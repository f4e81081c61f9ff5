"""Which pages may connect.

Browsers name the page that asks in ``Origin``, but not when it loads a script (JSONP)
or a frame (htmlfile), or follows a link. Those are judged by ``Sec-Fetch-Site`` (W3C,
Fetch Metadata Request Headers) and ``Referer``. What tells browsers of the decision is
in :mod:`~tgext.socketio.engine.http.cors`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ...wire.escape import escape
from ...wire.origin import OPAQUE, Origins, parse_authority, parse_origin
from ..logs import get_logger

log = get_logger(__name__)

#: What makes a request speak for a user; a browser adds it whichever page asks.
CREDENTIALS = ("HTTP_COOKIE", "HTTP_AUTHORIZATION")

#: In the WSGI environment of a request that :func:`drop_credentials` had.
ANONYMOUS = "socketio.anonymous"

#: How browsers begin their ``User-Agent``, which no page can change for a script.
_BROWSERS = ("Mozilla/", "Opera/")


def origin_of(
    environ: dict[str, Any], *, script: bool = False, frame: bool = False
) -> str | None:
    """The origin of the page that sends a request.

    :param script: whether the answer is a script (JSONP).
    :param frame: whether the answer is a page in a frame (htmlfile).
    :returns: None where no page of another origin does: clients that are no browsers
        name none, nor do browsers when a page reads from its own server.
    """
    if _is_vouched_for(environ) or "HTTP_ORIGIN" in environ:
        return origin_of_websocket(environ)
    if script:
        return _origin_of_script(environ)
    if frame or _is_load(environ):
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


def _is_load(environ: dict[str, Any]) -> bool:
    """Whether a browser asks for an image or the like, or follows a link.

    The page that has it do so cannot read the answer, yet a session would be opened in
    the name of its user. No client asks so, but for scripts and frames.
    """
    return environ.get("HTTP_SEC_FETCH_MODE") in ("no-cors", "navigate")


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
    page = parse_origin(origin)
    if page is None:
        # The `ws` that socket.io-client 0.9 brings sends the Host it asks for.
        return origin != OPAQUE and bool(host) and origin.lower() == host.lower()
    encrypted = environ.get("wsgi.url_scheme") == "https"
    if page.scheme not in (("https",) if encrypted else ("http", "https")):
        return False
    return page == parse_authority(host, page.scheme)


def is_allowed(origin: str | None, environ: dict[str, Any], allowed: Origins) -> bool:
    """Whether a page may connect.

    :param origin: of the page; None without one.
    :param allowed: the origins that may, besides the server's own.
    """
    if allowed.any or (allowed.opaque and origin == OPAQUE):
        return True
    return is_trusted(origin, environ, allowed)


def is_trusted(origin: str | None, environ: dict[str, Any], allowed: Origins) -> bool:
    """Whether a page may connect with its user's cookies.

    ``*`` does not name it, and ``null`` is whichever page puts itself in a sandbox.
    """
    if origin is None:
        return True
    return is_same_origin(origin, environ) or allowed.lists(origin)


def drop_credentials(environ: dict[str, Any]) -> None:
    """Make it the request of nobody in particular, who is given no cookies either."""
    for name in CREDENTIALS:
        environ.pop(name, None)
    environ[ANONYMOUS] = True


def log_refused(origin: str | None, environ: dict[str, Any], allowed: Origins) -> None:
    """One line about a page that may not connect, with what would let it in."""
    advice = (
        f"list its origin in {allowed.option}, or have the proxy in front of the "
        "server pass on the Host that the browser asks for"
    )
    if origin == OPAQUE:
        advice = (
            "it hides its origin, as files and sandboxed frames do, and null in "
            f"{allowed.option} lets all such pages in, without cookies"
        )
    host = escape(environ.get("HTTP_HOST", ""))
    log.info("Refused a page of origin %s (Host: %s): %s", escape(origin), host, advice)
