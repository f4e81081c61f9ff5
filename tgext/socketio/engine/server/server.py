"""The server: pages and sockets on one port."""

from __future__ import annotations

import socket as native_socket
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from gevent.event import Event
from gevent.pywsgi import WSGIServer
from gevent.ssl import SSLSocket

from ...wire.limits import (
    MAX_ATTACHMENTS,
    MAX_CHANNELS,
    MAX_HEADER_SIZE,
    MAX_JOBS,
    MAX_MESSAGE_SIZE,
    MAX_OUTBOX,
    MAX_PENDING_ACKS,
    MAX_ROOMS,
    Limits,
)
from ...wire.socketio.generations import SOCKETIO_1, SOCKETIO_4, SOCKETIO_5, Generation
from ..concurrency.collector import spared_collector
from ..concurrency.threads import Home, begin_serving, end_serving, get_ident, home
from ..hub.account import Bounds
from ..hub.registry import Connections
from ..hub.rooms import Rooms
from ..hub.settings import (
    check_cookie,
    check_origins,
    check_positive,
    check_samesite,
    check_transports,
)
from ..io.backlog import OutputBounds
from ..io.output import Batcher
from ..io.sockets import say_goodbye
from ..io.tls import tls_context
from ..logs import REQUESTS, get_logger
from .handler import SocketIOHandler
from .stopping import end_at_once, end_connections

__all__ = ["SocketIOServer"]

log = get_logger(__name__)
access_log = get_logger(REQUESTS)

#: Seconds between pings.
HEARTBEAT_INTERVAL = 25.0
#: Seconds after an unanswered ping. A 0.9 client is given up after 60 s of silence.
HEARTBEAT_TIMEOUT = {SOCKETIO_5: 20.0, SOCKETIO_4: 20.0, SOCKETIO_1: 35.0}


#: Connections that the kernel keeps until they are accepted: clients of a server that
#: was started anew come all at once.
BACKLOG = 1024


