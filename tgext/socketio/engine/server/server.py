"""The server: pages and sockets on one port."""

from __future__ import annotations

import socket as native_socket
from collections.abc import Iterable
from functools import partial
from typing import Any, cast

import gevent
from gevent.pywsgi import WSGIServer

from ...wire.origin import bracketed
from ...wire.socketio.generations import SOCKETIO_1
from ..concurrency.collector import spared_collector
from ..concurrency.threads import Home, begin_serving, end_serving, get_ident, home
from ..handover.handover import HandOver
from ..handover.processes import Directory
from ..http.forwarded import ForwardedHeaders
from ..hub.hub import Hub
from ..hub.settings import OPTIONS, Settings
from ..io.listening import BACKLOG, MAPPED, Place, Port, place_of
from ..io.tls import tls_context
from ..logs import REQUESTS, ErrorStream, get_logger
from ..session.session import Socket
from ..websocket.wsgi import WebSocket
from .balance import PAUSE, Balance
from .connections import Connections
from .handler import SocketIOHandler
from .inherited import translate
from .routes import check_paths, longest_first
from .sharing import hand_over_of
from .stopping import end_at_once, end_connections
from .unpatched import warn_if_unpatched
from .upgraded import close

__all__ = ["SocketIOServer"]

log = get_logger(__name__)
access_log = get_logger(REQUESTS)


