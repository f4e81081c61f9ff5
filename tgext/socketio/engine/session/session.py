"""The virtual socket: one client's connection, whatever its transport."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from gevent import Greenlet

from ...wire import json
from ...wire.errors import InvalidJSON, PacketError, ProtocolError
from ...wire.escape import escape
from ...wire.json import Dumps, Loads
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.generations import CLOSE, SOCKETIO_1, Generation
from ...wire.socketio.packet import Packet, event_packet
from ...wire.socketio.reasons import CLIENT_LEFT, SERVER_LEFT
from ..concurrency.failures import FAILURES, log_failure
from ..concurrency.greenlets import ended_job, start_job
from ..concurrency.heartbeat import Deadline
from ..concurrency.interruption import Interrupted, Overdue
from ..concurrency.threads import carried, get_ident, home
from ..hub.account import Account
from ..hub.hub import hub_of
from ..io.backlog import Outbox
from ..logs import get_logger
from ..namespaces import leaving
from ..namespaces.acks import AckBook, release
from ..namespaces.base import BaseNamespace
from ..namespaces.errors import EventRefused
from ..namespaces.runner import PLAIN, EventRunner
from .admission import EVENTS, Admission
from .decoder import Assembler
from .ending import Ending
from .environ import with_query
from .pacing import make_room
from .transport import Transport

log = get_logger(__name__)


def default_error_handler(
    socket: Socket,
    error_name: str,
    error_message: Any,
    endpoint: str | None,
    msg_id: int | None,
    quiet: bool,
) -> None:
    """Send an ``error`` event; replaced by ``error_handler`` of ``socketio_manage``.

    :param quiet: send nothing, only log.
    """
    if not quiet:
        args = [error_name, error_message]
        socket.send_packet(event_packet(endpoint or "", "error", args))
    log.info("%s: %s (namespace %s)", error_name, error_message, endpoint or "/")


def _load(json_loads: Loads, text: str) -> Any:
    try:
        return json_loads(text)
    except Exception as error:
        raise InvalidJSON(f"invalid JSON: {str(error)[:80]}") from error
    except Interrupted:
        raise
    except FAILURES as error:
        log.exception("The application's json_loads failed")
        raise InvalidJSON("invalid JSON") from error


class Socket:
    """One client's connection.

    :param server: the :class:`~tgext.socketio.engine.server.SocketIOServer`.
    :param config: its options.

    :ivar sessid: the session id: 128 random bits, known to the client alone. Keep it
        out of logs and pages.
    :ivar session: a dict for the application, shared by the connection's namespaces.
    :ivar state: one of the ``STATE_`` constants.
    :ivar namespaces: the namespace classes that can be connected to, by name.
    :ivar active_ns: the namespaces that are connected, by name.
    :ivar generation: the generation of the client.
    :ivar jobs: the greenlets that :meth:`spawn` started and that still run.
    """

    STATE_NEW = "NEW"
    STATE_CONNECTING = "CONNECTING"
    STATE_CONNECTED = "CONNECTED"
    #: Nothing more is received; what is being handled may end, and packets are sent.
    STATE_FINISHING = "FINISHING"
    STATE_DISCONNECTING = "DISCONNECTING"
    STATE_DISCONNECTED = "DISCONNECTED"

    #: The name of the main namespace.
    GLOBAL_NS = ""

    # What few connections set, or only at their end, is the class's until then: one
    # with more than 30 attributes of its own takes 1.3 KiB more, and is slower to read.

    #: What :meth:`incr_hits` counts.
    hits = 0
    #: Whether the client takes no bytes, but base64 (``b64`` in its handshake).
    base64 = False
    #: Whether such a client 1.x was seen to encode its text to UTF-8 twice.
    encodes_twice = False
    #: Whether a WebSocket was accepted that is, or may become, the transport.
    claimed = False
    disconnect_reason: str | None = None
    #: Ends the connection when what is waited for does not come.
    deadline: Deadline | None = None
    _ending: Ending | None = None

    def __init__(
        self,
        server: Any,
        config: Mapping[str, Any],
        error_handler: Callable[..., Any] | None = None,
    ) -> None:
        self.jobs: list[Greenlet[..., Any]] = []
        #: What waits for the client's acks.
        self.acks = AckBook()
        #: The thread that serves the connection.
        self._home = home()
        self._ident = self._home.ident
        #: What the connections of the server share.
        self.hub = hub_of(server)
        self.config = config
        self.sessid = secrets.token_urlsafe(16)
        self.session: dict[str, Any] = {}
        self.state = self.STATE_NEW
        self.generation: Generation = SOCKETIO_1
        self.environ: dict[str, Any] | None = None
        self.request: Any = None
        self.namespaces: Mapping[str, type[BaseNamespace]] | None = None
        self.active_ns: dict[str, BaseNamespace] = {}
        self.transport: Transport | None = None
        #: Where packets go; None without a transport, and while some are held.
        self.outbox: Outbox | None = None
        self.awaits_transport = False
        self.error_handler = error_handler or default_error_handler
        #: Runs what the application defined.
        self.runner: EventRunner = PLAIN
        self.json_loads: Loads = json.loads
        self.json_dumps: Dumps = json.dumps
        #: Makes packets of the client's messages.
        self.assembler = Assembler(self)
        #: Lets the client into namespaces.
        self.admission = Admission(self)
        #: What the client makes the process keep.
        self.account = Account(self.hub.bounds)

    def __str__(self) -> str:
        names = ", ".join(name or "/" for name in self.active_ns)
        return f"<Socket {self.generation.name} {self.state} in {names or 'nothing'}>"

    def __getitem__(self, key: str) -> BaseNamespace:
        return self.active_ns[key]

    def __contains__(self, key: str) -> bool:
        return key in self.active_ns

    @property
    def server(self) -> Any:
        """The server, for applications of gevent-socketio."""
        return self.hub.server

    @property
    def log_name(self) -> str:
        """Names the session in a log: eight digits, which nobody can open it with."""
        return sha256(self.sessid.encode()).hexdigest()[:8]

    @property
    def in_a_namespace(self) -> bool:
        """Whether the client is in any namespace, the main one included."""
        admission = self.admission
        return admission.in_main or bool(self.active_ns or admission.asking)

    @property
    def connected(self) -> bool:
        """Whether packets can travel both ways."""
        return self.state == self.STATE_CONNECTED

    def incr_hits(self) -> None:
        """Count one more, for the application; nothing here does."""
        self.hits += 1

    # Set by socketio_manage

    def _set_namespaces(self, namespaces: Mapping[str, type[BaseNamespace]]) -> None:
        self.namespaces = namespaces

    def _set_request(self, request: Any) -> None:
        self.request = request

    def _set_environ(self, environ: dict[str, Any]) -> None:
        self.environ = environ

    def _set_error_handler(self, error_handler: Callable[..., Any]) -> None:
        self.error_handler = error_handler

    def _set_json_loads(self, json_loads: Loads) -> None:
        self.json_loads = partial(_load, json_loads)

    def _set_json_dumps(self, json_dumps: Dumps) -> None:
        self.json_dumps = json_dumps

    def environ_for(self, packet: Packet) -> dict[str, Any]:
        """The WSGI environment of the namespace that a packet is for.

        It is the opening request's, except for a namespace that was connected to with a
        query string: that one has its own copy, whose ``QUERY_STRING`` ends with it.
        """
        namespace = self.active_ns.get(packet["endpoint"])
        if namespace is not None:
            return namespace.environ
        assert self.environ is not None
        return with_query(self.environ, packet.get("qs", ""))

    # Out

    def encode(self, pkt: Packet) -> Encoded:
        """A packet as this client's generation reads it.

        :raises TypeError: when its data cannot be written as JSON.
        """
        return self.generation.encode(pkt, self.json_dumps)

    def send_packet(self, pkt: Packet) -> None:
        """Send a packet; one to a connection that ended goes nowhere.

        Neither does one for a namespace that the client is not admitted to. From
        another thread than the one that serves, it is on its way there when this
        returns.

        :raises TypeError: when its data cannot be written as JSON.
        """
        encoded = self.generation.encode(pkt, self.json_dumps)
        outbox = self.outbox
        if (
            outbox is not None
            and outbox.size <= outbox.ease
            and pkt.get("endpoint", "") in self.active_ns
            and get_ident() == self._ident
        ):
            outbox.send(encoded)
        else:
            self._send_otherwise(encoded, pkt)

    def _send_otherwise(self, encoded: Encoded, pkt: Packet) -> None:
        endpoint, kind = pkt.get("endpoint", ""), pkt["type"]
        if get_ident() != self._ident:
            self._home.post(self.admission.send, encoded, endpoint, kind)
        elif self.outbox is None or endpoint not in self.active_ns:
            self.admission.send(encoded, endpoint, kind)
        elif kind == "disconnect":
            self.outbox.send_own(encoded)  # who has much to read is not slow for it
        else:
            self.send_when_room(encoded, endpoint)

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None:
        """Send what :meth:`encode` made, here or of a socket of the same generation.

        :param endpoint: the namespace that it is for.
        """
        if self.outbox is not None:
            self.outbox.send(encoded)
        else:
            self.admission.send(encoded, endpoint)

    def send_when_room(self, encoded: Encoded, endpoint: str) -> None:
        """The same; but a greenlet of this client waits while it has much to read."""
        outbox = self.outbox
        if outbox is not None and outbox.size > outbox.ease:
            make_room(self)
        self.send_encoded(encoded, endpoint)

    def error(
        self,
        error_name: str,
        error_message: Any,
        endpoint: str | None = None,
        msg_id: int | None = None,
        quiet: bool = False,
    ) -> Any:
        """Tell the client of an error, through the error handler."""
        before = self.admission.telling()
        try:
            return self.error_handler(
                self, error_name, error_message, endpoint, msg_id, quiet
            )
        finally:
            self.admission.told(before)

    def _ended(self) -> bool:
        return self.state in (self.STATE_DISCONNECTING, self.STATE_DISCONNECTED)

    # Acks, by gevent-socketio's names

    @property
    def ack_callbacks(self) -> dict[int, Callable[..., Any]]:
        """The callbacks that wait for acks, by packet id."""
        return self.acks.callbacks

    def _get_next_msgid(self) -> int:
        return self.acks.next_id()

    def _save_ack_callback(
        self, msgid: int, callback: Callable[..., Any], owner: object = None
    ) -> None:
        """Keep a callback until the ack comes, or its owner, a namespace, ends.

        :raises LimitExceeded: when the client owes ``max_pending_acks`` acks already.
        """
        if self._ended():
            release(callback)
            return
        self.account.check("max_pending_acks", len(self.acks))
        self.acks.add(msgid, callback, owner)
        if self.transport is not None:
            self.transport.expect_ack()

    def _pop_ack_callback(self, msgid: int) -> Callable[..., Any] | None:
        return self.acks.pop(msgid)

    # In

    def receive(self, message: str | bytes) -> None:
        """Handle one message of the client, in the calling greenlet.

        Nothing that the client sends, and nothing that a handler raises, comes out of
        here as an exception. What comes after the end of the connection is ignored.
        """
        if self.state != self.STATE_CONNECTED:
            return
        try:
            packet = self.assembler.take(message)
        except ProtocolError as error:
            self._bad_message(message, error)
            return
        if packet is not None:
            self.handle(packet)

    def handle(self, packet: Packet) -> None:
        """Handle one packet of the client; see :meth:`receive`."""
        if packet is CLOSE:
            self.kill(reason=CLIENT_LEFT)
            return
        endpoint = packet["endpoint"]
        try:
            namespace = self.active_ns.get(endpoint)
            if namespace is None or namespace._tgsio_diverted:
                self.admission.dispatch(packet)  # it has ended, or is not in yet
            elif packet["type"] in EVENTS:
                ack = self.runner.run(self._perform, namespace, packet)
                if ack is not None:
                    outbox = self.outbox
                    if outbox is not None and outbox.size <= outbox.ease:
                        outbox.send(ack)
                    else:
                        self.send_when_room(ack, endpoint)
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
            where = (name, endpoint or "/", self.log_name)
            log_failure(log, "Event %r of namespace %s failed (session %s)", *where)
            self.fail(packet, "internal_error", "Internal server error")

    def fail(self, packet: Packet, error_name: str, error_message: Any) -> None:
        """Tell the client that what it sent has failed: an error, and its ack."""
        endpoint = packet["endpoint"]
        self._try_error(error_name, error_message, endpoint)
        if "ack" not in packet:
            return
        packet["refusal"] = error_name, error_message
        try:
            self.send_when_room(self._ack(packet, None), endpoint)
        except Interrupted:
            raise
        except FAILURES:
            log_failure(log, "An ack could not be written")

    def _try_error(self, error_name: str, error_message: Any, endpoint: str) -> None:
        try:
            self.error(error_name, error_message, endpoint)
        except Interrupted:
            raise
        except FAILURES:
            log.exception("The error handler failed")

    def _bad_message(self, message: str | bytes, error: ProtocolError) -> None:
        if isinstance(error, PacketError) and not self.generation.closes(error):
            info = (
                "There was a decoding error when dealing with packet with event: "
                f"{message[:20]!s}... ({error.reason})"
            )
            self._try_error("invalid_packet", info, self.GLOBAL_NS)
        else:
            log.info("A client sent what it may not: %s", error.reason)
            self.kill(reason="parse error", code=error.close_code)

    def _dispatch(self, namespace: BaseNamespace, packet: Packet) -> None:
        kind = packet["type"]
        if kind == "disconnect":
            leaving.leave(namespace, CLIENT_LEFT, packet)
        elif kind == "connect":
            log.debug("A client connected twice to %s", packet["endpoint"] or "/")
        else:
            self.runner.run(namespace.process_packet, packet)

    def _perform(self, namespace: BaseNamespace, packet: Packet) -> Encoded | None:
        """Handle an event.

        :returns: its ack, written while what a handler returned can still be read.
        """
        if "refusal" in packet:
            del packet["refusal"]  # of a transaction that is tried again
        result = namespace.process_packet(packet)
        return self._ack(packet, result) if "ack" in packet else None

    def _ack(self, packet: Packet, result: Any) -> Encoded:
        """The ack that a packet asks for.

        :param result: what a handler returned; None where the event was refused.
        """
        if result is None and "refusal" in packet:
            result = self.generation.failure(*packet["refusal"])
        args: list[Any] = []
        if packet["ack"] == "data":
            args = list(result) if type(result) is tuple else [result]
        return self.generation.encode_ack(
            packet["endpoint"], packet["id"], args, self.json_dumps
        )

    # Life

    def attach(self, transport: Transport) -> None:
        """The first transport is there: packets can travel."""
        self.travel_by(transport)
        self.state = self.STATE_CONNECTED

    def travel_by(self, transport: Transport) -> None:
        """Send packets by a transport from now on."""
        self.transport = transport
        self.find_outbox()

    def find_outbox(self) -> None:
        """Called when the transport changed, or who is on the way in."""
        transport = self.transport
        if transport is None or self.admission.asking or self._ended():
            self.outbox = None
        else:
            self.outbox = transport.outbox

    def connect_main(self) -> None:
        """Connect a client to the main namespace that is in it from the start."""
        if self.generation.implicit_main:
            main: Packet = {"type": "connect", "endpoint": self.GLOBAL_NS}
            self.handle(main)

    def spawn(
        self, fn: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Greenlet[..., Any]:
        """Run a function in a greenlet that ends with the connection.

        After the end nothing runs: the greenlet that is returned has ended.

        :raises LimitExceeded: when the connection has ``max_jobs`` of these already.
        """
        self._home.require("a greenlet")
        if self._ended():
            return ended_job(fn)
        self.account.check("max_jobs", len(self.jobs))
        return start_job(self.jobs, fn, args, kwargs)

    def start_own_job(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function of the package in a greenlet, unless the connection has ended.

        It does not count for ``max_jobs``: acks and namespaces have their own bounds.
        """
        if not self._ended():
            start_job(self.jobs, function, args)

    @carried
    def remove_namespace(self, namespace: str) -> None:
        """Forget a namespace.

        A connection that is in none any more ends: its client does that itself, or the
        server after a moment, in which the client may connect to another namespace.
        """
        removed = self.active_ns.get(namespace)
        if removed is None:
            return
        if removed._tgsio_candidate is not None:
            removed._tgsio_candidate.disconnect(silent=True)  # its way in ends so
            return
        del self.active_ns[namespace]
        removed._tgsio_begin_end()
        leaving.leave_rooms(removed)
        leaving.forget_rooms(removed)
        if self.connected and not self.in_a_namespace:
            self.hub.registry.await_namespace(self)

    @property
    def busy(self) -> bool:
        """Whether something that the client sent is being handled."""
        return self.transport is not None and self.transport.heartbeat.busy

    def finish(self) -> None:
        """Receive nothing more; what is being handled may end before :meth:`kill`."""
        if self.connected:
            self.state = self.STATE_FINISHING

    @carried
    def disconnect(self, silent: bool = False) -> None:
        """End the connection, telling the client.

        :param silent: send no disconnect packets for the namespaces.
        """
        if not self._ended():
            self._ending = self._ending or Ending(self)
            self._ending.disconnect(silent)

    @carried
    def kill(
        self, detach: bool = False, reason: str = SERVER_LEFT, code: int = 1000
    ) -> None:
        """End the connection: its namespaces are told, then all that is theirs ends.

        From now on nothing begins here, and nothing is sent. Returns when the
        namespaces have been told, each within ``shutdown_timeout`` of the server. So
        long a handler may go on too; then it is interrupted.

        :param detach: gevent-socketio's; an ended connection is always detached.
        :param reason: what the namespaces find as ``disconnect_reason``.
        :param code: the WebSocket close code.
        """
        if self._ended():
            return
        self.state = self.STATE_DISCONNECTING
        self.disconnect_reason = reason
        self._ending = self._ending or Ending(self)
        self._ending.end(reason, code)

    def settle(self) -> None:
        """Called when a handler has ended, which the end may wait for."""
        if self._ending is not None:
            self._ending.settle()

    def _is_run_by(self, greenlet: Any) -> bool:
        """Whether a greenlet runs the connection, and its handlers."""
        return self.transport is None or self.transport.runs_in(greenlet)

    def detach(self) -> None:
        """Make the server forget the connection."""
        self.hub.registry.remove(self)