class SocketIOServer(Connections, WSGIServer):
    """A WSGI server with a resource that is Socket.IO's.

    :param listener: ``(host, port)`` or a bound socket.
    :param application: the WSGI application.
    :param resource: the path at which the application calls ``socketio_manage``.
    :param transports: names of the transports to serve; all by default.
    :param heartbeat_interval: seconds between pings.
    :param heartbeat_timeout: seconds in which a ping must be answered; by default 20,
        and for 0.9 clients 35.
    :param close_timeout: seconds that a 0.9 client is told it has to reconnect.
    :param handshake_timeout: seconds from the handshake to the first transport, and
        from the end of a poll's connection to the next request of its client.
    :param connect_timeout: seconds that ``initialize`` and ``recv_connect`` of a
        namespace may take together.
    :param shutdown_timeout: seconds that :meth:`stop` waits for clients and handlers,
        and that a handler may go on whose client has gone; then it is interrupted.
    :param max_message_size: bytes of a frame, a message or a POST body.
    :param max_attachments: binary attachments of one packet.
    :param max_outbox: bytes of output that may wait for one client. More may wait for
        ``slow_timeout``, four times as many for a moment; a handler that sends more to
        its own client waits.
    :param slow_timeout: seconds in which a client has to take some of what it may not
        leave waiting; also for which more than ``max_outbox`` may wait.
    :param max_rooms: rooms that one connection may be in, over all its namespaces.
    :param max_channels: channels that one connection may hear.
    :param max_pending_acks: acks that one client may owe; asking for one more raises.
    :param max_jobs: greenlets that one connection may have with ``spawn`` of its
        namespaces; one more raises.
    :param max_connections: connections at a time; None for any number.
    :param max_connections_per_address: the same, for one client address.
    :param allowed_origins: origins, besides the server's own, whose pages may connect;
        ``https://*.example.org`` is every host below that one. With ``*`` all may, and
        with ``null`` pages that hide their origin, both without their users' cookies.
    :param cookie: the name of a cookie with the session id, for load balancers.
    :param cookie_samesite: its ``SameSite``: ``Lax``, ``Strict`` or ``None``, with
        which it is for HTTPS alone.
    :param max_header_size: bytes of the request line and the headers of a request.
    :param header_timeout: seconds that the headers of a request may take, and a TLS
        handshake.
    :param body_timeout: seconds that the body of a Socket.IO POST may take; that of
        another request may pause so long.
    :param send_timeout: seconds in which a client has to take some of an answer.
    :param keepalive_timeout: seconds between two requests on one connection.
    :param certfile: the path of a certificate with its chain, in PEM, with which the
        server speaks TLS: ``https`` and ``wss`` instead of ``http`` and ``ws``.
    :param keyfile: the path of its key, unless ``certfile`` has it too.
    :param kwargs: go to :class:`gevent.pywsgi.WSGIServer`. Instead of ``certfile`` an
        ``ssl_context`` may be given, an :class:`~ssl.SSLContext` of :mod:`gevent.ssl`.
    :raises ValueError: when an option cannot be; the message names it.

    :ivar sockets: the connections by session id.
    :ivar websockets: the plain WebSockets, which have no session.
    :ivar rooms: who is in which namespace and room.
    :ivar stopping: whether :meth:`stop` was called since the last :meth:`start`.
    """

    handler_class = SocketIOHandler
    application: Any

    def __init__(
        self,
        listener: Any,
        application: Any = None,
        resource: str = "socket.io",
        *,
        transports: Sequence[str] | None = None,
        heartbeat_interval: float = HEARTBEAT_INTERVAL,
        heartbeat_timeout: float | None = None,
        close_timeout: float = 60.0,
        handshake_timeout: float = 10.0,
        connect_timeout: float = 30.0,
        shutdown_timeout: float = 10.0,
        max_message_size: int = MAX_MESSAGE_SIZE,
        max_attachments: int = MAX_ATTACHMENTS,
        max_outbox: int = MAX_OUTBOX,
        slow_timeout: float = 10.0,
        max_rooms: int = MAX_ROOMS,
        max_channels: int = MAX_CHANNELS,
        max_pending_acks: int = MAX_PENDING_ACKS,
        max_jobs: int = MAX_JOBS,
        max_connections: int | None = None,
        max_connections_per_address: int | None = None,
        allowed_origins: Sequence[str] = (),
        cookie: str | None = None,
        cookie_samesite: str = "Lax",
        max_header_size: int = MAX_HEADER_SIZE,
        header_timeout: float = 20.0,
        body_timeout: float = 60.0,
        send_timeout: float = 60.0,
        keepalive_timeout: float = 75.0,
        certfile: str | None = None,
        keyfile: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._tls = tls_context(certfile, keyfile, kwargs)
        check_positive(
            heartbeat_interval=heartbeat_interval,
            heartbeat_timeout=heartbeat_timeout,
            close_timeout=close_timeout,
            handshake_timeout=handshake_timeout,
            connect_timeout=connect_timeout,
            shutdown_timeout=shutdown_timeout,
            header_timeout=header_timeout,
            body_timeout=body_timeout,
            send_timeout=send_timeout,
            keepalive_timeout=keepalive_timeout,
            max_message_size=max_message_size,
            max_header_size=max_header_size,
            max_outbox=max_outbox,
            slow_timeout=slow_timeout,
            max_rooms=max_rooms,
            max_channels=max_channels,
            max_pending_acks=max_pending_acks,
            max_jobs=max_jobs,
            max_connections=max_connections,
            max_connections_per_address=max_connections_per_address,
        )
        if max_attachments < 0:
            raise ValueError(f"max_attachments: {max_attachments!r} is less than 0")
        self.resource = resource.strip("/")
        self.transports = check_transports(transports)
        self.heartbeat_interval = heartbeat_interval
        self._heartbeat_timeout = heartbeat_timeout
        self.close_timeout = close_timeout
        self.handshake_timeout = handshake_timeout
        self.connect_timeout = connect_timeout
        self.shutdown_timeout = shutdown_timeout
        self.limits = Limits(max_message_size, max_attachments)
        #: What one client may make the process keep.
        self.bounds = Bounds(
            max_message_size,
            {
                "max_rooms": max_rooms,
                "max_channels": max_channels,
                "max_pending_acks": max_pending_acks,
                "max_jobs": max_jobs,
            },
        )
        self.max_outbox = max_outbox
        self.slow_timeout = slow_timeout
        self.max_connections = max_connections
        self.max_connections_per_address = max_connections_per_address
        self.cookie = check_cookie(cookie)
        self.cookie_samesite = check_samesite(cookie_samesite)
        self.max_header_size = max_header_size
        self.header_timeout = header_timeout
        self.body_timeout = body_timeout
        self.send_timeout = send_timeout
        self.keepalive_timeout = keepalive_timeout
        self.allowed_origins = check_origins(allowed_origins)
        #: gevent-socketio's options, as its applications read them.
        self.config: dict[str, Any] = {
            "heartbeat_interval": heartbeat_interval,
            "heartbeat_timeout": self.heartbeat_timeout(SOCKETIO_1),
            "close_timeout": close_timeout,
        }
        #: Added to the WSGI environment of requests that open a connection.
        self.opening_environ: dict[str, Any] = {}
        Connections.__init__(self)
        self.rooms = Rooms()
        #: The thread that it serves in, while it does.
        self._home: Home | None = None
        self.batcher = Batcher()
        #: What may wait of what is sent to one client.
        self.output_bounds = OutputBounds(max_outbox, slow_timeout, self.wheel)
        #: Sockets that outlive their requests.
        self._handed_over: set[Any] = set()
        self._requests = 0
        self._idle = Event()
        self._idle.set()
        kwargs.setdefault("log", access_log)
        kwargs.setdefault("error_log", log)
        if isinstance(listener, tuple):
            kwargs.setdefault("backlog", BACKLOG)
            # pywsgi would ask the DNS for it at every start.
            kwargs["environ"] = {
                "SERVER_NAME": listener[0],
                **(kwargs.get("environ") or {}),
            }
        WSGIServer.__init__(self, listener, application, **kwargs)
        # gevent takes what it does not know for options of TLS.
        unknown = set(self.ssl_args or ()) - {"server_side"}
        if unknown:
            raise TypeError(f"{min(unknown)}: the server has no such option")

    # Options by generation

    def heartbeat_timeout(self, generation: Generation) -> float:
        """Seconds in which a ping must be answered."""
        return self._heartbeat_timeout or HEARTBEAT_TIMEOUT[generation]

    @property
    def ping_timeout(self) -> float:
        """Seconds in which a plain WebSocket must answer a ping."""
        return self.heartbeat_timeout(SOCKETIO_5)

    def transports_of(self, generation: Generation) -> list[str]:
        """The transports that clients of a generation can use."""
        return [each for each in generation.transports if each in self.transports]

    # Life

    def handle(self, sock: Any, address: Any) -> None:
        if sock.family != getattr(native_socket, "AF_UNIX", None):
            # Small messages leave at once rather than wait for an acknowledgement.
            sock.setsockopt(native_socket.IPPROTO_TCP, native_socket.TCP_NODELAY, 1)
        super().handle(sock, address)

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> None:
        """Serve a connection over TLS."""
        assert self._tls is not None
        try:
            with gevent.Timeout(self.header_timeout, TimeoutError("it takes too long")):
                sock = self._tls.wrap_socket(client_socket, server_side=True)
        except OSError as error:
            # Scanners and plain HTTP come here too.
            log.info("A TLS handshake failed: %s", error)
            client_socket.close()
            return
        try:
            self.handle(sock, address)
        finally:
            if sock not in self._handed_over:
                self._close(sock)

    def hand_over(self, sock: Any, run: Callable[[], object]) -> None:
        """Run what an HTTP connection became in a greenlet that closes it afterwards.

        The greenlet of its request can end, and all that the request needed with it.
        """
        self._handed_over.add(sock)
        gevent.spawn(self._run_connection, sock, run)

    def _run_connection(self, sock: Any, run: Callable[[], object]) -> None:
        self.request_began()
        try:
            run()
        finally:
            self._handed_over.discard(sock)
            self._close(sock)
            self.request_ended()

    def _close(self, sock: Any) -> None:
        if isinstance(sock, SSLSocket):
            say_goodbye(sock)
        sock.close()

    def do_close(self, sock: Any, *args: Any) -> None:
        if sock not in self._handed_over:
            super().do_close(sock, *args)

    def request_began(self) -> None:
        """Counts a request, or what it became, for :meth:`stop` to wait for."""
        self._requests += 1
        self._idle.clear()

    def request_ended(self) -> None:
        """One of those that :meth:`request_began` counted is over."""
        self._requests -= 1
        if not self._requests:
            self._idle.set()

    def stop(self, timeout: float | None = None) -> None:
        """End all connections, and accept none any more.

        New sessions are refused from the start. Whoever handles an event may finish it,
        and its ack is sent; what else was sent is not begun. Then clients are told,
        polling ones when they come for it. Called again, it waits no longer.

        :param timeout: seconds to wait for handlers and clients; ``shutdown_timeout``
            by default.
        """
        where = self._home
        if where is not None and get_ident() != where.ident:
            where.ask(self.stop, timeout)
            return
        if not self.stopping:
            self.stopping = True
            seconds = timeout or self.shutdown_timeout
            with gevent.Timeout(seconds, False):  # type: ignore[arg-type]
                end_connections(self)
                self.stop_listening()
                self._idle.wait()
        end_at_once(self)
        super().stop(timeout=timeout)
        self.wheel.close()
        end_serving(self._home)
        self._home = None
        if self.rooms.bus is not None:
            self.rooms.bus.close()
            self.rooms.bus = None

    def stop_listening(self) -> None:
        """Refuse new connections; those that are there live on."""
        if not self.closed:
            self.stop_accepting()
            self.socket.close()

    def serve_forever(self, stop_timeout: float | None = None) -> None:
        """Serve until :meth:`stop`, with a garbage collector that runs less often."""
        with spared_collector():
            super().serve_forever(stop_timeout)

    def start(self) -> None:
        self.stopping = False
        self.rooms.move_here()
        end_serving(self._home)
        self._home = home()
        begin_serving(self._home)
        super().start()
