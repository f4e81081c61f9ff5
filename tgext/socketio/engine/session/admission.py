"""Admission: the only way in which a client enters a namespace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gevent import getcurrent

from ...wire.escape import escape
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import EVENTS, Packet
from ...wire.socketio.reasons import CLIENT_LEFT, PARSE_ERROR, SERVER_LEFT
from ..concurrency.failures import FAILURES, log_failure
from ..concurrency.interruption import Interrupted
from ..lines import details_of
from ..logs import get_logger
from ..namespaces import leaving, roomnames
from ..namespaces.base import BaseNamespace
from ..namespaces.errors import ConnectionRefused, EventRefused
from ..namespaces.lines import entered
from .candidate import Candidate
from .connection import Connection
from .decision import decide
from .early import EarlyPackets
from .encoding import encode_connected
from .errors import FAILED, note_refusal, text_of
from .factories import Factory
from .hearing import hear
from .parts import Part
from .recovery import admit, count, forget, session_for, settle
from .states import State

log = get_logger(__name__)


class Admission(Part):
    """Connects one client to namespaces, which may refuse it.

    A client that asks for a namespace is a candidate until ``initialize`` and
    ``recv_connect`` have returned, and the application's wrappers around them too.
    Until then, it is in no room; what the namespace sends to it waits, and what others
    send to it in this namespace is dropped. If anything fails, it is refused.

    :param socket: the client's connection.

    :ivar in_main: whether the client is in a main namespace that the application has
        not mounted.
    :ivar asking: the candidates, by namespace.
    :ivar early: events that came before the connect packet; None until it is needed.
    """

    __slots__ = ("_knocked", "_tellers", "asking", "early", "in_main")

    def __init__(self, socket: Connection) -> None:
        super().__init__(socket)
        self.in_main = False
        self.asking: dict[str, Candidate] = {}
        #: Whether the client has asked to connect to any namespace.
        self._knocked = False
        self.early: EarlyPackets | None = None
        #: The greenlets that report errors to the client. Mostly empty: a tuple.
        self._tellers: tuple[Any, ...] = ()

    # In

    def connect_main(self) -> None:
        """Connect clients of some generations to the main namespace."""
        if self._socket.generation.implicit_main:
            main: Packet = {"type": "connect", "endpoint": self._socket.GLOBAL_NS}
            self._socket.dispatcher.handle(main)

    def dispatch(self, packet: Packet) -> None:
        """Handle a packet for a namespace that the client is not in."""
        socket = self._socket
        kind = packet["type"]
        endpoint = packet["endpoint"]
        if kind == "connect":
            self._connect(packet)
        elif not (self._knocked or socket.generation.implicit_main):
            # Socket.IO 5, "Connection to a namespace": the connection must be closed.
            log.info("The first packet of a client is not a connect packet: %s", kind)
            socket.kill(reason=PARSE_ERROR, code=1002)
        elif kind == "disconnect" and endpoint == socket.GLOBAL_NS:
            self.in_main = False
            self.await_namespace()
        elif kind == "ack" and endpoint in self.asking:
            candidate = self.asking[endpoint]
            # A client sends no ack before it has been told that it is connected.
            if candidate.answered and candidate.namespace is not None:
                with candidate.listening():
                    socket.runner.run(candidate.namespace.process_packet, packet)
        elif kind in EVENTS:
            early = self._early_packets()
            if early is None or not early.hold(packet):
                self._fail_outside(packet)

    def _fail_outside(self, packet: Packet) -> None:
        endpoint = packet["endpoint"]
        info = f"The endpoint you tried to connect to doesn't exist: {endpoint}"
        self._socket.dispatcher.fail(packet, "no_such_namespace", info)

    def _early_packets(self) -> EarlyPackets | None:
        """None for generations that connect to a namespace before they send to it."""
        if self.early is None and self._socket.generation.sends_early:
            self.early = EarlyPackets(self._socket, self._fail_outside)
        return self.early

    def _connect(self, packet: Packet) -> None:
        self._knocked = True
        socket = self._socket
        endpoint = packet["endpoint"]
        namespaces = socket.namespaces or {}
        if endpoint in self.asking:
            log.debug("A client asked twice to connect to %s", endpoint or "/")
        elif endpoint in namespaces:
            self._ask(namespaces[endpoint], packet)
            early = self._early_packets()
            if early is not None:
                early.has_asked(endpoint)
                for each in early.take(endpoint):
                    socket.dispatcher.handle(each)
        elif endpoint == socket.GLOBAL_NS:
            # Clients 0.9 to 2.x are in the main namespace before any other.
            self.in_main = True
            socket.hub.registry.namespace_came(socket)
            if socket.transport is not None:
                socket.transport.outbox.send(encode_connected(socket, packet))
        else:
            note_refusal(socket, endpoint, "nothing is mounted there")
            self._tell(socket.generation.unknown_namespace(endpoint))

    # How it begins

    def _ask(self, factory: Factory, packet: Packet) -> None:
        """Admit a client to a namespace, or refuse it; the client is told."""
        socket = self._socket
        candidate = Candidate(socket, packet)
        self.asking[candidate.endpoint] = candidate
        socket.find_outbox()
        socket.hub.registry.namespace_came(socket)
        try:
            candidate.recovery = session_for(socket, packet, factory)
            decide(socket, candidate, factory)
            heard = hear(socket, candidate)
        except ConnectionRefused as refused:
            self._refuse(candidate, text_of(refused.message), refused.data)
        except EventRefused as refused:
            self._refuse(candidate, text_of(refused.info), refused.data)
        except BaseException as error:
            self._fail(candidate, error)
        else:
            with heard:
                self._admit(candidate)

    # How it ends

    def _admit(self, candidate: Candidate) -> None:
        socket = self._socket
        endpoint, namespace = candidate.endpoint, candidate.namespace
        if candidate.state is not State.ASKING or socket.ended:
            self._depart(candidate)
            return
        assert namespace is not None
        candidate.flush()
        if socket.ended:  # it missed too much
            self._depart(candidate)
            return
        rooms = candidate.rooms
        silent = candidate.leaving
        candidate.close(State.LEFT if silent is not None else State.ADMITTED)
        del self.asking[endpoint]
        namespace._tgsio_candidate = None
        namespace._tgsio_diverted = namespace._tgsio_ended
        socket.find_outbox()
        if silent is not None:
            leaving.disconnect(namespace, silent)
            return
        admit(namespace, candidate.recovery)
        for room in (None, *rooms):
            socket._tgsio_rooms.join(endpoint, room, socket)
        roomnames.join(namespace)
        recovered = namespace._tgsio_recovered
        entered(namespace, socket, socket.transport, recovered)
        count(socket, candidate.packet, recovered)
        candidate.begun.begin()
        settle(socket, namespace, candidate.recovery)

    def _depart(self, candidate: Candidate) -> None:
        """Forget a candidate whose connection has ended."""
        self._close(candidate, State.LEFT)
        self._drop(candidate)

    def _drop(self, candidate: Candidate) -> None:
        """End the namespace of a client that is not admitted."""
        namespace = candidate.namespace
        if namespace is not None and candidate.greeting:
            if candidate.disconnected:
                leaving.disarm(namespace)
            # What recv_connect has done is undone; else what initialize has.
            end = leaving.leave if candidate.greeted else leaving.clean_up
            try:
                end(namespace, self._socket.disconnect_reason or SERVER_LEFT)
            except Interrupted:
                raise
            except FAILURES:
                log_failure(log, "Leaving %s failed", candidate.endpoint or "/")
        if namespace is not None:
            roomnames.forget_refused(namespace)
        candidate.drop_namespace()

    def _fail(self, candidate: Candidate, error: BaseException) -> None:
        if isinstance(error, Interrupted) and error is not candidate.stopped:
            self._depart(candidate)
            raise error
        if candidate.stopped is None:
            where = (candidate.endpoint or "/", self._socket.log_name)
            details = details_of(self._socket, candidate.endpoint)
            failed = "Connecting a client to %s failed (session %s)"
            log_failure(log, failed, *where, extra=details)
        self._refuse(candidate, FAILED, None)

    def _refuse(self, candidate: Candidate, message: str, data: Any) -> None:
        socket = self._socket
        endpoint, state = candidate.endpoint, candidate.state
        if candidate.stopped is not None:
            message = FAILED
        self._close(candidate, State.REFUSED)
        if state is State.ASKING and not socket.ended:
            note_refusal(socket, endpoint, escape(message))
            if candidate.answered:
                self._tell({"type": "disconnect", "endpoint": endpoint})
            else:
                self._tell_refusal(endpoint, message, data)
            self.await_namespace()
        self._drop(candidate)

    def _tell_refusal(self, endpoint: str, message: str, data: Any) -> None:
        generation = self._socket.generation
        try:
            self._tell(generation.refusal(endpoint, message, data))
        except Interrupted:
            raise
        except FAILURES:
            # A client that gets no answer waits for ever.
            where = endpoint or "/"
            log_failure(log, "The data of a refusal by %s could not be encoded", where)
            self._tell(generation.refusal(endpoint, message, None))

    def _close(self, candidate: Candidate, state: State) -> None:
        """Forget a candidate that is not admitted."""
        socket, endpoint = self._socket, candidate.endpoint
        if self.asking.get(endpoint) is candidate:
            del self.asking[endpoint]
        if socket.active_ns.get(endpoint) is candidate.namespace:
            socket.active_ns.pop(endpoint, None)
        socket.find_outbox()
        candidate.close(state)
        if candidate.recovery is not None and state is State.REFUSED:
            forget(socket, candidate.recovery)

    def await_namespace(self) -> None:
        """End the connection soon if the client is in no namespace."""
        self._await_any(self.in_main)

    def removed(self, namespace: BaseNamespace) -> None:
        """End the connection if a namespace was the last, as in gevent-socketio.

        A main namespace that is not mounted does not count, unless the client left by
        itself. Clients of some generations may soon connect to another namespace.
        """
        by_client = namespace._tgsio_reason == CLIENT_LEFT
        socket = self._socket
        if by_client or not socket.generation.ends_by_closing:
            self._await_any(self.in_main and by_client)
        elif socket.connected and not (socket.active_ns or self.asking):
            socket.kill()

    def _await_any(self, inside: bool) -> None:
        socket = self._socket
        if socket.connected and not (inside or socket.active_ns or self.asking):
            socket.hub.registry.await_namespace(socket)

    def end(self) -> None:
        """Admit no candidate any more: the connection ends."""
        if self.early is not None:
            self.early.clear()
        for candidate in list(self.asking.values()):
            if candidate.is_own and candidate.greeting:
                # recv_connect ended the connection: its client still gets what was
                # sent.
                candidate.answer()
                if candidate.leaving is False:
                    self._tell({"type": "disconnect", "endpoint": candidate.endpoint})
            self._close(candidate, State.LEFT)

    def let_go(self) -> None:
        super().let_go()
        self.early = None

    # Out

    def send(self, encoded: Encoded, endpoint: str, kind: str = "event") -> None:
        """Send a packet to a client that may not be in the packet's namespace.

        :param kind: the type of the packet.
        """
        socket = self._socket
        candidate = self.asking.get(endpoint)
        if candidate is None:
            if socket.transport is None or socket.ended:
                return
            if (
                endpoint in socket.active_ns
                or (self.in_main and endpoint == socket.GLOBAL_NS)
                or self._tells
            ):
                deciding = [each for each in self.asking.values() if each.is_own]
                if deciding:
                    deciding[0].send_aside(encoded)
                else:
                    socket.transport.outbox.send(encoded)
        elif kind != "connect" and (candidate.is_own or self._tells):
            candidate.send(encoded)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Let this greenlet send to the client, admitted or not, to report an error."""
        # Error handlers may wait: several may run, and end in any order.
        current = getcurrent()
        self._tellers = (*self._tellers, current)
        try:
            yield
        finally:
            tellers = list(self._tellers)
            tellers.remove(current)
            self._tellers = tuple(tellers)

    @property
    def _tells(self) -> bool:
        """Whether this greenlet reports an error to the client."""
        return bool(self._tellers) and getcurrent() in self._tellers

    def _tell(self, packet: Packet) -> None:
        socket = self._socket
        if socket.transport is not None:
            socket.transport.outbox.send(socket.encode(packet))
