"""Namespaces: classes whose ``on_*`` methods are events.

The API is gevent-socketio's ``BaseNamespace``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from gevent import Greenlet

from ...wire.socketio.packet import Packet
from ...wire.socketio.reasons import CLIENT_LEFT, SERVER_LEFT
from ..concurrency.failures import FAILURES, log_failure
from ..concurrency.fairness import in_turns
from ..concurrency.greenlets import end_jobs, ended_job, start_job
from ..concurrency.interruption import Interrupted
from ..concurrency.threads import carried
from ..hub.rooms import Room
from ..logs import get_logger
from .access import AccessList
from .emitter import Emitter
from .handlers import Handler, NoSelf

if TYPE_CHECKING:
    from ..session.session import Socket

log = get_logger(__name__)

allowed_event_name_regex = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*")


#: What gevent-socketio tells a client of a method without ``self``.
NO_SELF = (
    "The server-side method is invalid, as it doesn't have 'self' as its first argument"
)

#: Longer names of events are not remembered.
_SHORT = 100


#: Handlers of a class that are remembered: one with `__getattr__` may have as many as
#: clients think of names.
_MOST_HANDLERS = 1000


def _find_method(event: str) -> str | None:
    """The name of an event's method; None for an event that may not be called so."""
    if allowed_event_name_regex.fullmatch(event) is None:
        return None
    return "on_" + event.replace(" ", "_")


_method_of = lru_cache(maxsize=1024)(_find_method)


