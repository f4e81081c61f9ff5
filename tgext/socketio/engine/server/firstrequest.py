"""The request that opens the transport of a 0.9 client, as the application sees it.

The application is asked by the handshake, which comes before. For gevent-socketio, the
handshake was no request of the application, so ``environ`` of its namespaces has the
transport's path and query and its WebSocket. Who the client is (the cookies, the
address, and what the application found out by them) stays that of the handshake. So
does the query, if a client gave another one than the application has been asked with.
"""

from __future__ import annotations

import re
from typing import Any

from ..session.session import Socket
from ..transports.websocket import WebSocketTransport
from ..transports.websocketview import WebSocketView
from .request import Request

#: What changes in the environment.
_CHANGES = ("REQUEST_METHOD", "REMOTE_PORT", "HTTP_UPGRADE")

#: What clients add to the query of a page: the time, so that nothing is cached, and the
#: numbers of JSONP.
_ADDED = re.compile(r"(?:t|i|jsonp)=[0-9]*")


def show_request(
    request: Request, socket: Socket, transport: WebSocketTransport | None = None
) -> None:
    """Change the environment of a connection to that of its transport's request.

    For other generations, the handshake is this request.

    :param transport: the WebSocket, if it is one.
    """
    environ, own = socket.environ, request.environ
    if request.generation.opens_with_transport or environ is None:
        return
    environ.update({name: own[name] for name in _CHANGES if name in own})
    query = own["QUERY_STRING"]
    if _of_page(query) == _of_page(environ.get("QUERY_STRING", "")):
        environ["QUERY_STRING"] = query
    # A dispatcher in front of the application may have moved a part of the path.
    environ["PATH_INFO"] = _below(environ.get("SCRIPT_NAME", ""), own["PATH_INFO"])
    if transport is not None:
        environ["wsgi.websocket"] = WebSocketView(transport, own)


def _of_page(query: str) -> list[str]:
    """The fields of a query that a client has from its page."""
    fields = query.split("&")
    return [each for each in fields if each and not _ADDED.fullmatch(each)]


def _below(script: Any, path: str) -> str:
    return path[len(script) :] if script and path.startswith(f"{script}/") else path
