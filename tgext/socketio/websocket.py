"""Plain WebSockets in controllers.

::

    from tg import expose, request
    from tgext.socketio.websocket import websocket

    class RootController(BaseController):
        @expose()
        @websocket
        def echo(self, room='lobby'):
            for message in request.websocket:
                request.websocket.send('Message received: ' + message)

The method runs as long as the connection lives, in the request that opened it: its
``tg.request``, identity, session and ``tmpl_context`` stay those of that moment. A
transaction does not: where TurboGears manages one (``tm.enabled``), what guards and
validators did is committed before the handshake is answered, and the method begins
without one. Whatever it then does with the database opens another, which lasts until it
is committed; so give each message its own::

    for message in request.websocket:
        with transaction.manager:
            DBSession.add(Line(text=message))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, TypeVar, overload

from tg import config, request
from tg.exceptions import HTTPException
from tg.request_local import Request, Response
from tg.support.converters import asbool

from .engine.http.refusals import log_handshake_refusal
from .engine.http.upgrade import HandshakeRefused, read_handshake
from .engine.logs import get_logger
from .engine.websocket import group
from .engine.websocket.wsgi import WebSocket, WebSocketError
from .request.jsonify import dumps
from .wire.origin import Origins
from .wire.websocket.deflate import Deflate

__all__ = ["Deflate", "Group", "WebSocket", "WebSocketError", "websocket"]

log = get_logger(__name__)

Method = TypeVar("Method", bound=Callable[..., Any])


def _websocket_of(self: Request) -> WebSocket | None:
    """The WebSocket that the request asks for; None for an ordinary request."""
    found: WebSocket | None = self.environ.get("wsgi.websocket")
    return found


Request.websocket = property(_websocket_of)


class Group(group.Group):
    """A set of connections to broadcast to: ``add``, ``discard``, ``send``.

    A connection leaves when it ends. Sending never waits: a client that is too far
    behind is disconnected, the others have the message at once.
    """

    def __init__(self) -> None:
        super().__init__(dumps)


@dataclass(frozen=True)
class Options:
    """The options of :func:`websocket`."""

    subprotocols: Sequence[str]
    max_message_size: int | None
    origins: Origins | str | None
    ping_interval: float | None
    compression: Deflate | None

    def __post_init__(self) -> None:
        for name in ("subprotocols", "origins"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name}: {getattr(self, name)!r} is not a list")
        for name in ("max_message_size", "ping_interval"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name}: {value!r} is not greater than 0")
        if self.compression is not None and not isinstance(self.compression, Deflate):
            raise TypeError(f"compression: {self.compression!r} is no bool or Deflate")

    def accept(self, connection: WebSocket) -> None:
        """Answer the handshake."""
        connection.accept(
            self.subprotocols,
            origins=self.origins,
            max_message_size=self.max_message_size,
            ping_interval=self.ping_interval,
            compression=self.compression,
        )


@overload
def websocket(method: Method) -> Method: ...


@overload
def websocket(
    *,
    subprotocols: Sequence[str] = (),
    max_message_size: int | None = None,
    origins: Sequence[str] | None = None,
    ping_interval: float | None = None,
    compression: bool | Deflate = False,
) -> Callable[[Method], Method]: ...


def websocket(
    method: Method | None = None,
    *,
    subprotocols: Sequence[str] = (),
    max_message_size: int | None = None,
    origins: Sequence[str] | None = None,
    ping_interval: float | None = None,
    compression: bool | Deflate = False,
) -> Any:
    """Make an exposed method serve a WebSocket: ``request.websocket``.

    Goes with ``@expose()``, ``@require``, ``@validate`` and arguments of the URL, which
    are all done with before the handshake is answered; until then what they say is said
    over HTTP. A request that is no handshake is answered 400, one for another version
    of the protocol 426, a page of another origin 403, and 400 arguments that
    ``@validate`` refuses without an ``error_handler``.

    The connection is closed when the method returns. One that ends while the method
    sends raises ``WebSocketError``, which ends the method and needs no care; after any
    other error the client sees the code 1011.

    :param subprotocols: those that the method speaks; the client's favourite of them is
        ``request.websocket.subprotocol``.
    :param max_message_size: bytes that a message of the client may have; by default the
        server's option of that name. Past it the connection is closed with 1009.
    :param origins: origins, besides the server's own, whose pages may connect; by
        default the server's ``allowed_origins``. With ``'*'`` among them any page may,
        but without its user's cookies: for one that is not listed, guards and
        validators are asked a second time, about a request without.
    :param ping_interval: seconds between pings; by default the server's
        ``heartbeat_interval``. A client that does not answer is disconnected.
    :param compression: whether to compress (permessage-deflate), or how.
    :raises TypeError, ValueError: when an option cannot be; the message names it.
    """
    deflate: Any = compression
    if isinstance(compression, bool):
        deflate = Deflate() if compression else None
    listed: Origins | str | None = None
    if origins is not None:
        listed = origins if isinstance(origins, str) else Origins(origins, "origins")
    options = Options(subprotocols, max_message_size, listed, ping_interval, deflate)
    decorate = partial(_endpoint, options)
    return decorate if method is None else decorate(method)


def _endpoint(options: Options, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def endpoint(*args: Any, **kwargs: Any) -> Any:
        try:
            connection = _accept(options)
        except HandshakeRefused as refused:
            return _refusal(refused)
        try:
            method(*args, **kwargs)
        except WebSocketError:
            if not connection.closed:
                connection.fail()
                raise
            log.debug("A client left while it was sent to: %s", connection)
        except HTTPException as error:
            connection.fail()
            log.exception("%s: too late, the handshake was answered", error.status)
        except BaseException:
            connection.fail()
            raise
        return ""

    return endpoint


def _accept(options: Options) -> WebSocket:
    connection = request.websocket
    if connection is None:
        read_handshake(request.environ)
        raise HandshakeRefused("400 Bad Request")
    errors = request.validation.errors
    if errors:
        raise HandshakeRefused("400 Bad Request", _spell(errors))
    _commit()
    connection.json_dumps = dumps
    options.accept(connection)
    accepted: WebSocket = connection
    return accepted


def _spell(errors: Any) -> str:
    return "\n".join(f"{field}: {message}" for field, message in errors.items())


def _commit() -> None:
    """End the transaction of the request: it must not last as long as the socket."""
    if asbool(config.get("tm.enabled", False)):
        try:
            import transaction
        except ImportError:
            return  # then TurboGears manages none either
        transaction.commit()


def _refusal(refused: HandshakeRefused) -> Response:
    log_handshake_refusal(request.environ, refused)
    # As it is: no error page is shown for it.
    request.environ["tg.status_code_redirect"] = False
    response = Response(status=refused.status, charset="utf-8")
    response.content_type = "text/plain"
    response.text = refused.text
    response.headers.extend(refused.headers)
    return response
