"""Passes the packets of a client to its namespaces, and sends their acks."""

from __future__ import annotations

from typing import Any

from ...wire.errors import PacketError, ProtocolError
from ...wire.escape import escape
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.generations import CLOSE
from ...wire.socketio.packet import EVENTS, Packet
from ...wire.socketio.reasons import CLIENT_LEFT, PARSE_ERROR
from ...wire.socketio.unwritable import explain
from ..concurrency.failures import FAILURES, log_failure
from ..concurrency.interruption import Interrupted, Overdue
from ..lines import details_of
from ..logs import get_logger
from ..namespaces.base import BaseNamespace
from ..namespaces.errors import EventRefused
from ..namespaces.leaving import leave
from ..namespaces.ratelimits import RATE_LIMITED, EventRate
from .connection import Connection
from .parts import Part
from .recovery import note
from .watching import watch_of

log = get_logger(__name__)


class Dispatcher(Part):
    """Decodes the messages of one client, and lets its namespaces handle the packets.

    Invalid messages and exceptions of handlers are logged, and the client is told. Only
    an interruption of the greenlet is raised to the caller.

    :param socket: the client's session.
    """

    __slots__ = ("_rate", "_watch")

    def __init__(self, socket: Connection) -> None:
        super().__init__(socket)
        most = socket.hub.settings.max_events_per_second
        self._rate = EventRate(most) if most else None
        self._watch = watch_of(socket.hub)

    def receive(self, message: str | bytes) -> None:
        """Handle one message, in the calling greenlet.

        A message that comes after the end of the connection is dropped.
        """
        socket = self._socket
        if socket.state != socket.STATE_CONNECTED:
            return
        try:
            packet = socket.assembler.take(message)
        except ProtocolError as error:
            self._refuse_message(message, error)
            return
        if packet is not None:
            self.handle(packet)

    def handle(self, packet: Packet) -> None:
        """Handle one packet, in the calling greenlet."""
        socket = self._socket
        if packet is CLOSE:
            socket.kill(reason=CLIENT_LEFT)
            return
        endpoint = packet["endpoint"]
        try:
            namespace = socket.active_ns.get(endpoint)
            if namespace is None or namespace._tgsio_diverted:
                socket.admission.dispatch(packet)  # not admitted yet, or left
            elif packet["type"] in EVENTS:
                if self._rate is not None:
                    self._count(self._rate)
                watch = self._watch
                if watch is None:
                    ack = socket.runner.run(self._perform, namespace, packet)
                else:
                    ack = watch.run(socket, self._perform, namespace, packet)
                if socket.recovering is not None:
                    note(socket)
                if ack is not None:
                    socket.hub.counts.acks_sent += 1
                    outbox = socket.outbox
                    if outbox is not None and outbox.size <= outbox.ease:
                        outbox.send(ack)
                    else:
                        socket.send_when_room(ack, endpoint)
            else:
                self._dispatch(namespace, packet)
        except EventRefused as refused:
            self.fail(packet, refused.name, refused.info)
        except Overdue as error:
            told = (escape(packet.get("name", packet["type"])), endpoint or "/", error)
            log.warning("Event %s of namespace %s was interrupted: %s", *told)
        except Interrupted:
            raise
        except FAILURES:
            name = packet.get("name", packet["type"])
            where = (name, endpoint or "/", socket.log_name)
            failed = "Event %r of namespace %s failed (session %s)"
            log_failure(
                log, failed, *where, extra=details_of(socket, endpoint, event=name)
            )
            self.fail(packet, "internal_error", "Internal server error")

    def _count(self, rate: EventRate) -> None:
        """Count an event.

        :raises EventRefused: when there are too many.
        """
        excess = rate.excess(self._socket)
        if excess is not None:
            raise EventRefused(RATE_LIMITED, excess)

    def fail(self, packet: Packet, error_name: str, error_message: Any) -> None:
        """Tell the client that its packet failed: with an error, and with the ack if it
        asked for one.
        """
        endpoint = packet["endpoint"]
        self._try_error(error_name, error_message, endpoint)
        if "ack" not in packet:
            return
        packet["refusal"] = error_name, error_message
        try:
            self._socket.send_when_room(self._ack(packet, None), endpoint)
            self._socket.hub.counts.acks_sent += 1
        except Interrupted:
            raise
        except FAILURES:
            log_failure(log, "An ack could not be encoded")

    def _try_error(self, error_name: str, error_message: Any, endpoint: str) -> None:
        try:
            self._socket.error(error_name, error_message, endpoint)
        except Interrupted:
            raise
        except FAILURES:
            log.exception("The error handler failed")

    def _refuse_message(self, message: str | bytes, error: ProtocolError) -> None:
        socket = self._socket
        if isinstance(error, PacketError) and not socket.generation.closes(error):
            info = (
                "There was a decoding error when dealing with packet with event: "
                f"{message[:20]!s}... ({error.reason})"
            )
            self._try_error("invalid_packet", info, socket.GLOBAL_NS)
        else:
            log.info("A client sent an invalid message: %s", error.reason)
            socket.kill(reason=PARSE_ERROR, code=error.close_code)

    def _dispatch(self, namespace: BaseNamespace, packet: Packet) -> None:
        kind = packet["type"]
        if kind == "disconnect":
            leave(namespace, CLIENT_LEFT, packet)
        elif kind == "connect":
            log.debug("A client connected twice to %s", packet["endpoint"] or "/")
        else:
            self._socket.runner.run(namespace.process_packet, packet)

    def _perform(self, namespace: BaseNamespace, packet: Packet) -> Encoded | None:
        """Handle an event.

        :returns: the ack. It is encoded here, inside the wrappers of the runner: values
            of a database session can be read only until these end.
        """
        if "refusal" in packet:
            del packet["refusal"]  # of an earlier attempt of the transaction
        result = namespace.process_packet(packet)
        return self._ack(packet, result) if "ack" in packet else None

    def _ack(self, packet: Packet, result: Any) -> Encoded:
        """The ack that a packet asks for.

        :param result: what the handler returned; None when the event was refused.
        """
        socket = self._socket
        if result is None and "refusal" in packet:
            result = socket.generation.failure(*packet["refusal"])
        args: list[Any] = []
        if packet["ack"] == "data":
            args = list(result) if type(result) is tuple else [result]
        dumps = socket.json_dumps
        try:
            encoded = socket.generation.encode_ack(
                packet["endpoint"], packet["id"], args, dumps
            )
        except TypeError as error:
            what = f"answer to the {packet['type']} {packet.get('name', '')!r}"
            explained = explain(error, what, args, dumps)
            if explained is None:
                raise
            raise explained from None
        if encoded.attachments:
            socket.hub.limits.check_sent(len(encoded.attachments))
        return encoded