class ConnectionRefused(Exception):
    """Raised by a namespace to refuse a client, in ``initialize`` or ``recv_connect``.

    :param message: what the client is told (``connect_error`` of clients 3.x and 4.x;
        0.9 clients see ``connect_failed`` with ``unauthorized``).
    :param data: what goes with the message; anything that JSON takes. Clients 1.x and
        2.x show one or the other: the data where there are any.
    """

    message: str = "Connection refused"
    data: Any = None

    def __init__(self, message: str = message, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class _Once:
    """Calls a function the first time that it is called.

    :param function: an overridden ``disconnect``.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function: Callable[..., Any] | None = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function, self._function = self._function, None
        return None if function is None else function(*args, **kwargs)


def _has_left(*args: Any, **kwargs: Any) -> None:
    """``disconnect`` of a namespace that has been left already."""


class BaseNamespace(AccessList, Emitter):
    """One client's connection to a namespace.

    Subclass it and define ``on_<event>`` methods; the arguments of an event are those
    of the method, and what it returns is the ack, a tuple becoming several arguments.
    A method whose lone argument is named ``packet`` gets the whole packet.

    :ivar environ: the WSGI environment of the request that opened the connection; its
        ``QUERY_STRING`` ends with the query that the client gave the namespace
        (``/chat?token=1``), if it did.
    :ivar socket: the :class:`~tgext.socketio.engine.virtsocket.Socket`.
    :ivar session: a dict of the connection, shared by its namespaces.
    :ivar request: what was given to ``socketio_manage`` as the request.
    :ivar ns_name: the name of the namespace, ``''`` for the main one.
    :ivar jobs: the greenlets that :meth:`spawn` started and that still run.
    :ivar allowed_methods: see :meth:`get_initial_acl`.
    :ivar auth: the auth payload with which a 3.x or 4.x client connected, or None.
    :ivar disconnect_reason: why the namespace was left, in Socket.IO's words.
    """

    #: Wraps handlers, and the functions given to :meth:`spawn`, where it is defined.
    exception_handler_decorator: Callable[..., Any]

    #: Whether the namespace has ended, or is about to; see :meth:`_begin_end`.
    _over = False
    #: The packet with which the client left, while an override sees it.
    _leaving: Packet | None = None
    #: The rooms that the client was in then.
    _left: Collection[Room | None] = ()

    #: What is known of the class' handlers, by method name.
    _handlers: ClassVar[dict[str, Handler]] = {}
    _handler_class: ClassVar[type[Handler]] = Handler

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._handlers = {}

    def __init__(
        self, environ: dict[str, Any], ns_name: str, request: Any = None
    ) -> None:
        self.environ = environ
        self.socket: Socket = environ["socketio"]
        self.session: dict[str, Any] = self.socket.session
        self.request = request
        self.ns_name = ns_name
        self.allowed_methods: set[str] | None = None
        self.jobs: list[Greenlet[..., Any]] = []
        self.auth: Any = None
        self.disconnect_reason: str | None = None
        self._told_disconnect = False
        self._disconnecting = False
        self.reset_acl()
        # Mixins may stand behind this class in the list of bases.
        super().__init__()

    # What a subclass defines

    def initialize(self) -> None:
        """Set up the instance. Called for each class of the MRO that defines it."""

    def recv_connect(self) -> Any:
        """A client connected to the namespace."""

    def recv_disconnect(self) -> Any:
        """The client left, or was disconnected; called once, whatever the reason."""
        self.disconnect(silent=True)

    def recv_message(self, data: Any) -> Any:
        """A client called ``socket.send(data)``; the return value is the ack."""
        return data

    def recv_json(self, data: Any) -> Any:
        """A 0.9 client called ``socket.json.send(data)``."""
        return data

    def recv_error(self, packet: Packet) -> Any:
        """A 0.9 client sent an error packet."""

    def authorize_connect(self) -> None:
        """Refuse a client before anything else of the namespace runs.

        :raises ConnectionRefused: to refuse it.
        """

    # What comes in

    def process_packet(self, packet: Packet) -> Any:
        """Handle one packet for this namespace.

        Override it to see everything; nothing else here is called then.

        :returns: the ack.
        """
        kind = packet["type"]
        if kind == "event":
            return self.process_event(packet)
        if kind == "message":
            return self.call_method_with_acl("recv_message", packet, packet["data"])
        if kind == "json":
            return self.call_method_with_acl("recv_json", packet, packet["data"])
        if kind == "connect":
            if self._admission is None:
                self.socket.send_packet(packet)
            return self.call_method_with_acl("recv_connect", packet)
        if kind == "error":
            return self.call_method_with_acl("recv_error", packet)
        if kind == "ack":
            return self._process_ack(packet)
        if kind == "disconnect":
            return self._process_disconnect(packet)
        log.debug("Nothing handles a packet of type %r", kind)
        return None

    def _process_ack(self, packet: Packet) -> Any:
        callback = self.socket.acks.pop_of(self, packet["ackId"])
        if callback is None:
            log.debug("An ack for id %s, which nobody waits for", packet["ackId"])
            return None
        return callback(*packet["args"])

    def _process_disconnect(self, packet: Packet) -> Any:
        if packet is self._leaving:
            # A transaction may be tried again. No ACL keeps a client from leaving.
            self._told_disconnect = True
            return self.call_method("recv_disconnect", packet)
        if self._told_disconnect:
            return None
        self._told_disconnect = True
        self.disconnect_reason = self.disconnect_reason or CLIENT_LEFT
        return self.call_method_with_acl("recv_disconnect", packet)

    def process_event(self, packet: Packet) -> Any:
        """Call the method of an event: ``user message`` goes to ``on_user_message``."""
        name = packet.get("name", "")  # gevent-socketio reads events without one
        method_name = _method_of(name) if len(name) <= _SHORT else _find_method(name)
        if method_name is None:
            return self._refuse(
                packet,
                "unallowed_event_name",
                "name must only contains alpha numerical characters",
            )
        args = packet["args"]
        handler = self._handlers.get(method_name)
        if handler is not None and self._is_direct(handler):
            method: Any = getattr(self, method_name, None)
            if handler.fits(method, args):
                return method(*args)
        if method_name == "on_message" and not hasattr(self, method_name):
            # What 1.x to 4.x clients send with `socket.send`.
            method_name = "recv_message"
        return self.call_method_with_acl(method_name, packet, *args)

    def _is_direct(self, handler: Handler) -> bool:
        """Whether nothing would stop, or change, an event on its way to a method.

        The steps are there to be overridden; where they are as they were, and have
        nothing to do, the method is called at once.
        """
        cls = type(self)
        return (
            self.allowed_methods is None
            and cls.call_method_with_acl is BaseNamespace.call_method_with_acl
            and cls.is_method_allowed is BaseNamespace.is_method_allowed
            and cls.call_method is BaseNamespace.call_method
            and getattr(self, "exception_handler_decorator", None) is None
        )

    def call_method_with_acl(self, method_name: str, packet: Packet, *args: Any) -> Any:
        """Call a method if the client may; else answer ``method_access_denied``."""
        if not self.is_method_allowed(method_name):
            return self._refuse(
                packet,
                "method_access_denied",
                f'You do not have access to method "{method_name}"',
            )
        return self.call_method(method_name, packet, *args)

    def call_method(self, method_name: str, packet: Packet, *args: Any) -> Any:
        """Call a method with the packet or the arguments, whichever it wants.

        A method that isn't there answers ``no_such_method``, arguments that don't fit
        ``invalid_method_args``.
        """
        method = getattr(self, method_name, None)
        if method is None:
            info = f'The method "{method_name}" was not found'
            return self._refuse(packet, "no_such_method", info)
        try:
            handler = self._handler(method_name, method)
        except NoSelf as error:
            log.error("%s: %s", type(self).__name__, error)
            return self._refuse(packet, "invalid_method_args", NO_SELF)
        if handler.wants_packet:
            args = (packet,)
        if not handler.required <= len(args) <= handler.most:
            return self._refuse(packet, "invalid_method_args", handler.mismatch(args))
        return self._call(handler, method, args)

    def _refuse(self, packet: Packet, name: str, info: Any) -> None:
        """Tell the client that its event was refused; its ack will say so too.

        :raises ConnectionRefused: where it was no event, but asked to connect.
        """
        if packet.get("type") == "connect" and self._admission is not None:
            if isinstance(info, str):
                raise ConnectionRefused(info)
            raise ConnectionRefused("; ".join(map(str, info.values())), info)
        packet["refusal"] = name, info
        self.error(name, info)

    def _call(
        self, handler: Handler, method: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any:
        """Call a method with arguments that fit."""
        return self._decorated(method)(*args)

    @classmethod
    def _handler(cls, method_name: str, method: Callable[..., Any]) -> Handler:
        handler = cls._handlers.get(method_name)
        function = getattr(method, "__func__", method)
        if handler is None or handler.function is not function:
            if len(cls._handlers) >= _MOST_HANDLERS:
                cls._handlers.clear()
            handler = cls._handlers[method_name] = cls._handler_class(method)
        return handler

    def _decorated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        decorator = getattr(self, "exception_handler_decorator", None)
        return function if decorator is None else decorator(function)

    # Greenlets and the end

    def spawn(
        self, fn: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Greenlet[..., Any]:
        """Run a function in a greenlet that ends with the namespace.

        After the end nothing runs: the greenlet that is returned has ended.

        :raises LimitExceeded: when those of the connection's namespaces are
            ``max_jobs`` already.
        """
        self._home.require("a greenlet")
        fn = self._decorated(fn)
        if self._is_over():
            return ended_job(fn)
        socket = self.socket
        number = sum(len(each.jobs) for each in {self, *socket.active_ns.values()})
        socket.account.check("max_jobs", number)
        return start_job(self.jobs, fn, args, kwargs)

    def _is_over(self) -> bool:
        admission = self._admission
        return (
            self._over
            or self.socket._ended()
            or (admission is not None and not admission.open)
        )

    @carried
    def kill_local_jobs(self) -> None:
        """End the greenlets of :meth:`spawn`; one that calls this, when it waits."""
        end_jobs(self.jobs)

    @carried
    def disconnect(self, silent: bool = False) -> None:
        """Leave the namespace: the client is told, the jobs end.

        :param silent: don't tell the client.
        """
        if self._admission is not None:
            self._admission.disconnect(silent)
        else:
            self._disconnect_now(silent)

    def _disconnect_now(self, silent: bool) -> None:
        if self._disconnecting:
            return
        self._disconnecting = True
        # Whoever calls it from now on, such as recv_disconnect, has an override of it
        # clean up no second time.
        vars(self)["disconnect"] = _has_left
        self._begin_end()
        if self.disconnect_reason is None:
            self.disconnect_reason = SERVER_LEFT
        try:
            if not silent:
                packet: Packet = {"type": "disconnect", "endpoint": self.ns_name}
                self.socket.send_packet(packet)
            self._tell_disconnect()
        finally:
            if self.socket.active_ns.get(self.ns_name, self) is self:
                self.socket.remove_namespace(self.ns_name)
            self.kill_local_jobs()

    def _begin_end(self) -> None:
        """From now on nothing begins: no job, room, subscription, or event for an ack.

        What is sent goes nowhere, and the client is in no room; ``session['rooms']``
        still says in which ones it was.
        """
        if self._over:
            return
        self._over = self._diverted = True
        socket = self.socket
        if socket.active_ns.get(self.ns_name) is self:
            # Else the client may have come back, and the rooms be those of a later one.
            self._leave_rooms()
        socket.acks.release(self)

    def _leave_rooms(self) -> None:
        """Take the client out of the namespace, and of all its rooms."""
        rooms = self.socket.hub.rooms
        self._left = self._left or list(rooms.rooms_of(self.ns_name, self.socket))
        rooms.leave_all(self.ns_name, self.socket)

    def _forget_rooms(self) -> None:
        """The namespace was left: ``session['rooms']`` says no more in which rooms."""
        name_of = getattr(self, "_get_room_name", None)
        for room in in_turns(self._left):
            if name_of is not None and room is not None:
                self.session["rooms"].discard(name_of(room))

    def _leave(self, reason: str, packet: Packet | None = None) -> None:
        """End the namespace because the client or the connection has gone.

        :param packet: what the client said, if it did.
        """
        if self.disconnect_reason is None:
            self.disconnect_reason = reason
        self._begin_end()
        with self._disconnected_once():
            if packet is not None and not self._told_disconnect:
                self._show_disconnect(packet)
            self._tell_disconnect()
            # A recv_disconnect of the application need not have called it.
            self.disconnect(silent=True)

    @contextmanager
    def _disconnected_once(self) -> Iterator[None]:
        """Have ``disconnect``, overridden or not, run once; then the namespace is left.

        ``recv_disconnect`` calls it, and so does who ends the namespace: an override
        that cleans up would find nothing the second time.
        """
        if self._disconnecting:
            yield
            return
        disconnect = _Once(self.disconnect)
        vars(self)["disconnect"] = disconnect
        try:
            yield
        finally:
            vars(self)["disconnect"] = _has_left  # else a cycle of references
            self._disconnect_now(silent=True)  # an override need not call ours

    def _show_disconnect(self, packet: Packet) -> None:
        """Have an override of :meth:`process_packet` see that the client leaves."""
        if type(self).process_packet is BaseNamespace.process_packet:
            return
        self._leaving = packet
        try:
            self.socket.around(self.process_packet, packet)
        except Interrupted:
            raise
        except FAILURES:
            log_failure(log, "The leaving of %s failed", self.ns_name or "/")

    def _tell_disconnect(self) -> None:
        if self._told_disconnect:
            return
        self._told_disconnect = True
        packet: Packet = {"type": "disconnect", "endpoint": self.ns_name}
        try:
            self.socket.around(self.call_method, "recv_disconnect", packet)
        except Interrupted:
            raise
        except FAILURES:
            log_failure(log, "recv_disconnect of %s failed", self.ns_name or "/")
