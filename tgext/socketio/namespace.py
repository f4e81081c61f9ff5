"""Namespaces with TurboGears' ``@require`` and ``@validate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tg import request_local, require

from .engine.concurrency.interruption import sheltered
from .engine.concurrency.threads import get_ident
from .engine.hub.hub import Hub
from .engine.hub.rooms import Rooms
from .engine.namespaces.base import BaseNamespace, ConnectionRefused
from .engine.namespaces.emitter import expect_ack, make_event
from .engine.namespaces.handlers import Handler
from .engine.namespaces.methods import refuse, steps_of
from .engine.namespaces.ratelimits import exceeded
from .request.calls import TGHandler, call_as_page
from .request.context import current
from .request.guards import all_met, denial, unmet
from .request.listening import Listening
from .request.runner import Runner
from .request.transactions import on_commit
from .wire.socketio.encoded import Encoded
from .wire.socketio.packet import Packet, ReservedName

__all__ = [
    "ConnectionRefused",
    "SocketIOTGNamespace",
    "UnsupportedTGVersionException",
]


class UnsupportedTGVersionException(Exception):
    """TurboGears is too old. Never raised: the installation asks for 2.5."""


class SocketIOTGNamespace(BaseNamespace):
    """A namespace whose methods take ``@require`` and ``@validate``.

    The class attribute ``allow_only`` guards the namespace: a client that does not meet
    it cannot connect. One that does not meet it any more is disconnected at its next
    event, or within ``socketio.recheck_interval`` if it sends none.
    """

    #: A predicate, or a ``require`` with one.
    allow_only: Any = None

    _tgsio_handler_class = TGHandler
    #: Asks the requirements again; None while there are none.
    _tgsio_listening: Listening | None = None

    @classmethod
    def _tgsio_check_class(cls) -> None:
        """Called when a controller mounts the class; a TypeError refuses that."""

    @classmethod
    def _tgsio_serve(
        cls, endpoint: str, rooms: Rooms, hub: Hub, settings: Mapping[str, Any]
    ) -> None:
        """Called before the first client of the controller enters a namespace of it."""

    def _tgsio_authorize(self) -> None:
        reason = unmet(self.allow_only, self._tgsio_event_environ)
        if reason is not None:
            raise ConnectionRefused(reason)
        if self.allow_only is not None:
            self._tgsio_listen()
        super()._tgsio_authorize()

    def _tgsio_listen(self) -> None:
        """Ask the requirements again from now on, also when no event comes."""
        if self._tgsio_listening is None:
            self._tgsio_listening = Listening(self)

    def _tgsio_ask_again(self) -> None:
        self._tgsio_may_stay({})

    def emit_on_commit(
        self,
        event: str,
        *args: Any,
        callback: Callable[..., Any] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Send an event to the client when the current transaction has committed.

        It is not sent when the transaction is rolled back or doomed. The arguments are
        encoded now, so later changes to them are not sent. In an application without
        TurboGears' transaction manager, the event is sent when the handler has
        succeeded.

        :param callback: called with the arguments of the client's ack.
        :param timeout: seconds after which the callback is called with an
            :class:`~tgext.socketio.engine.namespaces.acks.AckTimeout` instead.
        :raises TypeError: when an argument cannot be written as JSON.
        :raises ValueError: for a timeout without a callback.
        """
        packet = make_event(self, event, args, callback, timeout)
        if callback is not None:
            packet["id"] = msgid = self.socket.acks.next_id()
        encoded: Encoded | None = None
        try:
            encoded = self.socket.encode(packet)
        except ReservedName:
            if timeout is None:
                return  # the log says so

        def leave() -> None:
            if get_ident() != self._tgsio_home.ident:
                self._tgsio_home.ask(leave)
                return
            if self._tgsio_ended:
                return
            if callback is not None:
                expect_ack(self, msgid, callback, timeout)
            if encoded is None:
                return  # no ack will come
            if self._tgsio_candidate is None:
                self.socket.send_when_room(encoded, self.ns_name)
            else:
                self._tgsio_candidate.send(encoded)

        on_commit(leave)

    def run_in_app(
        self, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Run a function of a job as an event: with a user, a session, a transaction.

        The transaction is tried again after a conflict, as that of a page.
        Called in an event, the function is part of the event.

        :returns: what the function returned.
        :raises Exception: what the function raised; the transaction is rolled back.
        :raises WrongThread: when called in a thread other than the server's.
        """
        self._tgsio_home.require("an event")
        return self.socket.runner.run_in_job(partial(function, *args, **kwargs))

    def _tgsio_on_commit(self, function: Callable[..., object], *args: Any) -> None:
        on_commit(sheltered, function, *args)

    def _tgsio_is_direct(self, handler: Handler) -> bool:
        runner = self.socket.runner
        return (
            BaseNamespace._tgsio_is_direct(self, handler)
            and type(runner) is Runner
            and self.allow_only is None
            and type(handler) is TGHandler
            and not handler.requirements
            and handler.is_plain(runner.config)
        )

    def call_method_with_acl(self, method_name: str, packet: Packet, *args: Any) -> Any:
        if exceeded(self, method_name, packet):
            return None
        if method_name != "recv_connect" and not self._tgsio_may_stay(packet):
            return None
        if not self.is_method_allowed(method_name):
            info = self._tgsio_denial(method_name)
            return refuse(self, packet, "method_access_denied", info)
        return self.call_method(method_name, packet, *args)

    def _tgsio_may_stay(self, packet: Packet) -> bool:
        """Whether the client still meets ``allow_only``; it is disconnected if not."""
        reason = unmet(self.allow_only, self._tgsio_event_environ)
        if reason is None:
            return True
        refuse(self, packet, "method_access_denied", reason)
        self.disconnect()
        return False

    def _tgsio_process_ack(self, packet: Packet) -> Any:
        return (
            super()._tgsio_process_ack(packet) if self._tgsio_may_stay(packet) else None
        )

    def is_method_allowed(self, method_name: str) -> bool:
        allowed = self.allowed_methods
        if allowed is not None and method_name not in allowed:
            return False
        requirements = self._tgsio_requirements(method_name)
        return not requirements or all_met(requirements, self._tgsio_event_environ)

    def _tgsio_requirements(self, method_name: str) -> Sequence[require]:
        method = getattr(self, method_name, None)
        if method is None:
            return ()
        handler: Any = self._tgsio_handlers.of(method_name, method)
        return handler.requirements  # type: ignore[no-any-return]

    def _tgsio_denial(self, method_name: str) -> str:
        """The message for a client that is denied a method."""
        requirements = self._tgsio_requirements(method_name)
        # `recv_connect` decides whether the client connects, as `allow_only` does. So
        # the client gets the message of the predicate.
        told = denial(
            requirements,
            self._tgsio_event_environ,
            reasons=method_name == "recv_connect",
        )
        return told or f'You do not have access to method "{method_name}"'

    def _tgsio_call(
        self, handler: Handler, method: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any:
        # Missing arguments were refused before, as validators would get None for them.
        assert isinstance(handler, TGHandler)
        context = current()
        if context is None or handler.is_plain(context.config):
            return BaseNamespace._tgsio_call(self, handler, method, args)
        return call_as_page(self, handler, method, args)

    def _tgsio_event_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = request_local.request.environ
        return environ


SocketIOTGNamespace._tgsio_steps = steps_of(SocketIOTGNamespace)
