"""A client that has asked for a namespace and is not admitted to it yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent import Greenlet, getcurrent

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet, ReservedName
from ..concurrency.failures import FAILURES
from ..concurrency.interruption import Interrupted, interrupt
from ..concurrency.threads import get_ident
from ..io.backlog import BURST
from ..logs import get_logger
from ..namespaces.base import BaseNamespace
from ..recovery.recoverable import Recoverable
from .begun import Begun
from .connection import Connection
from .deciding import Deciding
from .encoding import drop, encode_connected
from .held import Held
from .recovery import catch_up, finished, missed_by
from .states import AdmissionEnded, State

log = get_logger(__name__)

#: Seconds between two interruptions of a namespace that catches the first.
AGAIN = 1.0


class Candidate:
    """A client that asks for a namespace, and what the namespace has begun for it.

    Output waits; rooms, subscriptions, pending acks and jobs are undone unless the
    client is admitted. When a transaction is tried again, what the attempt before began
    is undone first.

    :param socket: the client's connection.
    :param packet: its connect packet.

    :ivar endpoint: the name of the namespace.
    :ivar namespace: the instance; each attempt of a transaction makes another one.
    :ivar answered: whether the client was told that it is connected, because the
        namespace waits for an ack. The client is still in no room.
    :ivar disconnected: whether ``disconnect`` of the namespace was called.
    :ivar leaving: the argument ``silent`` of a ``disconnect`` that ``initialize`` or
        ``recv_connect`` called; None when they did not.
    :ivar greeting: whether ``recv_connect`` has begun.
    :ivar ready: whether the current step (``initialize`` or ``recv_connect``) has
        returned.
    :ivar greeted: whether ``recv_connect`` has ended, and its transaction committed.
    :ivar failure: what ``recv_connect``, or a check before it, raised; see
        :meth:`deciding`.
    :ivar begun: what the namespace has begun.
    :ivar stopped: the error of the limit that was exceeded, or None.
    :ivar recovery: the session that the client can recover, if there is one.
    """

    __slots__ = (
        "_greenlet",
        "_held",
        "_jobs",
        "_kept",
        "_listeners",
        "_socket",
        "_turned_away",
        "answered",
        "begun",
        "disconnected",
        "endpoint",
        "failure",
        "greeted",
        "greeting",
        "leaving",
        "namespace",
        "packet",
        "ready",
        "recovery",
        "rooms",
        "slot",
        "state",
        "stopped",
    )

    def __init__(self, socket: Connection, packet: Packet) -> None:
        self._socket = socket
        self.packet = packet
        self.endpoint: str = packet["endpoint"]
        self.state = State.ASKING
        self.namespace: BaseNamespace | None = None
        self.answered = self.disconnected = False
        self.greeting = self.greeted = self.ready = False
        self.leaving: bool | None = None
        self._turned_away = False  # by another greenlet
        self.failure: BaseException | None = None
        self.stopped: AdmissionEnded | None = None
        self.recovery: Recoverable | None = None
        self.rooms: dict[Any, None] = {}
        self._held = Held()
        self.begun = Begun(self.endpoint)
        #: What `initialize` joined: it stays when `recv_connect` is tried again.
        self._kept: dict[Any, None] = {}
        self._jobs: list[Greenlet[..., Any]] = []
        self._greenlet: Any = getcurrent()
        #: The greenlets that handle acks of the client.
        self._listeners: set[Any] = set()
        self.slot = -1
        socket.hub.timers.add(self, socket.hub.settings.connect_timeout)

    @property
    def is_own(self) -> bool:
        """Whether this greenlet runs ``initialize`` or ``recv_connect``."""
        return self._greenlet is getcurrent()

    @property
    def _speaks(self) -> bool:
        """Whether this greenlet runs code of the namespace for this client."""
        current = getcurrent()
        return (
            self.is_own
            or current in self._listeners
            or current in getattr(self.namespace, "jobs", ())
        )

    @property
    def was_left(self) -> bool:
        """Whether a call of ``disconnect`` has refused the client.

        A call by ``recv_connect`` does not refuse it: the client is admitted, and then
        disconnected, as in gevent-socketio.
        """
        return self._turned_away or (self.leaving is not None and not self.greeting)

    @property
    def open(self) -> bool:
        """Whether the candidate may still be admitted, and what it begins is kept."""
        return (
            self.state is State.ASKING
            and self.leaving is None
            and not self._turned_away
            and self.stopped is None
        )

    # Attempts

    def begin(self) -> None:
        """Begin the first or a later attempt of a step, in this greenlet."""
        self._greenlet = getcurrent()
        self.ready = self.disconnected = False
        self.leaving = self.failure = None
        self.rooms = dict(self._kept)
        if not self.answered:
            self._held.rewind()
        self.begun.rewind()
        namespace = self.namespace
        if namespace is not None and self.greeting and namespace.jobs:
            late = [each for each in namespace.jobs if each not in self._jobs]
            gevent.killall(late, exception=Interrupted, block=False)

    def keep(self) -> None:
        """Keep what ``initialize`` began for each attempt of ``recv_connect``."""
        assert self.namespace is not None
        self._held.keep()
        self._kept = dict(self.rooms)
        self.begun.keep()
        self._jobs = list(self.namespace.jobs)
        self.greeting = True

    def deciding(self) -> Deciding:
        """Refuse the client if an exception leaves the block, even if it is caught.

        An application's ``exception_handler_decorator``, or an override such as
        ``process_packet``, may catch the exceptions of all handlers.
        """
        return Deciding(self)

    def drop_namespace(self) -> None:
        """End the namespace of a refused client or a failed attempt, and its jobs."""
        namespace, self.namespace = self.namespace, None
        if namespace is not None and hasattr(namespace, "jobs"):
            namespace._tgsio_ended = namespace._tgsio_diverted = True
            try:
                namespace.kill_local_jobs()
            except Interrupted:
                raise
            except FAILURES:
                log.exception("Ending the jobs of %s failed", self.endpoint or "/")

    # What the namespace begins

    def send_packet(self, packet: Packet) -> None:
        """Keep a packet of the namespace until its client is admitted."""
        try:
            self.send(self._socket.encode(packet))
        except ReservedName as error:
            drop(self._socket, packet, error)

    def send(self, encoded: Encoded) -> None:
        """Keep an encoded packet until the client is admitted.

        :raises TypeError: when it has more attachments than clients accept.
        """
        socket = self._socket
        if encoded.attachments:
            socket.hub.limits.check_sent(len(encoded.attachments))
        if get_ident() != socket._tgsio_home.ident:
            socket._tgsio_home.post(self.send, encoded)
            return
        if self.state is State.ADMITTED:
            socket.send_encoded(encoded, self.endpoint)  # from another thread
        if not self.open:
            return
        if self.answered and self._speaks:
            self._write(encoded)
            return
        self._hold(encoded)

    def send_aside(self, encoded: Encoded) -> None:
        """Send a packet of another namespace, after what this one has sent."""
        if self.state is State.ASKING and not self.answered and self.stopped is None:
            self._hold(encoded, aside=True)
        else:
            self._write(encoded)

    def _hold(self, encoded: Encoded, aside: bool = False) -> None:
        self._held.add(encoded, aside)
        # What waits here waits in the client's outbox next.
        most = self._socket.hub.output_bounds.most
        if self._held.size > most:
            self._stop(f"sent more than {most} bytes ({BURST} times max_outbox)")

    def join(self, room: Any) -> None:
        """Put the client in a room once it is admitted."""
        if self.open:
            self.rooms[room] = None

    def leave(self, room: Any) -> None:
        """Take the client out of a room that it would have joined."""
        self.rooms.pop(room, None)

    def undoes(self, undo: Callable[[], object]) -> None:
        """Call a function if the client is not admitted in the end."""
        if self.open:
            self.begun.undoes(undo)
        else:
            undo()

    def when_admitted(self, function: Callable[[], object]) -> None:
        """Call a function once the client is admitted, and in its rooms."""
        if self.open:
            self.begun.when_admitted(function)

    def disconnect(self, silent: bool) -> None:
        """Disconnect the client before it is admitted, or as soon as it is."""
        self.disconnected = True
        self.remove(silent)

    def remove(self, silent: bool = True) -> None:
        """As :meth:`disconnect`, but that of the namespace was not called."""
        if self.open and self.is_own:
            self.leaving = silent
        elif self.open:
            self._turned_away = True

    def answer(self) -> None:
        """Tell the client that it is connected, and send what waits."""
        if not self.answered and self.state is State.ASKING:
            self.flush()

    def flush(self) -> None:
        """Send what waits; first that the client is connected, unless it was told."""
        session, packet = self.recovery, self.packet
        missed: list[Encoded] = []
        if session is not None:
            if not catch_up(self._socket, session):
                return
            missed = missed_by(self.namespace, session, self.rooms)
            packet = {**packet, "pid": session.pid}
        if not self.answered:
            self.answered = True
            self._write(encode_connected(self._socket, packet))
        for each in (*missed, *self._held.take()):
            self._write(each)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """A context in which this greenlet handles an ack, and may send."""
        current = getcurrent()
        self._listeners.add(current)
        try:
            yield
        finally:
            self._listeners.discard(current)

    def _write(self, encoded: Encoded) -> None:
        if self._socket.transport is not None:
            self._socket.transport.outbox.send(finished(encoded, self.recovery))

    # The end

    def close(self, state: State) -> None:
        """End the admission: the client was admitted or refused, or has left.

        A further call undoes what was begun after the first.
        """
        if self.state is State.ASKING:
            self.state = state
            self._socket.hub.timers.discard(self)
        aside = self._held.take_aside()
        if state is State.REFUSED:
            for each in aside:
                self._write(each)
        self.failure = None  # its traceback refers to this object
        if self.state is not State.ADMITTED:
            self.rooms = {}
            self.begun.undo()
            jobs = getattr(self.namespace, "jobs", ())
            gevent.killall(list(jobs), exception=Interrupted, block=False)

    def on_timer(self, now: float) -> float | None:
        """Called after ``connect_timeout``, and then again each :data:`AGAIN`."""
        if self.state is not State.ASKING:
            return None
        seconds = self._socket.hub.settings.connect_timeout
        self._stop(f"took more than {seconds:g} s (connect_timeout)")
        return AGAIN

    def _stop(self, what: str) -> None:
        """Refuse the client, and interrupt the step that runs."""
        if self.stopped is None:
            self.stopped = AdmissionEnded(f"connecting {what}")
            cls = type(self.namespace)
            log.warning(
                "Refused a client at %s: connecting it by %s %s; run work that goes "
                "on after that with self.spawn",
                self.endpoint or "/",
                f"{cls.__module__}.{cls.__qualname__}",
                what,
            )
        if self.is_own:
            raise self.stopped
        interrupt(self._greenlet, self.stopped, lambda: self.state is State.ASKING)
