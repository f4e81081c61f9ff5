"""The virtual socket: one client's connection, with any transport."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from gevent import Greenlet

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.generations import SOCKETIO_1, Generation
from ...wire.socketio.packet import Packet, ReservedName
from ...wire.socketio.reasons import SERVER_LEFT
from ...wire.websocket.close import check_code
from ..concurrency.greenlets import Jobs, ended_job, start_job
from ..concurrency.heartbeat import Deadline
from ..concurrency.threads import carried, get_ident, home
from ..hub.account import Account
from ..hub.hub import hub_of
from ..hub.index import name_of_user, public_id
from ..hub.rooms import Rooms
from ..io.outbox import Outbox
from ..namespaces import leaving
from ..namespaces.acks import AckBook, AckNames
from ..namespaces.base import BaseNamespace
from ..namespaces.roomnames import Session
from ..namespaces.runner import PLAIN, EventRunner
from ..recovery.recoverable import Recoverable
from .admission import Admission
from .decoder import Assembler
from .dispatch import Dispatcher
from .encoding import drop, encode
from .ending import Ending
from .errors import tell_error
from .given import Given
from .pacing import drain, make_room, send_otherwise
from .transport import Transport


class Socket(AckNames, Given):
    """One client's connection.

    :param server: the :class:`~tgext.socketio.engine.server.SocketIOServer`.
    :param config: its options.

    :ivar sessid: the session id, with 128 random bits: keep it out of logs and pages.
    :ivar session: a dict for the application, shared by the connection's namespaces.
    :ivar state: one of the ``STATE_`` constants.
    :ivar active_ns: the namespaces that are connected, by name.
    :ivar generation: the generation of the client.
    :ivar jobs: the greenlets that :meth:`spawn` started and that still run.
    :ivar acks: the callbacks that wait for the client's acks.
    :ivar hub: what the connections of the server share.
    :ivar runner: runs the application's functions.
    :ivar assembler: decodes the client's messages to packets.
    :ivar dispatcher: passes the packets to the namespaces.
    :ivar admission: connects the client to namespaces.
    :ivar account: limits the memory that is used for the client.
    """

    STATE_NEW = "NEW"
    STATE_CONNECTING = "CONNECTING"
    STATE_CONNECTED = "CONNECTED"
    #: No further events are handled; handlers that run may finish and send.
    STATE_FINISHING = "FINISHING"
    STATE_DISCONNECTING = "DISCONNECTING"
    STATE_DISCONNECTED = "DISCONNECTED"
    GLOBAL_NS = ""  # the name of the main namespace

    # Class attributes until a connection sets them: Python keeps the names of up to 30
    # attributes once per class; with more, a connection takes 1.3 KiB more.
    hits = 0
    #: Whether the client can receive bytes only as base64 (``b64`` in its handshake).
    base64 = False
    #: Whether such a client 1.x encodes its text to UTF-8 twice.
    encodes_twice = False
    #: Whether a WebSocket was accepted that is, or may become, the transport.
    claimed = False
    disconnect_reason: str | None = None
    #: Ends the connection if a transport or a connect packet does not come in time.
    deadline: Deadline | None = None
    #: The sessions that the client can recover, by namespace.
    recovering: Mapping[str, Recoverable] | None = None
    _ending: Ending | None = None

    def __init__(
        self,
        server: Any,
        config: Mapping[str, Any],
        error_handler: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(error_handler)
        self.jobs: list[Greenlet[..., Any]] = Jobs()
        self.acks = AckBook()
        self._tgsio_home = home()  # the thread that serves the connection
        self._ident = self._tgsio_home.ident
        self.hub = hub_of(server)
        self.config = config
        self.sessid = self.hub.registry.token + secrets.token_urlsafe(16)
        self.session: dict[str, Any] = Session(self)
        self.state = self.STATE_NEW
        self.generation: Generation = SOCKETIO_1
        self.active_ns: dict[str, BaseNamespace] = {}
        self.transport: Transport | None = None
        #: Where packets go; None without a transport, and while a namespace decides.
        self.outbox: Outbox | None = None
        self.awaits_transport = False
        self.runner: EventRunner = PLAIN
        self.assembler = Assembler(self)
        self.dispatcher = Dispatcher(self)
        self.admission = Admission(self)
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
    def _tgsio_rooms(self) -> Rooms:
        """The members of the namespaces and rooms of its application."""
        return self.runner.rooms or self.hub.rooms

    @property
    def _tgsio_user(self) -> str | None:
        """The user of the connection; None when it is anonymous."""
        return name_of_user(self.runner.user)

    def _tgsio_id_in(self, endpoint: str) -> str:
        """The public id of the client in a namespace."""
        if self.recovering is not None and endpoint in self.recovering:
            return self.recovering[endpoint].sid
        return public_id(self.sessid, endpoint)

    @property
    def log_name(self) -> str:
        """The name of the session in logs: digits of a hash, not the secret id."""
        return sha256(self.sessid.encode()).hexdigest()[:8]

    @property
    def connected(self) -> bool:
        """Whether packets can travel both ways."""
        return self.state == self.STATE_CONNECTED

    def incr_hits(self) -> None:
        """Count one more in ``hits``, for the application."""
        self.hits += 1

    def encode(self, pkt: Packet) -> Encoded:
        """Encode a packet for this client's generation; see :func:`.encode`."""
        return encode(self, pkt)

    def send_packet(self, pkt: Packet) -> None:
        """Send a packet, unless the connection has ended.

        A packet for a namespace that the client is not admitted to is dropped. If
        another thread calls this, the packet is sent later.

        :raises TypeError: when its data cannot be written as JSON.
        """
        outbox = self.outbox
        try:
            if (
                outbox is not None
                and outbox.size <= outbox.ease
                and pkt.get("endpoint", "") in self.active_ns
                and get_ident() == self._ident
            ):
                outbox.send(encode(self, pkt))
            else:
                send_otherwise(self, pkt)
        except ReservedName as error:
            drop(self, pkt, error)

    @property
    def writable(self) -> bool:
        """Whether none of its output waits. Otherwise volatile events are dropped."""
        outbox = self.outbox
        return outbox is not None and outbox.writable

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None:
        """Send what :meth:`encode` of this socket, or of one like it, returned."""
        if self.outbox is not None:
            self.outbox.send(encoded)
        else:
            self.admission.send(encoded, endpoint)

    def send_when_room(self, encoded: Encoded, endpoint: str) -> None:
        """As :meth:`send_encoded`; but a greenlet of this client waits for room."""
        self.wait_for_room()
        self.send_encoded(encoded, endpoint)

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until what was sent has left; see :meth:`.BaseNamespace.drain`."""
        return drain(self, timeout)

    def wait_for_room(self) -> None:
        """A greenlet of this client waits until it has read some of its output."""
        outbox = self.outbox
        if outbox is not None and outbox.size > outbox.ease:
            make_room(self)

    def error(
        self,
        error_name: str,
        error_message: Any,
        endpoint: str | None = None,
        msg_id: int | None = None,
        quiet: bool = False,
    ) -> Any:
        """Tell the client of an error, through the error handler."""
        return tell_error(self, error_name, error_message, endpoint, msg_id, quiet)

    @property
    def ended(self) -> bool:
        return self.state in (self.STATE_DISCONNECTING, self.STATE_DISCONNECTED)

    def attach(self, transport: Transport) -> None:
        """Use a transport from now on. With the first one, the session is connected."""
        self.transport = transport
        self.find_outbox()
        if self.state in (self.STATE_NEW, self.STATE_CONNECTING):
            self.state = self.STATE_CONNECTED
            self.hub.counts.opened[self.generation.name, transport.name] += 1

    def find_outbox(self) -> None:
        """Set :attr:`outbox`: the transport changed, or an admission began or ended.

        Measured: an event that finds its outbox itself takes 5 to 7 % longer.
        """
        transport = self.transport
        if transport is None or self.admission.asking or self.ended:
            self.outbox = None
        else:
            self.outbox = transport.outbox

    def spawn(
        self, fn: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Greenlet[..., Any]:
        """Run a function in a greenlet that ends with the connection.

        After the end of the connection, the function is not called, and the greenlet
        has ended already.

        :raises LimitExceeded: when the connection has ``max_jobs`` of these already.
        :raises WrongThread: when called in a thread other than the server's.
        """
        self._tgsio_home.require("a greenlet")
        if self.ended:
            return ended_job(fn)
        self.account.check("max_jobs", len(self.jobs))
        return start_job(self.jobs, self.runner.job(fn), args, kwargs)

    def start_own_job(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function of the package in a greenlet, unless the connection has ended.

        It does not count for ``max_jobs``: acks and namespaces have their own limits.
        """
        if not self.ended:
            start_job(self.jobs, function, args)

    @carried
    def remove_namespace(self, namespace: str) -> None:
        """Take the client out of a namespace, and end what it has begun.

        If it is in no other, the connection ends; see :meth:`.Admission.removed`.
        """
        removed = self.active_ns.get(namespace)
        if removed is None:
            return
        if removed._tgsio_candidate is not None:
            removed._tgsio_candidate.remove()
            return
        del self.active_ns[namespace]
        leaving.remove(removed)
        self.admission.removed(removed)

    @property
    def busy(self) -> bool:
        """Whether something that the client sent is being handled."""
        return self.transport is not None and self.transport.heartbeat.busy

    def finish(self) -> None:
        """Handle no further events; handlers may finish before :meth:`kill`."""
        if self.connected:
            self.state = self.STATE_FINISHING

    @carried
    def disconnect(self, silent: bool = False) -> None:
        """End the connection.

        :param silent: send no disconnect packets for the namespaces.
        """
        if not self.ended:
            self._ending = self._ending or Ending(self)
            self._ending.disconnect(silent)

    @carried
    def kill(
        self, detach: bool = False, reason: str = SERVER_LEFT, code: int = 1000
    ) -> None:
        """End the connection: its namespaces are told, then their jobs end.

        Nothing new may begin, and nothing more is sent. Returns when
        ``recv_disconnect`` of all namespaces has returned. After ``shutdown_timeout``
        seconds it is interrupted, as are handlers that still run.

        :param detach: gevent-socketio's; ignored: an ended connection is detached.
        :param reason: ``disconnect_reason`` of the namespaces.
        :param code: the WebSocket close code.
        :raises ValueError: when the code is invalid.
        """
        if not self.ended:
            check_code(code)
            self._begin_end(reason).end(reason, code)

    def _tgsio_give_up(self, reason: str) -> Greenlet[..., Any] | None:
        """As :meth:`kill`, from the server's thread; does not wait for its namespaces.

        :returns: the greenlet that they are told in.
        """
        return None if self.ended else self._begin_end(reason).end_beside(reason, 1000)

    def _begin_end(self, reason: str) -> Ending:
        self.state = self.STATE_DISCONNECTING
        self.disconnect_reason = reason
        self._ending = self._ending or Ending(self)
        return self._ending

    def settle(self) -> None:
        """Called when a handler has ended, which the end may have waited for."""
        if self._ending is not None:
            self._ending.settle()

    def detach(self) -> None:
        """Remove the connection from the server."""
        self.hub.registry.remove(self)
