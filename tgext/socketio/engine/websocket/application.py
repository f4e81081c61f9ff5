"""Requests that ask for a plain WebSocket, which the application may accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from geventwebsocket.exceptions import WebSocketError

from ..concurrency.failures import FAILURES
from ..concurrency.interruption import Interrupted, Overdue
from ..http.origins import drop_credentials
from ..http.refusals import log_handshake_refusal
from ..http.upgrade import HandshakeRefused
from ..logs import get_logger
from .hosts import Request
from .wsgi import WebSocket

log = get_logger(__name__)


def serve_websocket(
    handler: Request, environ: dict[str, Any], start_response: Any
) -> Iterable[bytes]:
    """Run the application with a WebSocket that it may accept or ignore.

    The allowed origins are known only when the application accepts. If the page may
    then connect only without its user's cookies, the application runs again, for a
    request without them.
    """
    pristine = dict(environ)
    body = _offer(handler, environ, start_response)
    if body is None:
        drop_credentials(pristine)
        body = _offer(handler, pristine, start_response)
    assert body is not None
    return body


def _offer(
    handler: Request, environ: dict[str, Any], start_response: Any
) -> Iterable[bytes] | None:
    """Run the application; None if it has to run again, without credentials."""
    server = handler.server
    websocket = WebSocket(environ, handler)
    environ["wsgi.websocket"] = websocket
    environ["wsgi.websocket_version"] = environ.get("HTTP_SEC_WEBSOCKET_VERSION")
    environ.update(server.opening_environ)

    def start(status: str, headers: Any, exc_info: Any = None) -> Any:
        if websocket.accepted or websocket.mistrusted:
            return lambda data: None
        return start_response(status, headers, exc_info)

    code = 1011
    try:
        with websocket.runner.running():
            body = _begin(server.application(environ, start), websocket)
        code = 1000
        return None if websocket.mistrusted else body
    except HandshakeRefused as refused:
        if websocket.mistrusted:
            return None
        log_handshake_refusal(environ, refused)
        text = refused.text.encode()
        content = ("Content-Type", "text/plain; charset=UTF-8")
        start_response(refused.status, [*refused.headers, content])
        return [text]
    except Overdue as error:
        log.warning("The application of a WebSocket was interrupted: %s", error)
        return []
    except Interrupted:
        raise
    except FAILURES as error:
        left = isinstance(error, WebSocketError) and websocket.closed
        left = left and not websocket.failed
        if not left and not websocket.accepted:
            raise
        if not left:
            log.exception("A WebSocket's application failed")
        return []
    finally:
        websocket.end(code)


def _begin(body: Iterable[bytes], websocket: WebSocket) -> Iterable[bytes]:
    """Run an answer to its first bytes: a generator accepts when it is iterated."""
    close = getattr(body, "close", None)
    if not websocket.accepted and not websocket.mistrusted and hasattr(body, "__len__"):
        return body
    try:
        chunks = iter(body)
        for chunk in chunks:
            if not websocket.accepted and not websocket.mistrusted:
                rest = _Body(chain((chunk,), chunks), close)
                close = None
                return rest
        return []
    finally:
        if close is not None:
            close()


class _Body:
    """The rest of an answer that has begun."""

    def __init__(self, chunks: Iterator[bytes], close: Any) -> None:
        self._chunks = chunks
        if close is not None:
            self.close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks
