"""Namespaces: ``on_*`` methods, ``emit``, ``call`` and gevent-socketio's other API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ...wire.socketio.packet import Packet
from ..concurrency.greenlets import Jobs
from ..concurrency.threads import carried
from . import emitter, leaving, methods, ratelimits
from .access import AccessList
from .beginning import begin
from .client import Candidate
from .errors import ConnectionRefused
from .events import SHORT, cached_method_of, method_of
from .handlers import Handler, Handlers
from .jobs import Spawning
from .mistakes import NO_ENVIRON, made_without_client, warn_of_mistakes
from .names import OwnNames
from .targets import Targets

__all__ = ["BaseNamespace", "ConnectionRefused"]


class BaseNamespace(OwnNames, Targets, AccessList, Spawning):
    """One client's connection to a namespace.

    Subclass it and define ``on_<event>`` methods. The method is called with the
    arguments of the event, and its return value is the ack; a tuple becomes several
    arguments. A method whose only argument is named ``packet`` gets the whole packet.
    ``on_any(self, event, *args)`` is called for all events without a method.

    :ivar environ: the WSGI environment of the request that opened the connection; with
        the path and query of the transport's request, if that is another one (0.9). If
        the client connected to the namespace with a query (``/chat?token=1``), that is
        at the end of ``QUERY_STRING``.
    :ivar socket: the :class:`~tgext.socketio.engine.virtsocket.Socket`.
    :ivar session: a dict of the connection, shared by its namespaces.
    :ivar request: what was given to ``socketio_manage`` as the request.
    :ivar ns_name: the name of the namespace, ``''`` for the main one.
    :ivar jobs: the greenlets that :meth:`spawn` started and that still run.
    :ivar allowed_methods: see :meth:`get_initial_acl`.
    :ivar auth: the auth payload with which a 3.x or 4.x client connected, or None.
    :ivar disconnect_reason: in Socket.IO's words; None until the namespace ends.
    :ivar id: the public id of the client in the namespace; 3.x and 4.x clients know it
        as ``socket.id``. It is neither a secret nor the session id.

    Subclasses may name their attributes freely, except for gevent-socketio's names and
    those that begin with ``_tgsio_``, which are reserved; see :mod:`.names`.
    """

    #: Wraps handlers, and the functions given to :meth:`spawn`, if it is defined.
    exception_handler_decorator: Callable[..., Any]

    #: Keeps what is sent, and what else is begun, until the client is admitted.
    _tgsio_candidate: Candidate | None = None
    #: Whether the namespace has ended, or is about to; see :func:`leaving.begin_end`.
    _tgsio_ended = False
    #: Not admitted yet, or ended: an event checks both with this one attribute.
    _tgsio_diverted = False
    _tgsio_leaving: leaving.Leaving | None = None

    #: The limits of the class; see :func:`.rate_limit`.
    _tgsio_limits: ClassVar[tuple[ratelimits.Limit, ...]] = ()
    #: The handlers of the class by method name.
    _tgsio_handlers: ClassVar[Handlers] = Handlers(Handler)
    _tgsio_handler_class: ClassVar[type[Handler]] = Handler
    #: The steps from an event to its method as this class defines them. They are left
    #: out if no subclass overrides them; see :func:`methods.steps_of`.
    _tgsio_steps: ClassVar[tuple[Any, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._tgsio_handlers = Handlers(cls._tgsio_handler_class)
        warn_of_mistakes(cls)

    def __init__(
        self,
        environ: dict[str, Any] = NO_ENVIRON,
        ns_name: str = "",
        request: Any = None,
    ) -> None:
        if environ is NO_ENVIRON:
            raise made_without_client(type(self))
        self.environ = environ
        begin(self)
        self.socket = environ["socketio"]
        self.session: dict[str, Any] = self.socket.session
        self.request = request
        self.ns_name = ns_name
        self.allowed_methods: set[str] | None = None
        self.jobs = Jobs()
        self.reset_acl()
        super().__init__()  # mixins may follow this class

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

    # What is sent

    def emit(
        self,
        event: str,
        *args: Any,
        callback: Callable[..., Any] | None = None,
        timeout: float | None = None,
        volatile: bool = False,
    ) -> None:
        """Send an event; ``connect`` and others of clients' own only to 0.9 clients.

        :param callback: called with the arguments of the client's ack.
        :param timeout: seconds after which the callback is called with an
            :class:`~tgext.socketio.engine.namespaces.acks.AckTimeout` instead.
        :param volatile: whether the event is dropped when output of the client waits:
            it reads slowly, has no poll open, or is not admitted yet.
        :raises TypeError: when an argument cannot be written as JSON, or is bytes for a
            0.9 client.
        :raises LimitExceeded: when ``max_pending_acks`` acks are pending already.
        :raises ValueError: for ``timeout`` without ``callback``, ``volatile`` with it.
        """
        if (
            callback is None
            and timeout is None
            and not volatile
            and not self._tgsio_diverted
            and self._tgsio_recovery is None
        ):
            # Measured: without this shortcut, an event that emits takes 10 % longer.
            self.socket.send_packet(
                {"type": "event", "name": event, "args": args, "endpoint": self.ns_name}
            )
            return
        packet = emitter.make_event(self, event, args, callback, timeout, volatile)
        emitter.send(self, packet, callback, timeout)

    def call(self, event: str, *args: Any, timeout: float = 60.0) -> Any:
        """Send an event, and wait for the client's ack; a handler may do so.

        :param timeout: seconds to wait.
        :returns: what the client answered: None, a value, or a tuple of several.
        :raises AckTimeout: when it did not answer in time.
        :raises ConnectionLost: when the connection ended meanwhile.
        :raises LimitExceeded: when ``max_pending_acks`` acks are pending already.
        :raises WrongThread: when called in a thread other than the server's.
        """
        self._tgsio_home.require("waiting for an ack")
        return emitter.call(self, event, args, timeout)

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until what was sent to the client has left, as far as it is admitted.

        The operating system has accepted it then, or a poll has fetched it. A handler
        or a job that sends much can wait before it goes on.

        :param timeout: seconds to wait at most; None: as long as the connection lasts.
        :returns: whether it has left; False after the timeout, and when the client is
            not admitted yet, or its connection has ended.
        :raises WrongThread: when called in a thread other than the server's.
        """
        return emitter.drain(self, timeout)

    def send(
        self,
        message: Any,
        json: bool = False,
        callback: Callable[[], Any] | None = None,
    ) -> None:
        """Send a message, which the client receives as its ``message`` event.

        :param json: whether ``message`` is a value rather than text.
        :param callback: called when the client has received it.
        :raises TypeError: when the message cannot be written as JSON.
        :raises LimitExceeded: when ``max_pending_acks`` acks are pending already.
        """
        packet: Packet = {
            "type": "json" if json else "message",
            "data": message,
            "endpoint": self.ns_name,
        }
        if callback is not None:
            packet["ack"] = True
        emitter.send(self, packet, callback)

    def error(
        self,
        error_name: str,
        error_message: Any,
        msg_id: int | None = None,
        quiet: bool = False,
    ) -> None:
        """Tell the client of an error: an event ``error`` with the two arguments.

        :param quiet: only log it.
        """
        self.socket.error(
            error_name,
            error_message,
            endpoint=self.ns_name,
            msg_id=msg_id,
            quiet=quiet or self._tgsio_ended,
        )

    # What comes in

    def process_packet(self, packet: Packet) -> Any:
        """Handle one packet for this namespace.

        An override sees every packet. Handlers are called only if it calls this.

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
            if self._tgsio_candidate is None:
                self.socket.send_packet(packet)
                return self.call_method_with_acl("recv_connect", packet)
            with self._tgsio_candidate.deciding():
                return self.call_method_with_acl("recv_connect", packet)
        if kind == "error":
            return self.call_method_with_acl("recv_error", packet)
        if kind == "ack":
            return self._tgsio_process_ack(packet)
        if kind == "disconnect":
            return leaving.process_disconnect(self, packet)
        return None

    def _tgsio_process_ack(self, packet: Packet) -> Any:
        callback = self.socket.acks.pop_of(self, packet["ackId"])
        if callback is None:
            return None
        self.socket.hub.counts.acks_received += 1
        return callback(*packet["args"])

    def process_event(self, packet: Packet) -> Any:
        """Call the method of an event: ``user message`` goes to ``on_user_message``."""
        name = packet.get("name", "")  # gevent-socketio allows events without a name
        method_name = cached_method_of(name) if len(name) <= SHORT else method_of(name)
        handler = self._tgsio_handlers.get(method_name)
        if handler is None:
            method_name = self._tgsio_method_of(name, method_name)
            if not method_name and not self._tgsio_catches:
                return methods.refuse_name(self, packet)
            handler = self._tgsio_handlers.get(method_name)
        args = packet["args"]
        if handler is not None and self._tgsio_is_direct(handler):
            method: Any = getattr(self, method_name, None)
            if handler.fits(method, args):
                return method(*args)
        if self._tgsio_catches:
            method_name, args = methods.caught(self, name, method_name, args)
        if method_name == "on_message" and not hasattr(self, method_name):
            # What 1.x to 4.x clients send with `socket.send`.
            method_name = "recv_message"
        return self.call_method_with_acl(method_name, packet, *args)

    def _tgsio_is_direct(self, handler: Handler) -> bool:
        """Whether a method may be called without the steps before it.

        It may if no subclass overrides a step, and no step would have an effect.
        Measured: that saves 8 to 14 % of an event.
        """
        cls = type(self)
        # The same as `methods.steps_of`, whose call would take 10 % of this method.
        steps = cls.call_method_with_acl, cls.is_method_allowed, cls.call_method
        return (
            self.allowed_methods is None
            and steps == cls._tgsio_steps
            and getattr(self, "exception_handler_decorator", None) is None
        )

    def call_method_with_acl(self, method_name: str, packet: Packet, *args: Any) -> Any:
        """Call a method if its limit and the ACL allow it.

        Otherwise answer ``rate_limited`` or ``method_access_denied``.
        """
        if ratelimits.exceeded(self, method_name, packet):
            return None
        if not self.is_method_allowed(method_name):
            info = f'You do not have access to method "{method_name}"'
            return methods.refuse(self, packet, "method_access_denied", info)
        return self.call_method(method_name, packet, *args)

    def call_method(self, method_name: str, packet: Packet, *args: Any) -> Any:
        """Call a method with the packet or the arguments.

        Answers ``no_such_method`` when there is no such method, and
        ``invalid_method_args`` when the arguments do not fit.
        """
        return methods.call_method(self, method_name, packet, args)

    def _tgsio_call(
        self, handler: Handler, method: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any:
        """Call a method with arguments that fit."""
        if hasattr(self, "exception_handler_decorator"):
            method = methods.deciding(self, method)
        return self._tgsio_decorated(method)(*args)

    def _tgsio_decorated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        decorator = getattr(self, "exception_handler_decorator", None)
        return function if decorator is None else decorator(function)

    @carried
    def disconnect(self, silent: bool = False) -> None:
        """Leave the namespace: the client is told, the jobs end.

        :param silent: don't tell the client.
        """
        if self._tgsio_candidate is not None:
            self._tgsio_candidate.disconnect(silent)
        else:
            leaving.disconnect(self, silent)

    def _tgsio_begin_end(self) -> None:
        """See :func:`leaving.begin_end`; a subclass may end more."""
        leaving.begin_end(self)

    def _tgsio_overrides(self, name: str) -> bool:
        """Whether a subclass overrides a method of this class."""
        return getattr(type(self), name) is not getattr(BaseNamespace, name)


BaseNamespace._tgsio_steps = methods.steps_of(BaseNamespace)
