"""The request that opens the transport of a 0.9 client, as the application sees it.

The application is asked by the handshake, which comes before. For gevent-socketio, the
handshake was no request of the application, so ``environ`` of its namespaces has the
transport's path and query and its WebSocket. Who the client is (the cookies, the
address, and what the application found out by them) stays that of the handshake.
"""

from __future__ import annotations

from typing import Any

from ..session.session import Socket
from ..transports.websocket import WebSocketTransport
from ..transports.websocketview import WebSocketView
from .request import Request

#: What changes in the environment.
_CHANGES = ("REQUEST_METHOD", "QUERY_STRING", "REMOTE_PORT", "HTTP_UPGRADE")


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
    # A dispatcher in front of the application may have moved a part of the path.
    environ["PATH_INFO"] = _below(environ.get("SCRIPT_NAME", ""), own["PATH_INFO"])
    if transport is not None:
        environ["wsgi.websocket"] = WebSocketView(transport, own)


def _below(script: Any, path: str) -> str:
    return path[len(script) :] if script and path.startswith(f"{script}/") else path
