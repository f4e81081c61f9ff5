"""HTTP connections of Socket.IO clients, which need no greenlet while they wait.

A client that polls keeps a connection open for nearly all of its life, and waits on it
for messages. The event loop watches the connection, and a greenlet of the hub's pool
serves what has come. Whatever is no whole request of Socket.IO is left to the handler
of the server, which has a greenlet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent

from ..concurrency.clock import monotonic
from ..http.begun import FRESH, Begun
from ..http.connection import END_OF_HEAD
from ..http.errors import RequestError
from ..http.headers import parse_head
from ..io.hangup import LOOK, has_gone
from ..io.readsize import READ_SIZE
from ..io.sockets import below, end_both, end_input
from .exchange import Exchange, Outcome
from .host import Host
from .routes import find_route_of
from .upgraded import close


class DirectConnection:
    """Serves the requests of a connection.

    :param server: the server, which owns it.
    :param sock: the gevent socket.
    :param peer: the address of the other end.
    :param begun: what is known of it already.
    """

    __slots__ = (
        "__weakref__",
        "_ahead",
        "_alone",
        "_below",
        "_busy",
        "_exchange",
        "_handed",
        "_kept",
        "_peer",
        "_pending",
        "_scheme",
        "_server",
        "_since",
        "_sock",
        "_watched",
        "_watcher",
        "slot",
    )

    def __init__(
        self, server: Host, sock: Any, peer: Any, begun: Begun = FRESH
    ) -> None:
        self._server = server
        self._sock = sock
        self._below = below(sock)
        self._peer = peer
        self._ahead = begun.data
        self._scheme, self._alone = begun.scheme, begun.alone
        self._handed = begun.handed
        #: The request that waits for a message.
        self._exchange: Exchange | None = None
        #: Whether a greenlet serves it, or is about to.
        self._busy = False
        #: Whether a request has been answered.
        self._kept = False
        self._since = monotonic()
        self._pending = getattr(sock, "pending", None)
        #: Made when the connection has to wait: most requests come with it.
        self._watcher: Any = None
        self._watched = False
        self.slot = -1

    def begin(self) -> None:
        """Serve requests until the connection ends, or is left to somebody else."""
        self._busy = True
        self._server.hub.pool.add_later(self._resume)

    # Waiting

    @property
    def _patience(self) -> float:
        """Seconds to wait for a request."""
        settings = self._server.settings
        return settings.keepalive_timeout if self._kept else settings.header_timeout

    def _call_soon(self, function: Callable[[], None]) -> None:
        self._busy = True
        self._server.hub.pool.add(function)

    def _watch(self) -> None:
        self._busy = False
        if self._pending is not None and self._exchange is None and self._pending():
            self._call_soon(self._resume)  # decrypted bytes that no event loop sees
        elif not self._watched:
            if self._watcher is None:
                self._watcher = gevent.get_hub().loop.io(self._sock.fileno(), 1)
                self._set_timer(self._patience)
            self._watched = True
            self._watcher.start(self._readable)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._watcher.stop()

    def _readable(self) -> None:
        """There is input, or its end. The event loop calls this until it is read."""
        if self._exchange is None and not self._busy:
            self._call_soon(self._resume)
            return
        self._unwatch()
        if not self._busy:
            self._look()

    def _look(self) -> None:
        """End a poll whose client has gone; look again if it has sent something."""
        if has_gone(self._sock):
            self._wake()
        else:
            self._set_timer(LOOK)

    def _set_timer(self, seconds: float) -> None:
        timers = self._server.hub.timers
        timers.discard(self)
        timers.add(self, seconds)

    def _wake(self) -> None:
        """The poll that waits can be answered."""
        if not self._busy:
            self._call_soon(self._answer)

    def on_timer(self, now: float) -> float | None:
        if self._busy:
            return self._patience
        if self._exchange is not None:
            if self._watched:
                return self._patience
            if not has_gone(self._sock):
                return LOOK
            self._wake()
            return self._patience
        left = self._since + self._patience - now
        if left > 0:
            return left
        self.close()
        return None

    # Serving

    def _resume(self) -> None:
        if self._sock is not None:
            self._run(self._receive)

    def _answer(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._run(lambda: self._after(exchange, exchange.go_on()))

    def _run(self, step: Callable[[], Outcome]) -> None:
        outcome = Outcome.ENDS
        try:
            outcome = step()
        except OSError:
            outcome = Outcome.ENDS
        finally:
            if outcome is Outcome.ENDS:
                self.close()
            elif outcome is Outcome.GIVEN:
                self._forget()
            elif self._ahead:
                # The client pipelines its requests, or shares a connection of its proxy
                # with others. Nothing that the application has left may reach the next
                # request, so it is another function of the pool, in another turn.
                gevent.get_hub().loop.run_callback(self._call_soon, self._resume)
            else:
                self._watch()

    def _receive(self) -> Outcome:
        data, self._ahead = self._ahead, b""
        if not data:
            try:
                data = self._below.recv(READ_SIZE)
            except BlockingIOError:
                return Outcome.WAITS
            if not data:
                return Outcome.ENDS
        return self._serve(data)

    def _serve(self, data: bytes) -> Outcome:
        server = self._server
        size = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        if not len(END_OF_HEAD) < size <= server.settings.max_header_size:
            return self._leave(data)
        raw, rest = data[:size], data[size:]
        try:
            head = parse_head(raw)
            exchange = Exchange(
                server,
                self._sock,
                self._below,
                self._peer,
                head,
                raw,
                rest,
                self._scheme,
                self._handed,
            )
            if server.forwarded is not None:
                server.forwarded.apply_to(exchange)
        except RequestError:
            return self._leave(data)  # which refuses it
        route = find_route_of(server.resources, head.path, head.query)
        if route is None:
            return self._leave(data)
        exchange.writer.close |= self._alone
        exchange.wake = self._wake
        return self._after(exchange, exchange.serve(route))

    def _after(self, exchange: Exchange, outcome: Outcome) -> Outcome:
        if self._sock is None:  # the server has stopped meanwhile
            if outcome is Outcome.WAITS:
                exchange.abandon()
            return Outcome.ENDS
        if outcome is Outcome.WAITS:
            self._exchange = exchange
        elif outcome is Outcome.ANSWERED:
            self._ahead = exchange.incoming.rest
            self._handed = False
            self._since = monotonic()
            if not self._kept:
                self._kept = True
                if self._watcher is not None:
                    self._set_timer(self._patience)
        return outcome

    def _leave(self, data: bytes) -> Outcome:
        """Leave the connection to the handler of the server."""
        begun = Begun(data, self._scheme, self._alone, self._handed)
        self._server.connections.serve_pages(self._sock, self._peer, begun)
        return Outcome.GIVEN

    # The end

    def end_if_idle(self) -> None:
        """Close the connection if it waits for another request; the server stops."""
        if self._kept and not self._busy and self._exchange is None:
            end_input(self._sock)

    def end(self) -> None:
        """End the connection; a greenlet that serves it closes it then."""
        if self._busy:
            end_both(self._sock)
        else:
            self.close()

    def close(self) -> None:
        """Close the connection. A second call has no effect."""
        sock = self._sock
        if sock is not None:
            self._forget()
            close(sock)
            if self._server.balance is not None:
                self._server.balance.closed(sock)

    def _forget(self) -> None:
        """Release the connection, which ends or is left to somebody else."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.abandon()
        self._server.hub.timers.discard(self)
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
        self._server.connections.forget(self._sock)
        self._sock = None
