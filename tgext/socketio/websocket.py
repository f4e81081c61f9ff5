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

The method runs as long as the connection is open, in the request that opened it: its
``tg.request``, identity, session and ``tmpl_context`` stay as they were then. But what
guards, validators and the look-up of the user have begun in the database ends before
the handshake is answered: with TurboGears' transaction manager (``tm.enabled``) it is
committed, and the connection is given back to its pool. A transaction that the method
begins lasts until the method ends it, so give each message its own::

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
from .engine.websocket.opening import check_bounds
from .engine.websocket.wsgi import WebSocket, WebSocketError
from .request.jsonify import dumps
from .request.resources import make_close
from .wire.origin import Origins
from .wire.websocket.deflate import Deflate

__all__ = ["Deflate", "Group", "WebSocket", "WebSocketError", "websocket"]

log = get_logger(__name__)

Method = TypeVar("Method", bound=Callable[..., Any])


def _websocket_of(self: Request) -> WebSocket | None:
    """The WebSocket of a request; None when the request is not a handshake."""
    found: WebSocket | None = self.environ.get("wsgi.websocket")
    return found


Request.websocket = property(_websocket_of)


class Group(group.Group):
    """A set of connections to broadcast to: ``add``, ``discard``, ``send``.

    A connection is removed when it ends. Sending never blocks: a message goes into the
    write buffer of each connection, and a client whose buffer is full is disconnected.
    """

    def __init__(self) -> None:
        super().__init__(dumps)


@dataclass(frozen=True)
class Options:
    """The options of :func:`websocket`.

    :raises TypeError: when an option has the wrong type; the message names it.
    :raises ValueError: when a number is out of its bounds, or is none; the message
        names it.
    """

    subprotocols: Sequence[str]
    max_message_size: int | None
    origins: Origins | str | None
    ping_interval: float | None
    compression: Deflate | None

    def __post_init__(self) -> None:
        for name in ("subprotocols", "origins"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name}: {getattr(self, name)!r} is not a list")
        check_bounds(self.max_message_size, self.ping_interval)
        if self.compression is not None and not isinstance(self.compression, Deflate):
            raise TypeError(
                f"compression: {self.compression!r} is not a bool or Deflate"
            )

    def accept(self, connection: WebSocket) -> None:
        """Accept the handshake."""
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

    It works with ``@expose()``, ``@require``, ``@validate`` and arguments in the URL.
    They are handled before the handshake is answered, so a refusal is an HTTP response:

    - 400 when the request is not a handshake, or when ``@validate`` refuses the
      arguments and has no ``error_handler``,
    - 426 when it asks for another version of the WebSocket protocol,
    - 403 when it comes from a page of another origin.

    The connection is closed when the method returns. When it ends while the method
    sends, ``WebSocketError`` is raised; the method need not catch it. After any other
    exception the connection is closed with the code 1011 (RFC 6455, section 7.4.1).

    :param subprotocols: the subprotocols that the method speaks. The one that the
        client prefers among them is ``request.websocket.subprotocol``.
    :param max_message_size: the largest message of the client, in bytes; by default the
        server's option of that name. When exceeded, the connection is closed with the
        code 1009.
    :param origins: origins, besides the server's own, whose pages may connect; by
        default the server's ``allowed_origins``. ``'*'`` allows the pages of any
        origin, but for those that are not listed the cookies are ignored: guards and
        validators run a second time, with a request that has no cookies.
    :param ping_interval: seconds between pings; by default the server's
        ``heartbeat_interval``. A client that does not answer is disconnected.
    :param compression: whether to compress messages (permessage-deflate), or how.
    :raises TypeError: when an option has the wrong type; the message names it.
    :raises ValueError: when the value of an option is invalid; the message names it.
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
            log.debug(
                "The client closed while a message was being sent: %s", connection
            )
        except HTTPException as error:
            connection.fail()
            log.exception(
                "%s cannot be sent: the handshake is answered already", error.status
            )
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
    _end_transaction()
    connection.json_dumps = dumps
    options.accept(connection)
    accepted: WebSocket = connection
    return accepted


def _spell(errors: Any) -> str:
    return "\n".join(f"{field}: {message}" for field, message in errors.items())


def _end_transaction() -> None:
    """End what the request has begun in the database.

    It would last as long as the WebSocket, with a connection of the pool. TurboGears
    commits and closes at the end of the request only.
    """
    if asbool(config.get("tm.enabled", False)):
        try:
            import transaction
        except ImportError:
            pass  # TurboGears' transaction manager does not work without it either
        else:
            transaction.commit()
    close = make_close(config)
    if close is not None:
        close()


def _refusal(refused: HandshakeRefused) -> Response:
    log_handshake_refusal(request.environ, refused)
    # TurboGears would replace the response by an error page.
    request.environ["tg.status_code_redirect"] = False
    response = Response(status=refused.status, charset="utf-8")
    response.content_type = "text/plain"
    response.text = refused.text
    response.headers.extend(refused.headers)
    return response
