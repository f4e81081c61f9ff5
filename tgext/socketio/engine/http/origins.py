"""Which pages may connect.

Browsers name the page that sends a request in ``Origin``, but not when it loads a
script (JSONP) or a frame (htmlfile), or follows a link. For those requests,
``Sec-Fetch-Site`` (W3C, Fetch Metadata Request Headers) and ``Referer`` decide.
:mod:`~tgext.socketio.engine.http.cors` makes the headers that tell browsers the
decision.
"""

from __future__ import annotations

from logging import INFO
from typing import Any
from urllib.parse import urlsplit

from ...wire.escape import Escaped, escape
from ...wire.forwarded import FORWARDED, X_HOST
from ...wire.origin import OPAQUE, Origins, parse_authority, parse_origin
from ..lines import REFUSALS, Details, address_of
from ..logs import get_logger

log = get_logger(REFUSALS)

#: The variables that identify a user. A browser adds these headers whichever page sends
#: the request.
CREDENTIALS = ("HTTP_COOKIE", "HTTP_AUTHORIZATION")

#: Set in the WSGI environment by :func:`drop_credentials`.
ANONYMOUS = "socketio.anonymous"

#: How ``User-Agent`` begins in browsers. A page that loads a script cannot change it.
_BROWSERS = ("Mozilla/", "Opera/")


def origin_of(
    environ: dict[str, Any], *, script: bool = False, frame: bool = False
) -> str | None:
    """The origin of the page that sends a request.

    :param script: whether the answer is a script (JSONP).
    :param frame: whether the answer is a page in a frame (htmlfile).
    :returns: None when it is not a page of another origin: clients other than browsers
        send no origin, nor do browsers when a page reads from its own server.
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
    # The browser says that the page has another origin. If Referer is missing, the page
    # hides its address. If it names this server, the page is sandboxed: its address is
    # this server's, but its origin is opaque.
    hidden = origin is None or is_same_origin(origin, environ)
    return OPAQUE if hidden else origin


def _origin_of_script(environ: dict[str, Any]) -> str | None:
    """The origin of the page that loads a script.

    Any page can load a script and read the data with which it calls a function. If a
    browser sends neither header, the page is therefore treated as one that hides its
    address. (The messages in a frame can only be read by pages of this server.)
    """
    origin = _origin_of_frame(environ)
    return OPAQUE if origin is None and _is_browser(environ) else origin


def _is_load(environ: dict[str, Any]) -> bool:
    """Whether a browser loads an image or a similar resource, or follows a link.

    The page cannot read the answer, but a session would be opened with the credentials
    of its user. Socket.IO clients send no such requests, except for scripts and frames.
    """
    return environ.get("HTTP_SEC_FETCH_MODE") in ("no-cors", "navigate")


def _is_vouched_for(environ: dict[str, Any]) -> bool:
    """Whether the browser itself says that the page has the server's origin.

    Pages cannot set the header. It is ``none`` when the user typed the address.
    """
    return environ.get("HTTP_SEC_FETCH_SITE") in ("same-origin", "none")


def _is_browser(environ: dict[str, Any]) -> bool:
    """Whether a request may come from a browser, also from an old one."""
    return environ.get("HTTP_USER_AGENT", "").startswith(_BROWSERS) or any(
        name in environ for name in CREDENTIALS
    )


def _origin_in(url: str) -> str:
    try:
        scheme, host, *_ = urlsplit(url)
    except ValueError:
        return OPAQUE  # not a URL
    return f"{scheme}://{host}"


def is_same_origin(origin: str, environ: dict[str, Any]) -> bool:
    """Whether an origin is the server's own.

    If the server speaks TLS itself, the page must have been loaded with TLS. Otherwise
    the scheme is ignored: a proxy in front may speak TLS, which the server cannot know.
    """
    host: str = environ.get("HTTP_HOST", "")
    page = parse_origin(origin)
    if page is None:
        # The `ws` module of socket.io-client 0.9 sends the Host as its origin.
        return origin != OPAQUE and bool(host) and origin.lower() == host.lower()
    encrypted = environ.get("wsgi.url_scheme") == "https"
    if page.scheme not in (("https",) if encrypted else ("http", "https")):
        return False
    return page == parse_authority(host, page.scheme)


def is_allowed(origin: str | None, environ: dict[str, Any], allowed: Origins) -> bool:
    """Whether a page may connect.

    :param origin: of the page; None if the request has none.
    :param allowed: the origins that may connect, in addition to the server's own.
    """
    if allowed.any or (allowed.opaque and origin == OPAQUE):
        return True
    return is_trusted(origin, environ, allowed)


def is_trusted(origin: str | None, environ: dict[str, Any], allowed: Origins) -> bool:
    """Whether a page may connect with its user's cookies.

    ``*`` and ``null`` do not make a page trusted: ``*`` names no page, and any page can
    get the origin ``null`` from a sandboxed frame.
    """
    if origin is None:
        return True
    return is_same_origin(origin, environ) or allowed.lists(origin)


def drop_credentials(environ: dict[str, Any]) -> None:
    """Make a request anonymous; its answer sets no cookies either."""
    for name in CREDENTIALS:
        environ.pop(name, None)
    environ[ANONYMOUS] = True


def log_refused(origin: str | None, environ: dict[str, Any], allowed: Origins) -> None:
    """Log that a page may not connect: one line, with what would allow it."""
    if not log.isEnabledFor(INFO):
        return
    advice = (
        f"list its origin in {allowed.option}, or have the proxy in front of the "
        "server pass on the Host that the browser asks for (nginx: proxy_set_header "
        "Host $http_host; Apache: ProxyPreserveHost On)"
    )
    if any(name in environ for name in (FORWARDED, X_HOST)):
        advice += ", or list the proxy in trusted_proxies: it tells the Host itself"
    if origin == OPAQUE:
        advice = (
            "it hides its origin, as files and sandboxed frames do; null in "
            f"{allowed.option} allows all such pages, without cookies"
        )
    host = environ.get("HTTP_HOST")
    seen = f"Host: {escape(host)}" if host else "no Host"
    details = Details(
        address=address_of(environ), origin=origin, status="403", allow=Escaped(advice)
    )
    told = escape(origin), seen, advice
    log.info("Refused a page of origin %s (%s): %s", *told, extra=details)