class SocketIOServer(WSGIServer):
    """A WSGI server that also serves Socket.IO.

    :param listener: ``(host, port)``, another :class:`~tgext.socketio.engine.io.
        listening.Place`, or a listening socket.
    :param application: the WSGI application.
    :param resource: the path at which the application calls ``socketio_manage``, or
        several.
    :param options: those of :class:`~tgext.socketio.engine.hub.settings.Settings`; the
        others go to :class:`gevent.pywsgi.WSGIServer`. With ``certfile``, ``ca_certs``,
        ``cert_reqs`` and ``ciphers`` may be given, as for :mod:`ssl`; instead of it, an
        ``ssl_context``, an :class:`~ssl.SSLContext` of :mod:`gevent.ssl`. For those of
        gevent-socketio see :func:`.inherited.translate`.
    :raises ValueError: when an option is invalid; the message names it.
    :raises TypeError: when there is no such option; the message names it.

    :ivar hub: what the connections share.
    :ivar settings: the options.
    :ivar sockets: the sessions by session id.
    :ivar resource: the first path of Socket.IO, without slashes around it.
    :ivar resources: all of them.
    :ivar websockets: the plain WebSockets, which have no session id.
    :ivar rooms: the members of each namespace and room.
    :ivar transports: names of the transports that are served.
    :ivar config: gevent-socketio's options, as its applications read them.
    :ivar forwarded: what proxies tell about their clients; None when it is not read.
    :ivar opening_environ: added to the WSGI environment of requests that open a
        connection.
    :ivar elsewhere: hands requests over to the processes that have their sessions; None
        if there are no others.
    :ivar connections: who owns which connection.
    :ivar keeps_connections: whether HTTP connections stay open after their answers;
        false when the server no longer listens.
    :ivar balance: the connections of the processes that share the listening socket;
        None when this process has it alone.
    """

    handler_class = SocketIOHandler
    application: Any
    #: Where it listens, if it makes the socket itself, and that is not a port.
    _place: Place | None = None
    keeps_connections = True
    balance: Balance | None = None

    def __init__(
        self,
        listener: Any,
        application: Any = None,
        resource: str | Iterable[str] = "socket.io",
        **options: Any,
    ) -> None:
        if isinstance(listener, tuple) and isinstance(listener[0], str):
            place = place_of(*listener[:2])
            listener = listener if isinstance(place, Port) else place
        paths = check_paths(translate(options, resource))
        self.resource, self.resources = paths[0], longest_first(paths)
        ours = {name: options.pop(name) for name in OPTIONS if name in options}
        self.settings = settings = Settings(**ours)
        proxies = settings.trusted_proxies
        self.forwarded = None if proxies is None else ForwardedHeaders(proxies)
        self._tls = tls_context(settings.certfile, settings.keyfile, options)
        self.hub = hub = Hub(settings, self)
        self.sockets = cast("dict[str, Socket]", hub.registry.sockets)
        self.websockets = cast("set[WebSocket]", hub.registry.websockets)
        self.rooms = hub.rooms
        self.transports = settings.transports
        self.config: dict[str, Any] = {
            "heartbeat_interval": settings.heartbeat_interval,
            "heartbeat_timeout": hub.heartbeat_timeout(SOCKETIO_1),
            "close_timeout": settings.close_timeout,
        }
        self.opening_environ: dict[str, Any] = {}
        #: The thread that serves; None while the server is stopped.
        self._home: Home | None = None
        self.connections = Connections(self)
        self.elsewhere: HandOver | None = None
        options.setdefault("log", access_log)
        options.setdefault("error_log", ErrorStream(log))
        if isinstance(listener, (tuple, Place)):
            options.setdefault("backlog", BACKLOG)
        if isinstance(listener, tuple):
            # Otherwise pywsgi looks the host up in the DNS at every start.
            options["environ"] = {
                "SERVER_NAME": listener[0],
                **(options.get("environ") or {}),
            }
        super().__init__(listener, application, **options)
        # gevent treats unknown options as options of TLS.
        unknown = set(self.ssl_args or ()) - {"server_side"}
        if unknown:
            raise TypeError(f"{min(unknown)}: the server has no such option")

    def get_socket(self, sessid: str = "") -> Socket | None:
        """The session with an id, or None."""
        return self.sockets.get(sessid)

    @property
    def stopping(self) -> bool:
        """Whether :meth:`stop` was called since the last :meth:`start`."""
        return self.hub.registry.stopping

    # Life

    def set_listener(self, listener: Any) -> None:
        if isinstance(listener, Place):
            self._place = listener
            self.family, self.address = listener.family, listener.url("http")
        else:
            super().set_listener(listener)

    def get_listener(  # type: ignore[override]
        self, address: Any, backlog: int = BACKLOG, family: Any = None
    ) -> Any:
        """Make the listening socket."""
        warn_if_unpatched()
        sock = (self._place or Port(*address[:2])).listen(backlog)
        self.family = sock.family
        return sock

    def share_listener(self) -> str | None:
        """Leave the file of the listening socket, if it has one, to who else listens.

        :returns: its path.
        """
        place, self._place = self._place, None
        return place.release() if place is not None else None

    def close(self) -> None:
        if self._place is not None:
            self._place.remove()
        super().close()

    def update_environ(self) -> None:
        """Complete the WSGI environment that all requests begin with."""
        if self._place is not None:
            # Otherwise pywsgi looks an address up in the DNS, and leaves them empty for
            # other sockets, which WSGI forbids.
            name, port = "localhost", 443 if self.ssl_enabled else 80
            if isinstance(self.address, tuple):
                name, port = self.address[:2]
            self.environ.setdefault("SERVER_NAME", name)
            self.environ.setdefault("SERVER_PORT", str(port))
        super().update_environ()
        name = bracketed(self.environ["SERVER_NAME"])  # RFC 3875, section 4.1.14
        self.environ["SERVER_NAME"] = name

    def environ_of(self, peer: Any) -> dict[str, Any]:
        environ: dict[str, Any] = self.get_environ()
        return environ

    def do_read(self) -> Any:
        """Accept a connection; None when there is none, or another process should."""
        balance = self.balance
        if balance is None:
            return super().do_read()
        if not balance.may_accept():
            self.stop_accepting()
            # As gevent's server does after an error: `stop_accepting` ends the timer.
            self._timer: Any = self.loop.timer(PAUSE)
            self._timer.start(self._accept_again)
            return None
        accepted = super().do_read()
        if accepted is not None:
            balance.opened(accepted[0])
        return accepted

    def _accept_again(self) -> None:
        if self.started:
            self.start_accepting()

    def init_socket(self) -> None:
        super().init_socket()
        if self.forwarded is not None and self.settings.proxy_protocol:
            handle = self.wrap_socket_and_handle if self._tls else self.handle
            seconds = self.settings.header_timeout
            self._handle: Any = partial(self.forwarded.admit, handle, seconds)

    def handle(self, sock: Any, address: Any) -> None:
        if sock.family != getattr(native_socket, "AF_UNIX", None):
            # Nagle's algorithm (RFC 9293, section 3.7.4) would hold small segments back
            # until the peer has acknowledged earlier ones.
            sock.setsockopt(native_socket.IPPROTO_TCP, native_socket.TCP_NODELAY, 1)
            address = (address[0].removeprefix(MAPPED), *address[1:])
        self.connections.serve(sock, address)

    def do_handle(self, *args: Any) -> None:
        """Serve a connection that was accepted."""
        if self._tls is not None or self.settings.proxy_protocol:
            super().do_handle(*args)  # in a greenlet, which can wait
            return
        try:
            self.handle(*args)
        except OSError:
            self.do_close(*args)  # the client has left already

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> None:
        """Serve a connection over TLS."""
        assert self._tls is not None
        late = TimeoutError("it took longer than header_timeout")
        try:
            with gevent.Timeout(self.settings.header_timeout, late):
                sock = self._tls.wrap_socket(client_socket, server_side=True)
        except OSError as error:
            # Not an error of the server: port scanners and plain HTTP clients cause it
            # too.
            log.info("A TLS handshake failed: %s", error)
            client_socket.close()
            return
        try:
            self.handle(sock, address)
        finally:
            if sock not in self.connections:
                close(sock)

    def share_sessions(self, directory: Directory) -> None:
        """Hand requests over to the other processes of a directory, and take theirs.

        The ids of new sessions name this process then. Call it before :meth:`start`.
        """
        self.elsewhere = hand_over_of(self, directory)

    def do_close(self, sock: Any, *args: Any) -> None:
        if sock not in self.connections:
            if self.balance is not None:
                self.balance.closed(sock)
            super().do_close(sock, *args)

    def stop(self, timeout: float | None = None) -> None:
        """End all connections, and stop listening.

        New sessions are refused at once. Handlers that run may finish, and their acks
        are sent; further events are not handled. Then the clients are told that the
        connection ends; those that poll, in the answer to their next poll. A second
        call does not wait, and interrupts handlers.

        :param timeout: seconds to wait for handlers and clients; ``shutdown_timeout``
            by default.
        """
        where = self._home
        if where is not None and get_ident() != where.ident:
            where.ask(self.stop, timeout)
            return
        hub = self.hub
        if not self.stopping:
            hub.registry.stopping = True
            self.keeps_connections = False
            seconds = timeout or self.settings.shutdown_timeout
            with gevent.Timeout(seconds, False):  # type: ignore[arg-type]
                end_connections(hub)
                self.stop_listening()
                hub.requests.wait()
        end_at_once(hub)
        if self.elsewhere is not None:
            self.elsewhere.close()
        super().stop(timeout=timeout)
        self.connections.close()
        hub.timers.close()
        hub.pool.close()
        end_serving(self._home)
        self._home = None
        for rooms in hub.all_rooms:
            rooms.close()

    def stop_listening(self) -> None:
        """Refuse new connections, and close those that are open after their answers.

        Those that wait for another request are closed now.
        """
        self.keeps_connections = False
        self.connections.end_idle()
        if not self.closed:
            self.stop_accepting()
            if self._place is not None:
                self._place.remove()
            self.socket.close()

    def serve_forever(self, stop_timeout: float | None = None) -> None:
        """Serve until :meth:`stop`, with a garbage collector that runs less often."""
        with spared_collector():
            super().serve_forever(stop_timeout)

    def start(self) -> None:
        self.hub.registry.stopping = False
        self.hub.pool.open()
        self.keeps_connections = True
        for rooms in self.hub.all_rooms:
            rooms.move_here()
        end_serving(self._home)
        self._home = begin_serving(home())
        if self.elsewhere is not None:
            self.elsewhere.start()
            self.hub.registry.token = self.elsewhere.token
        super().start()
