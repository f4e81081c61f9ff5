"""``environ['wsgi.websocket']``: a plain WebSocket for WSGI applications.

Applications of gevent-websocket run unchanged. The framing is that of this package: see
:mod:`~tgext.socketio.engine.websocket.stream`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.websocket import MSG_ALREADY_CLOSED, MSG_SOCKET_DEAD
from geventwebsocket.websocket import WebSocket as GeventWebSocket

from ...wire import json
from ...wire.errors import InvalidJSON
from ...wire.origin import Origins
from ...wire.websocket.broadcast import Broadcast
from ...wire.websocket.close import check_code
from ...wire.websocket.deflate import Deflate
from ..concurrency.threads import Home, carried, get_ident, home
from ..http.refusals import log_handshake_refusal
from ..http.upgrade import HandshakeRefused
from .hosts import Request
from .messages import outgoing
from .opening import Mistrusted, Opening, Terms
from .runner import Runner, call_each
from .stream import FrameStream

__all__ = ["HandshakeRefused", "WebSocket", "WebSocketError"]


class WebSocket(GeventWebSocket):
    """The WebSocket of a request that asks for one.

    The handshake is answered by :meth:`accept`, or when the connection is first used;
    until then the request may be answered as any other. It is closed when the
    application returns. Any greenlet may send; one at a time may receive.

    :ivar environ: the WSGI environment of the request.
    :ivar handler: what serves the connection.
    :ivar json_dumps: writes JSON for :meth:`send_json`.
    """

    # gevent-websocket's `__init__` needs a stream of its own.
    def __init__(self, environ: dict[str, Any], handler: Request) -> None:
        self.environ = environ
        self.handler = handler
        self._tgsio_home = home()  # the thread that serves the connection
        self.raw_read = self.raw_write = None
        self.json_dumps: Callable[[Any], str] = json.dumps
        #: The subprotocol that was agreed on; None without one.
        self.subprotocol: str | None = None
        #: The connection, once the handshake was answered.
        self.stream: FrameStream | None = None
        #: Called when the connection ends.
        self._callbacks: set[Callable[[WebSocket], object]] = set()
        #: Whether the request was answered over HTTP.
        self._answered = False
        #: Whether :meth:`receive` has reported the end of the connection.
        self._told = False
        #: Runs the application.
        self.runner = Runner(handler.server.hub)
        #: Whether :meth:`fail` was called.
        self.failed = False
        #: Whether the page that asks may connect, but not with its user's cookies.
        self.mistrusted = False

    def __del__(self) -> None:
        """gevent-websocket closes here; this is closed by :meth:`end`."""

    def __repr__(self) -> str:
        return f"<WebSocket {self.path} {'closed' if self.closed else 'open'}>"

    # The opening handshake

    @carried
    def accept(
        self,
        subprotocols: Sequence[str] = (),
        *,
        origins: Sequence[str] | Origins | None = None,
        max_message_size: int | None = None,
        ping_interval: float | None = None,
        compression: Deflate | None = None,
    ) -> None:
        """Answer the opening handshake; no effect if that has been done.

        :param subprotocols: those that the application supports; the one that the
            client prefers is chosen.
        :param origins: origins whose pages may connect, in addition to the server's
            own; ``allowed_origins`` of the server by default.
        :param max_message_size: the most bytes of a message of the client;
            ``max_message_size`` of the server by default.
        :param ping_interval: seconds between pings; ``heartbeat_interval`` by default.
        :param compression: how to compress, if the client supports it; None for no
            compression.
        :raises ValueError: when an option is invalid; the message names it.
        :raises HandshakeRefused: when the request has to be refused.
        :raises WebSocketError: when the client has gone, or the request was answered.
        """
        if self.stream is not None:
            return
        if self._answered or self.handler.headers_sent:
            raise WebSocketError("The request was answered over HTTP")
        terms = Terms(
            subprotocols, origins, max_message_size, ping_interval, compression
        )
        try:
            self._accept(terms)
        except HandshakeRefused as refused:
            self.mistrusted = isinstance(refused, Mistrusted)
            log_handshake_refusal(self.environ, refused)
            raise

    def _accept(self, terms: Terms) -> None:
        opening = Opening(self.environ, self.handler, terms)
        self.subprotocol = opening.subprotocol
        hub = self.handler.server.hub
        with opening.reserve() as place:
            try:
                sock, early = opening.answer()
            except WebSocketError:
                self._answered = True
                raise
            self.stream = FrameStream(
                sock,
                hub,
                terms.max_message_size or hub.settings.max_message_size,
                terms.ping_interval or hub.settings.heartbeat_interval,
                opening.agreement,
                self._ended,
            )
            hub.registry.add_websocket(self, place)
        self.stream.start(early)

    @property
    def accepted(self) -> bool:
        """Whether the handshake was answered, and the request is a WebSocket now."""
        return self.stream is not None

    def _open(self) -> FrameStream:
        self.accept()
        assert self.stream is not None
        return self.stream

    # Messages

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """The next message; None, once, when the connection has ended.

        :param timeout: seconds to wait at most; for ever by default.
        :raises TimeoutError: when there was none in time.
        :raises WebSocketError: when the connection had ended before.
        :raises WrongThread: when called in a thread other than the server's.
        """
        if self._told:
            self.current_app.on_close(MSG_ALREADY_CLOSED)
            raise WebSocketError(MSG_ALREADY_CLOSED)
        message = (self.stream or self._open()).receive(timeout)
        if message is None:
            self._told = True
            self._make_aware()
        return message

    def _make_aware(self) -> None:
        """Note that the current greenlet knows of the end."""
        if self.runner.is_current:
            self.runner.notice()
            self._told = True

    def __iter__(self) -> Iterator[str | bytes]:
        """Each message, until the connection ends."""
        while not self._told:
            message = self.receive()
            if message is not None:
                yield message

    def send(self, message: str | bytes, binary: bool | None = None) -> None:
        """Send a message: text for a ``str``, else bytes.

        Waits while much of the output is unread. A client that reads nothing for
        ``slow_timeout`` is disconnected.

        :param binary: whether to send bytes or text, regardless of the type.
        :raises WebSocketError: when the connection has ended.
        :raises TypeError: when the message is neither text nor bytes.
        :raises UnicodeDecodeError: when bytes are to be sent as text and are not UTF-8.
        """
        if get_ident() != self._tgsio_home.ident:
            self._tgsio_home.ask(self.send, message, binary)
            return
        stream = self.stream or self._open()
        if not stream.open:
            raise WebSocketError(MSG_SOCKET_DEAD)
        stream.send(*outgoing(message, binary))

    def receive_json(self, timeout: float | None = None) -> Any:
        """The next message, read as JSON. Invalid JSON closes the connection.

        :param timeout: seconds to wait at most; for ever by default.
        :raises TimeoutError: when there was none in time.
        :raises WebSocketError: when the connection has ended, or the JSON is invalid.
        """
        message = self.receive(timeout)
        if message is None:
            raise WebSocketError(MSG_ALREADY_CLOSED)
        try:
            text = message if isinstance(message, str) else message.decode()
            return json.loads(text)
        except (InvalidJSON, UnicodeDecodeError):
            self.close(1007, "invalid JSON")
            raise WebSocketError("A message was not valid JSON") from None

    def send_json(self, value: Any) -> None:
        """Send a value as JSON, in a text message.

        :raises TypeError: when it cannot be written as JSON.
        :raises WebSocketError: when the connection has ended.
        """
        self.send(self.json_dumps(value))

    def send_frame(self, message: str | bytes, opcode: int) -> None:
        """Send a message by its opcode, as in gevent-websocket: ``OPCODE_TEXT`` and
        others.

        :raises ValueError: for an opcode that an application cannot send.
        """
        if opcode == self.OPCODE_PING:
            self.ping(message)
        elif opcode in (self.OPCODE_TEXT, self.OPCODE_BINARY):
            self.send(message, opcode == self.OPCODE_BINARY)
        else:
            raise ValueError(f"opcode {opcode!r} cannot be sent by an application")

    @carried
    def ping(self, payload: str | bytes = b"") -> None:
        """Send a ping, besides the server's own pings. The answer is not reported.

        :param payload: up to 125 bytes.
        :raises ValueError: when there are more.
        :raises WebSocketError: when the connection has ended.
        """
        stream = self._open()
        data = outgoing(payload, True)[1]
        if len(data) > 125:
            raise ValueError(f"a ping has at most 125 bytes, not {len(data)}")
        if not stream.open:
            raise WebSocketError(MSG_SOCKET_DEAD)
        stream.ping(data)

    # Groups

    @property
    def home(self) -> Home:
        """The thread that serves the connection."""
        return self._tgsio_home

    def on_close(self, callback: Callable[[WebSocket], object]) -> bool:
        """Call ``callback`` when nothing can be sent any more.

        :param callback: gets the connection; must not block.
        :returns: False if nothing can be sent now; ``callback`` is not called then.
        :raises HandshakeRefused: when the handshake is answered here, and is refused.
        """
        self._open()
        if not self.closed:
            self._callbacks.add(callback)
        return not self.closed

    def forget(self, callback: Callable[[WebSocket], object]) -> None:
        """Do not call a callback of :meth:`on_close`."""
        self._callbacks.discard(callback)

    def deliver(self, broadcast: Broadcast) -> None:
        """Send a message without waiting; disconnect a client that is too far behind.

        No effect on a connection that has ended.
        """
        stream = self.stream
        if stream is not None and stream.open:
            stream.deliver(broadcast)

    # The end

    @carried
    def close(self, code: int = 1000, reason: str | bytes | None = "") -> None:
        """Close the connection; no effect on one that has ended.

        :param code: 1000 to 1003, 1007 to 1014 or 3000 to 4999 (RFC 6455, section 7.4).
        :param reason: a few words for the client, cut to 123 bytes.
        :raises ValueError: when the code is invalid.
        """
        check_code(code)
        if isinstance(reason, bytes):
            reason = reason.decode("utf-8", "replace")
        if not self._answered:
            self._make_aware()
            self._open().close(code, reason or "")

    def fail(self) -> None:
        """Close the connection because the application failed."""
        if not self.closed:
            self.failed = True
            self.close(1011)

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._answered or (self.stream is not None and not self.stream.open)

    @property
    def close_code(self) -> int | None:
        """The close code; 1006 when the connection was lost, None while it is open."""
        return None if self.stream is None else self.stream.code

    @property
    def close_reason(self) -> str:
        """The reason that goes with :attr:`close_code`."""
        return "" if self.stream is None else self.stream.reason

    def _ended(self) -> None:
        self.runner.connection_ended()
        call_each(list(self._callbacks), self)

    def interrupt(self) -> None:
        """Interrupt the application if it runs; only once, so that it can clean up."""
        self.runner.interrupt()

    def end(self, code: int = 1000) -> None:
        """Close and release the connection: the application has returned.

        Without a handshake the request has been answered over HTTP.
        """
        self._answered = True
        self.environ["wsgi.websocket"] = None
        stream = self.stream
        if stream is None:
            return
        stream.close(code, "")
        try:
            stream.finish()
        finally:
            self.handler.server.hub.registry.remove_websocket(self)
            detail = f": {stream.detail}" if stream.detail else ""
            self.handler.ending = f"{stream.code} {stream.reason!r}{detail}"
