"""What a namespace asks for while its client is not admitted to it yet."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import gevent
from gevent import Greenlet, getcurrent

from ...wire.socketio.encoded import Encoded, message_size
from ...wire.socketio.packet import Packet
from ..concurrency.failures import FAILURES
from ..concurrency.interruption import Interrupted, interrupt
from ..concurrency.threads import get_ident
from ..logs import get_logger

if TYPE_CHECKING:
    from ..namespaces.base import BaseNamespace
    from .session import Socket

log = get_logger(__name__)

#: Bytes that a packet takes beside its text.
OVERHEAD = 64

#: Seconds between two interruptions of a way in that goes on after the first.
AGAIN = 1.0


class State(enum.Enum):
    """Where a client stands that asked to connect to a namespace."""

    ASKING = "asking"
    ADMITTED = "admitted"
    REFUSED = "refused"
    LEFT = "left"


class AdmissionEnded(Interrupted):
    """Thrown into the greenlet of a way in that takes too long, or sends too much."""


class Candidate:
    """A client on its way into a namespace, and what the namespace asked for meanwhile.

    Its output waits, its rooms and all else that it began are undone unless the client
    is admitted. What an attempt of a transaction left is undone before the next one.

    :param socket: the client's connection.
    :param packet: its connect packet.

    :ivar endpoint: the name of the namespace.
    :ivar namespace: set as soon as there is one, and then again by each attempt.
    :ivar answered: whether the client was told that it is connected, because the
        namespace calls it during admission. It is not in any room yet.
    :ivar leaving: the ``silent`` of ``disconnect``, if that was called during
        admission.
    :ivar greeting: whether ``recv_connect`` has begun.
    :ivar ready: whether the current step of admission has run to its end.
    :ivar greeted: whether ``recv_connect`` has, and its transaction was committed.
    :ivar stopped: why admission was interrupted.
    """

    __slots__ = (
        "_greenlet",
        "_jobs",
        "_kept",
        "_listener",
        "_output",
        "_size",
        "_socket",
        "_turned_away",
        "_undo",
        "answered",
        "endpoint",
        "greeted",
        "greeting",
        "leaving",
        "namespace",
        "packet",
        "ready",
        "rooms",
        "slot",
        "state",
        "stopped",
    )

    def __init__(self, socket: Socket, packet: Packet) -> None:
        self._socket = socket
        self.packet = packet
        self.endpoint: str = packet["endpoint"]
        self.state = State.ASKING
        self.namespace: BaseNamespace | None = None
        self.answered = False
        self.greeting = False
        self.leaving: bool | None = None
        #: Whether ``disconnect`` was called from elsewhere.
        self._turned_away = False
        self.ready = False
        self.greeted = False
        self.stopped: AdmissionEnded | None = None
        self.rooms: dict[Any, None] = {}
        self._output: list[Encoded] = []
        self._size = 0
        self._undo: list[Callable[[], object]] = []
        #: What `initialize` left, which stays when `recv_connect` is tried again.
        self._kept: tuple[dict[Any, None], list[Encoded], int, int] = ({}, [], 0, 0)
        self._jobs: list[Greenlet[..., Any]] = []
        self._greenlet: Any = getcurrent()
        #: The greenlet that handles an ack of the client.
        self._listener: Any = None
        self.slot = -1
        socket.hub.timers.add(self, socket.hub.settings.connect_timeout)

    @property
    def is_own(self) -> bool:
        """Whether what runs is the way in itself."""
        return self._greenlet is getcurrent()

    @property
    def _speaks(self) -> bool:
        """Whether what runs is the namespace's own, and no other client's."""
        current = getcurrent()
        return (
            self.is_own
            or current is self._listener
            or current in getattr(self.namespace, "jobs", ())
        )

    @property
    def was_left(self) -> bool:
        """Whether ``disconnect`` was called, but by ``recv_connect``.

        That one lets its client in and takes leave of it, as in gevent-socketio.
        """
        return self._turned_away or (self.leaving is not None and not self.greeting)

    @property
    def open(self) -> bool:
        """Whether what the namespace asks for is kept."""
        return (
            self.state is State.ASKING
            and self.leaving is None
            and not self._turned_away
            and self.stopped is None
        )

    # Attempts

    def begin(self) -> None:
        """Something that decides begins in this greenlet, perhaps once more."""
        self._greenlet = getcurrent()
        self.ready = False
        self.leaving = None
        rooms, output, size, undo = self._kept
        self.rooms = dict(rooms)
        if not self.answered:
            self._output = list(output)
            self._size = size
        if self._undo:
            self._undo_down_to(undo)
        namespace = self.namespace
        if namespace is not None and self.greeting and namespace.jobs:
            late = [each for each in namespace.jobs if each not in self._jobs]
            gevent.killall(late, exception=Interrupted, block=False)

    def keep(self) -> None:
        """What there is stays, however often what follows is tried."""
        assert self.namespace is not None
        output = list(self._output)
        self._kept = dict(self.rooms), output, self._size, len(self._undo)
        self._jobs = list(self.namespace.jobs)
        self.greeting = True

    def drop_namespace(self) -> None:
        """End what a namespace may have begun that its client won't be in."""
        namespace, self.namespace = self.namespace, None
        if namespace is not None and hasattr(namespace, "jobs"):
            namespace._tgsio_ended = namespace._tgsio_diverted = True
            try:
                namespace.kill_local_jobs()
            except Interrupted:
                raise
            except FAILURES:
                log.exception("Ending the jobs of %s failed", self.endpoint or "/")

    def _undo_down_to(self, count: int) -> None:
        while len(self._undo) > count:
            try:
                self._undo.pop()()
            except Interrupted:
                raise
            except FAILURES:
                log.exception("Undoing what %s began failed", self.endpoint or "/")

    # What the namespace asks for

    def send_packet(self, packet: Packet) -> None:
        """Keep a packet of the namespace until its client is admitted."""
        self.send(self._socket.encode(packet))

    def send(self, encoded: Encoded) -> None:
        """Keep what :meth:`send_packet` would."""
        socket = self._socket
        if get_ident() != socket._tgsio_home.ident:
            socket._tgsio_home.post(self.send, encoded)
            return
        if self.state is State.ADMITTED:
            socket.send_encoded(encoded, self.endpoint)  # on its way meanwhile
        if not self.open:
            return
        if self.answered and self._speaks:
            self._write(encoded)
            return
        self._output.append(encoded)
        self._size += _size(encoded)
        most = socket.hub.settings.max_outbox
        if self._size > most:
            self._stop(f"sent more than {most} bytes (max_outbox)")

    def join(self, room: Any) -> None:
        """Be in a room once the client is admitted."""
        if self.open:
            self.rooms[room] = None

    def leave(self, room: Any) -> None:
        """Be not."""
        self.rooms.pop(room, None)

    def undoes(self, undo: Callable[[], object]) -> None:
        """Have something called unless the client is admitted."""
        if self.open:
            self._undo.append(undo)
        else:
            undo()

    def disconnect(self, silent: bool) -> None:
        """The namespace leaves, or is left, before its client is admitted."""
        if not self.open:
            return
        if self.is_own:
            self.leaving = silent
        else:
            self._turned_away = True

    def answer(self) -> None:
        """Tell the client that it is connected, and what waits to be sent."""
        if self.answered or self.state is not State.ASKING:
            return
        self.answered = True
        self._write(self._socket.encode(self.packet))
        self.flush()

    def flush(self) -> None:
        """Send what waits to a client that was told that it is connected."""
        output, self._output = self._output, []
        self._size = 0
        for each in output:
            self._write(each)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """What this greenlet does is the namespace's own: it handles an ack."""
        before, self._listener = self._listener, getcurrent()
        try:
            yield
        finally:
            self._listener = before

    def _write(self, encoded: Encoded) -> None:
        if self._socket.transport is not None:
            self._socket.transport.outbox.send(encoded)

    # The end

    def close(self, state: State) -> None:
        """The client is admitted, refused, or has left. Called again, what was begun
        meanwhile is undone too."""
        if self.state is State.ASKING:
            self.state = state
            self._socket.hub.timers.discard(self)
        self._output = []
        if self.state is not State.ADMITTED:
            self.rooms = {}
            self._undo_down_to(0)
            jobs = getattr(self.namespace, "jobs", ())
            gevent.killall(list(jobs), exception=Interrupted, block=False)

    def on_timer(self, now: float) -> float | None:
        """Called when the way in has taken too long, and now and then from there on."""
        if self.state is not State.ASKING:
            return None
        seconds = self._socket.hub.settings.connect_timeout
        self._stop(f"took more than {seconds:g} s (connect_timeout)")
        return AGAIN

    def _stop(self, what: str) -> None:
        """Refuse the client, and interrupt what decides where it waits."""
        if self.stopped is None:
            self.stopped = AdmissionEnded(f"the way in {what}")
            self._output = []
            cls = type(self.namespace)
            log.warning(
                "Refused a client at %s: connecting it by %s.%s %s; what goes on after "
                "a client has connected belongs into self.spawn",
                self.endpoint or "/",
                cls.__module__,
                cls.__qualname__,
                what,
            )
        if self.is_own:
            raise self.stopped
        interrupt(self._greenlet, self.stopped, lambda: self.state is State.ASKING)


def _size(encoded: Encoded) -> int:
    return message_size(encoded.text) + sum(map(len, encoded.attachments)) + OVERHEAD
