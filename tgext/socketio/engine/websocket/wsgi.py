"""``environ['wsgi.websocket']``: a WebSocket for WSGI applications, and no more.

The contract is gevent-websocket's, whose applications run unchanged. The framing is
not: see :mod:`~tgext.socketio.engine.websocket.stream`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gevent import getcurrent
from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.websocket import MSG_ALREADY_CLOSED, MSG_SOCKET_DEAD
from geventwebsocket.websocket import WebSocket as GeventWebSocket

from ...wire import json
from ...wire.errors import InvalidJSON
from ...wire.origin import Origins
from ...wire.websocket.deflate import Deflate
from ...wire.websocket.frames import BINARY, TEXT, Broadcast, parse_close
from ..concurrency.heartbeat import Deadline
from ..concurrency.interruption import Overdue, interrupt
from ..concurrency.threads import carried, get_ident, home
from ..http.origins import (
    CREDENTIALS,
    is_allowed,
    is_trusted,
    log_refused,
    origin_of_websocket,
)
from ..http.refusals import log_handshake_refusal
from ..http.upgrade import HandshakeRefused, read_handshake
from ..hub.places import Full, Place
from ..hub.settings import check_origins
from .stream import FrameStream

if TYPE_CHECKING:
    from ..server.handler import SocketIOHandler
    from .group import Group

__all__ = ["HandshakeRefused", "WebSocket", "WebSocketError"]


class WebSocket(GeventWebSocket):
    """A WebSocket, of the request that asked for it.

    The handshake is answered by :meth:`accept`, or when the connection is first used;
    until then the request may be answered as any other. It is closed when the
    application returns. Any greenlet may send; one at a time may receive.

    :ivar environ: the WSGI environment of the request.
    :ivar handler: what serves the connection.
    :ivar json_dumps: writes JSON for :meth:`send_json`.
    """

    # gevent-websocket's own would need its stream.
    def __init__(self, environ: dict[str, Any], handler: SocketIOHandler) -> None:
        self.environ = environ
        self.handler = handler
        #: The thread that serves the connection.
        self._home = home()
        self.raw_read = self.raw_write = None
        self.json_dumps: Callable[[Any], str] = json.dumps
        #: The subprotocol that was agreed on; None without one.
        self.subprotocol: str | None = None
        #: The connection, once the handshake was answered.
        self.stream: FrameStream | None = None
        self._address: str = environ.get("REMOTE_ADDR", "")
        self._groups: set[Group] = set()
        #: Whether the request was answered over HTTP.
        self._answered = False
        #: Whether :meth:`receive` has said that the connection ended.
        self._told = False
        #: The greenlet of the application, while it runs.
        self._runner: Any = None
        #: Whether that one has been told, or has closed the connection itself.
        self._aware = False
        self._interrupted = False
        self._overdue: Deadline | None = None
        #: Whether :meth:`fail` was called.
        self.failed = False
        #: Whether the page that asks may connect, but not with its user's cookies.
        self.mistrusted = False

    def __del__(self) -> None:
        """gevent-websocket's would close; here who serves the request does."""

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
        """Answer the opening handshake; without effect where that has been done.

        :param subprotocols: those that the application speaks; of them the client's
            favourite is agreed on.
        :param origins: origins, besides the server's own, whose pages may connect;
            ``allowed_origins`` of the server by default.
        :param max_message_size: bytes that a message of the client may have; by
            default as many as the server says.
        :param ping_interval: seconds between pings; ``heartbeat_interval`` by default.
        :param compression: how to compress, where the client can.
        :raises ValueError: when ``origins`` holds what is none; the message names it.
        :raises HandshakeRefused: when the request cannot be accepted.
        :raises WebSocketError: when the client has gone, or the request was answered.
        """
        if self.stream is not None:
            return
        if self._answered or self.handler.headers_sent:
            raise WebSocketError("The request was answered over HTTP")
        try:
            self._accept(
                subprotocols, origins, max_message_size, ping_interval, compression
            )
        except HandshakeRefused as refused:
            log_handshake_refusal(self.environ, refused)
            raise

    def _accept(
        self,
        subprotocols: Sequence[str],
        origins: Sequence[str] | Origins | None,
        max_message_size: int | None,
        ping_interval: float | None,
        compression: Deflate | None,
    ) -> None:
        handshake = read_handshake(self.environ)
        hub = self.handler.server.hub
        allowed = hub.settings.allowed_origins
        if origins is not None:
            allowed = check_origins("origins", origins)
        self._check_origin(allowed)
        headers = []
        self.subprotocol = handshake.choose_subprotocol(subprotocols)
        if self.subprotocol is not None:
            headers.append(("Sec-WebSocket-Protocol", self.subprotocol))
        agreement = None
        if compression is not None:
            agreement = handshake.choose_compression(compression)
        if agreement is not None:
            headers.append(("Sec-WebSocket-Extensions", agreement.header))
        with self._reserve() as place:
            sock, early = self._switch(handshake.key, headers)
            self.stream = FrameStream(
                sock,
                hub,
                max_message_size or hub.settings.max_message_size,
                ping_interval or hub.settings.heartbeat_interval,
                agreement,
                self._ended,
            )
            hub.registry.add_websocket(self, place)
        self.stream.start(early)

    def _reserve(self) -> Place:
        try:
            return self.handler.server.hub.registry.reserve(self._address)
        except Full as full:
            text = "Too many connections"
            refused = HandshakeRefused("503 Service Unavailable", text)
            refused.why = full.why
            raise refused from None

    def _check_origin(self, allowed: Origins) -> None:
        environ = self.environ
        origin = origin_of_websocket(environ)
        if not is_allowed(origin, environ, allowed):
            log_refused(origin, environ, allowed)
            refused = HandshakeRefused("403 Forbidden", "This origin may not connect")
            refused.why = None
            raise refused
        if not is_trusted(origin, environ, allowed) and any(
            name in environ for name in CREDENTIALS
        ):
            # The application took it for its user's, and any page could be behind it.
            self.mistrusted = True
            refused = HandshakeRefused("403 Forbidden", "This origin speaks for nobody")
            refused.why = None  # it is asked again, without
            raise refused

    def _switch(self, key: str, headers: list[tuple[str, str]]) -> tuple[Any, bytes]:
        try:
            return self.handler.switch_protocols(key, headers)
        except HandshakeRefused:
            raise
        except OSError:
            self._answered = True
            self.handler.close_connection = True
            raise WebSocketError(MSG_SOCKET_DEAD) from None

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
        :raises WrongThread: in another thread than the one that serves.
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
        """The greenlet that calls this knows of the end."""
        if getcurrent() is self._runner:
            self._aware = self._told = True

    def __iter__(self) -> Iterator[str | bytes]:
        """Each message, until the connection ends."""
        while not self._told:
            message = self.receive()
            if message is not None:
                yield message

    def send(self, message: str | bytes, binary: bool | None = None) -> None:
        """Send a message: text for a ``str``, else bytes.

        Waits while the client has much to read; one that reads nothing for the
        server's ``slow_timeout`` is disconnected.

        :param binary: whether to send it as bytes or as text, whatever it is.
        :raises WebSocketError: when the connection has ended.
        :raises TypeError: when it is neither text nor bytes.
        :raises UnicodeDecodeError: when bytes are to be sent as text and are not UTF-8.
        """
        if get_ident() != self._home.ident:
            self._home.ask(self.send, message, binary)
            return
        stream = self.stream or self._open()
        if not stream.open:
            raise WebSocketError(MSG_SOCKET_DEAD)
        stream.send(*outgoing(message, binary))

    def receive_json(self, timeout: float | None = None) -> Any:
        """The next message, read as JSON. What cannot be read closes the connection.

        :param timeout: seconds to wait at most; for ever by default.
        :raises TimeoutError: when there was none in time.
        :raises WebSocketError: when the connection has ended, or ends for that.
        """
        message = self.receive(timeout)
        if message is None:
            raise WebSocketError(MSG_ALREADY_CLOSED)
        try:
            text = message if isinstance(message, str) else message.decode()
            return json.loads(text)
        except (InvalidJSON, UnicodeDecodeError):
            self.close(1007, "invalid JSON")
            raise WebSocketError("A message was no JSON") from None

    def send_json(self, value: Any) -> None:
        """Send a value as JSON, in a text message.

        :raises TypeError: when it cannot be written.
        :raises WebSocketError: when the connection has ended.
        """
        self.send(self.json_dumps(value))

    def send_frame(self, message: str | bytes, opcode: int) -> None:
        """Send a message of a type of gevent-websocket's: ``OPCODE_TEXT`` and others.

        :raises ValueError: for an opcode that is not sent by itself.
        """
        if opcode == self.OPCODE_PING:
            self.ping(message)
        elif opcode in (self.OPCODE_TEXT, self.OPCODE_BINARY):
            self.send(message, opcode == self.OPCODE_BINARY)
        else:
            raise ValueError(f"opcode {opcode!r} is not sent by an application")

    @carried
    def ping(self, payload: str | bytes = b"") -> None:
        """Send a ping. The server sends its own; the answer to this one is not told.

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

    def join(self, group: Group) -> bool:
        """Have ``group`` told when the connection ends; False if it has."""
        self._open()
        if not self.closed:
            self._groups.add(group)
        return not self.closed

    def leave(self, group: Group) -> None:
        """The opposite of :meth:`join`."""
        self._groups.discard(group)

    def deliver(self, broadcast: Broadcast) -> None:
        """Send a message without waiting; a client that is too far behind is given up.

        Without effect on a connection that has ended.
        """
        stream = self.stream
        if stream is not None and stream.open:
            stream.deliver(broadcast)

    # The end

    @carried
    def close(self, code: int = 1000, reason: str | bytes | None = "") -> None:
        """Close the connection; without effect on one that has ended.

        :param code: 1000 to 1003, 1007 to 1014 or 3000 to 4999 (RFC 6455, section 7.4).
        :param reason: a few words for the client, cut to 123 bytes.
        :raises ValueError: when there is no such code.
        """
        try:
            parse_close(code.to_bytes(2, "big"))
        except Exception:
            raise ValueError(f"close code {code!r} may not be sent") from None
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
        """The code of whoever closed; 1006 if nobody said a word, None while open."""
        return None if self.stream is None else self.stream.code

    @property
    def close_reason(self) -> str:
        """The reason that goes with :attr:`close_code`."""
        return "" if self.stream is None else self.stream.reason

    def _ended(self) -> None:
        for group in list(self._groups):
            group.discard(self)
        if self._runner is not None:
            hub = self.handler.server.hub
            self._overdue = Deadline(self._end_unaware)
            hub.timers.add(self._overdue, hub.settings.shutdown_timeout)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The application runs: it is interrupted when it does not notice the end.

        A greenlet that has not been told by :meth:`receive`, and has not closed the
        connection itself, has ``shutdown_timeout`` of the server to find out.
        """
        self._runner = getcurrent()
        try:
            yield
        finally:
            self._runner = None
            if self._overdue is not None:
                self.handler.server.hub.timers.discard(self._overdue)

    def _end_unaware(self) -> None:
        if not self._aware:
            self.interrupt()

    def interrupt(self) -> None:
        """End the application, if it runs; once, as it may have to clean up."""
        runner, hub = self._runner, self.handler.server.hub
        if runner is not None and not self._interrupted:
            self._interrupted = True
            hub.registry.interrupted += 1
            error = Overdue(
                "the client has gone, and shutdown_timeout, "
                f"{hub.settings.shutdown_timeout:g} s, is over"
            )
            interrupt(runner, error, lambda: self._runner is runner)

    def end(self, code: int = 1000) -> None:
        """The application has returned: close, and release the connection.

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


def outgoing(message: str | bytes, binary: bool | None) -> tuple[int, bytes]:
    """The opcode and the payload of a message; see :meth:`WebSocket.send`."""
    if isinstance(message, str):
        # Half a surrogate pair has no UTF-8.
        return (BINARY if binary else TEXT), message.encode("utf-8", "replace")
    if not isinstance(message, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"a message is str or bytes, not {type(message).__name__}; "
            "send_json sends other values"
        )
    payload = bytes(message)
    if binary is None or binary:
        return BINARY, payload
    payload.decode()
    return TEXT, payload
