"""The end of a connection, and of the handlers that still run for it.

When the end begins, the client leaves all rooms, what is sent to it is dropped, and
nothing new may begin. Then ``recv_disconnect`` of each namespace runs, and the
connection releases its resources. A handler that still runs is interrupted after
``shutdown_timeout``, as when the server stops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent import Greenlet, get_hub, getcurrent

from ...wire.socketio.reasons import SERVER_LEFT
from ..concurrency.failures import FAILURES, log_failure
from ..concurrency.greenlets import end_jobs
from ..concurrency.interruption import Interrupted, Overdue, interrupt
from ..logs import get_logger
from ..namespaces.base import BaseNamespace
from ..namespaces.leaving import abandon, dismiss, leave
from .connection import Connection
from .parts import let_go
from .recovery import leave_behind

log = get_logger(__name__)

#: Seconds that an interrupted handler has to clean up.
CLEANING_UP = 1.0

#: A greenlet that runs for a connection that ends, and its namespace; the greenlet
#: twice if it runs a handler.
Run = tuple[Any, object]


class Ending:
    """The end of one connection; an entry of the server's timer wheel.

    :param socket: the connection.
    """

    __slots__ = ("_code", "_interrupted", "_reason", "_socket", "_tellers", "slot")

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._reason = SERVER_LEFT
        self._code = 1000
        #: The greenlets that run `recv_disconnect`, each with its namespace.
        self._tellers: dict[Any, BaseNamespace | None] = {}
        #: The namespaces and greenlets that have been interrupted.
        self._interrupted: set[object] = set()
        self.slot = -1

    # Disconnection by the application, of which the client is told

    def disconnect(self, silent: bool) -> None:
        """Disconnect each namespace, then end the connection."""
        self._start()
        self._run(self._disconnect, silent)

    def _disconnect(self, silent: bool) -> None:
        try:
            self._tell(lambda namespace: self._dismiss(namespace, silent))
        finally:
            self._socket.kill()

    def _dismiss(self, namespace: BaseNamespace, silent: bool) -> None:
        silent = silent or self._socket.generation.ends_by_closing
        if namespace._tgsio_candidate is None:
            dismiss(namespace, silent)
        else:
            namespace.disconnect(silent=silent)

    # The end

    def end(self, reason: str, code: int) -> None:
        """End a connection whose state has been set to ``DISCONNECTING``."""
        self._begin(reason, code)
        self._run(self._end)

    def end_beside(self, reason: str, code: int) -> Greenlet[..., Any]:
        """As :meth:`end`; the application's functions run in a greenlet of their own.

        :returns: it.
        """
        self._begin(reason, code)
        return gevent.spawn(self._end)

    def _begin(self, reason: str, code: int) -> None:
        socket = self._socket
        self._reason, self._code = reason, code
        self._start()
        socket.outbox = None
        if socket.transport is not None:
            socket.hub.counts.close(reason)
            socket.transport.outbox.end_waiting()
        socket.admission.end()
        leave_behind(socket, reason)
        socket.acks.release()

    def _end(self) -> None:
        try:
            for namespace in list(self._socket.active_ns.values()):
                namespace._tgsio_begin_end()
            self._tell(lambda namespace: leave(namespace, self._reason))
        finally:
            self._give_back()

    def _run(self, work: Callable[..., None], *args: Any) -> None:
        """Call a function here, or in a greenlet that nothing else interrupts.

        A job of this connection is ended with it, and a handler of another connection
        is interrupted when that one ends.
        """
        current = getcurrent()
        if current is get_hub():
            gevent.spawn(work, *args)  # the hub must not wait
        elif current in self._tellers or self._is_run_by(current):
            work(*args)
        else:
            gevent.spawn(work, *args).join()

    def _is_run_by(self, greenlet: Any) -> bool:
        """Whether handlers of the connection run in a greenlet."""
        transport = self._socket.transport
        return transport is None or transport.runs_in(greenlet)

    def _tell(self, end: Callable[[BaseNamespace], None]) -> None:
        """Leave all namespaces, even if leaving one of them fails."""
        socket, current = self._socket, getcurrent()
        interruption: Interrupted | None = None
        outermost = current not in self._tellers
        before = self._tellers.get(current)
        try:
            for namespace in list(socket.active_ns.values()):
                self._tellers[current] = namespace
                try:
                    end(namespace)
                except Interrupted as error:
                    interruption = error
                    where = (namespace.ns_name or "/", error)
                    log.warning("recv_disconnect of %s was interrupted: %s", *where)
                except FAILURES:
                    log_failure(log, "Leaving %s failed", namespace.ns_name or "/")
                active = socket.active_ns.get(namespace.ns_name)
                if socket.ended and active is namespace:
                    # An overridden `disconnect` failed, or did not call that of its
                    # base class.
                    del socket.active_ns[namespace.ns_name]
                    abandon(namespace)
        finally:
            self._tellers[current] = before
            if outermost:
                del self._tellers[current]
                if socket.state == socket.STATE_DISCONNECTED:
                    self.settle()  # it ended without its last namespace
        if interruption is not None:
            raise interruption

    def _give_back(self) -> None:
        """Release the resources of the connection. A second call has no effect."""
        socket = self._socket
        if socket.state == socket.STATE_DISCONNECTED:
            return
        socket.state = socket.STATE_DISCONNECTED
        try:
            socket.detach()
            for endpoint in socket.namespaces or ():
                socket._tgsio_rooms.leave_all(endpoint, socket)
        finally:
            if socket.transport is not None:
                socket.transport.close(self._reason, self._code)
                socket.hub.counts.end(socket.transport.traffic)
            end_jobs(socket.jobs)
            socket.assembler.clear()
            socket.account.close()
            self.settle()

    # What still runs

    def _start(self) -> None:
        hub = self._socket.hub
        if self not in hub.registry.endings:
            hub.registry.endings.add(self)
            hub.timers.add(self, hub.settings.shutdown_timeout)

    def settle(self) -> None:
        """Called when something that ran for the connection may have ended."""
        socket = self._socket
        transport = socket.transport
        if not self._tellers and (transport is None or not transport.handling()):
            socket.hub.registry.endings.discard(self)
            socket.hub.timers.discard(self)
            if socket.state == socket.STATE_DISCONNECTED:
                socket._ending = None
                let_go(socket)

    def _running(self) -> list[Run]:
        """What still runs for the connection, such as a handler."""
        running: list[Run] = [
            (greenlet, greenlet if namespace is None else namespace)
            for greenlet, namespace in self._tellers.items()
        ]
        transport = self._socket.transport
        handling = () if transport is None else transport.handling()
        running += [(each, each) for each in handling if each not in self._tellers]
        return running

    def on_timer(self, now: float) -> float | None:
        """Interrupt the handlers that still run; log those that do not end then."""
        if self.interrupt():
            return CLEANING_UP
        running = self._running()
        if running:
            log.error(
                "A handler of %s goes on although its client has gone and it was "
                "interrupted: it catches GreenletExit, and cannot be ended",
                self._socket,
            )
        if self._tellers and self._socket.ended:
            self._give_back()
        self._socket.hub.registry.endings.discard(self)
        return None

    def interrupt(self) -> bool:
        """Interrupt the handlers that run and were not interrupted before.

        :returns: whether there was anything to interrupt.
        """
        fresh = [run for run in self._running() if run[1] not in self._interrupted]
        hub = self._socket.hub
        for run in fresh:
            self._interrupted.add(run[1])
            hub.registry.interrupted += 1
            error = Overdue(
                f"the client has gone ({self._socket.disconnect_reason}), and "
                f"shutdown_timeout, {hub.settings.shutdown_timeout:g} s, is over"
            )
            interrupt(run[0], error, lambda run=run: run in self._running())  # type: ignore[misc]
        return bool(fresh)
