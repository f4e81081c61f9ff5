"""Requests of Socket.IO clients for a path where the server has no Socket.IO.

A client without the option ``path`` asks at ``/socket.io/``. The application answers
these as any request; the log tells what is wrong when it has no page there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ..http.refusals import log_refusal

#: In the WSGI environment of such a request: the paths where the server has Socket.IO.
RESOURCES: Final = "socketio.resources"

#: What a 0.9 client appends to the URL: the time in milliseconds.
_TIME: Final = re.compile(r"(?:^|&)t=\d{13}(?:&|\Z)")

#: Where a request has the session id: 0.9 clients in the path, others in the query.
_IN_PATH: Final = re.compile(
    r"(/1/+(?:websocket|xhr-polling|jsonp-polling|htmlfile|xhr-multipart|flashsocket)/)"
    r"[^/?\s]+"
)
_IN_QUERY: Final = re.compile(r"([?&]sid=)[^&\s]+")


def without_session(text: str) -> str:
    """A path, or a line with a path and a query, for the log: without session ids.

    A proxy may rewrite the path of WebSockets alone. The id in such a request is that
    of a session, with which readers of the log could use it.
    """
    if "/1/" in text:
        text = _IN_PATH.sub(r"\1...", text)
    return _IN_QUERY.sub(r"\1...", text) if "EIO=" in text else text


def is_handshake(path: str, query: str) -> bool:
    """Whether a request looks like one that opens a connection, whatever its path."""
    if "EIO=" in query:
        return "transport=" in query
    return path.endswith("/1/") and _TIME.search(query) is not None


def respond(
    application: Callable[..., Iterable[bytes]],
    resources: Sequence[str],
    environ: dict[str, Any],
    start_response: Callable[..., Any],
) -> Iterable[bytes]:
    """Let the application answer, and log why the client does not connect.

    :param application: what answers the request.
    :param resources: the paths where the server has Socket.IO.
    """
    environ[RESOURCES] = tuple(resources)
    path = environ["PATH_INFO"]

    def start(status: str, headers: Any, *more: Any) -> Any:
        if status.startswith("404"):
            where = " and ".join(f"/{each}/" for each in resources)
            why = f"it is a Socket.IO client, and Socket.IO is at {where}"
            allow = (
                f"set the client's path: io('/chat', {{path: '/{resources[0]}/'}}); or "
                "list this path in socketio_resource, and mount the controller there"
            )
            log_refusal(environ, without_session(path), status, why, allow)
        return start_response(status, headers, *more)

    return application(environ, start)
