"""What a namespace sends to its client."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ...wire.socketio.packet import Packet, event_packet
from ..concurrency.threads import Home, carried
from . import acks
from .acks import Call, Expiring

if TYPE_CHECKING:
    from ..session.candidate import Candidate
    from ..session.session import Socket


class Emitter:
    """The part of a namespace that sends.

    :ivar socket: the :class:`~tgext.socketio.engine.virtsocket.Socket`.
    :ivar ns_name: the name of the namespace, ``''`` for the main one.
    """

    socket: Socket
    ns_name: str
    #: Keeps what is sent, and what else is begun, until the client is admitted.
    _admission: Candidate | None = None

    #: Whether the namespace has ended: then nothing is sent.
    _over: bool
    #: Whether either is so: what an event asks of both at once.
    _diverted = False

    @property
    def _home(self) -> Home:
        return self.socket._home

    def _is_over(self) -> bool:
        """Whether nothing may begin any more."""
        raise NotImplementedError

    def emit(
        self,
        event: str,
        *args: Any,
        callback: Callable[..., Any] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Send an event to the client.

        :param callback: called with the arguments of the client's ack.
        :param timeout: seconds after which the callback is called with an
            :class:`~tgext.socketio.engine.namespaces.acks.AckTimeout` instead.
        :raises TypeError: when an argument cannot be written as JSON, or is bytes and
            the client of generation 0.9.
        :raises LimitExceeded: when the client owes ``max_pending_acks`` acks already.
        :raises ValueError: for a timeout without a callback.
        """
        if callback is None and timeout is None and not self._diverted:
            self.socket.send_packet(
                {"type": "event", "name": event, "args": args, "endpoint": self.ns_name}
            )
            return
        packet = self._event_packet(event, args, callback, timeout)
        self._send(packet, callback, timeout)

    def call(self, event: str, *args: Any, timeout: float = 60.0) -> Any:
        """Send an event, and wait for the client's ack; a handler may do so.

        :param timeout: seconds to wait.
        :returns: what the client answered: None, a value, or a tuple of several.
        :raises AckTimeout: when it did not answer in time.
        :raises ConnectionLost: when the connection ended meanwhile.
        :raises LimitExceeded: when the client owes ``max_pending_acks`` acks already.
        :raises WrongThread: in another thread than the one that serves.
        """
        self._home.require("waiting for an ack")
        answer = Call()
        if self._is_over():
            answer.release()
            return answer.wait(timeout)
        if self._admission is not None and self._admission.is_own:
            self._admission.answer()  # a client is asked only once it is connected
        packet = event_packet(self.ns_name, event, args)
        packet["ack"] = "data"
        msgid = self._send(packet, answer)
        try:
            return answer.wait(timeout)
        finally:
            self._forget_ack(msgid)

    def send(
        self,
        message: Any,
        json: bool = False,
        callback: Callable[[], Any] | None = None,
    ) -> None:
        """Send a message, which the client receives as its ``message`` event.

        :param json: whether ``message`` is a value rather than text.
        :param callback: called when the client has received it.
        """
        packet: Packet = {
            "type": "json" if json else "message",
            "data": message,
            "endpoint": self.ns_name,
        }
        if callback is not None:
            packet["ack"] = True
        self._send(packet, callback)

    def _event_packet(
        self,
        event: str,
        args: tuple[Any, ...],
        callback: Callable[..., Any] | None,
        timeout: float | None,
    ) -> Packet:
        """The packet of an event, which asks for an ack where a callback waits."""
        if timeout is not None and callback is None:
            raise ValueError("timeout goes with callback")
        packet = event_packet(self.ns_name, event, args)
        if callback is not None:
            packet["ack"] = "data"
        return packet

    def _send(
        self,
        packet: Packet,
        callback: Callable[..., Any] | None,
        timeout: float | None = None,
    ) -> int | None:
        """Send a packet; the id under which an ack is expected, if one is."""
        if self._is_over():
            return None
        if callback is None:
            (self._admission or self.socket).send_packet(packet)
            return None
        return self._send_asking(packet, callback, timeout)

    @carried
    def _send_asking(
        self, packet: Packet, callback: Callable[..., Any], timeout: float | None
    ) -> int:
        """Send a packet that asks for an ack; the id under which it is expected."""
        packet["id"] = msgid = self.socket._get_next_msgid()
        try:
            self._expect_ack(msgid, callback, timeout)
            (self._admission or self.socket).send_packet(packet)
        except BaseException:
            self._forget_ack(msgid)
            raise
        return msgid

    def _expect_ack(
        self, msgid: int, callback: Callable[..., Any], timeout: float | None
    ) -> None:
        socket = self.socket
        if timeout is None:
            socket._save_ack_callback(msgid, callback, self)
        else:
            timers = socket.hub.timers
            acks.expire(socket, msgid, callback, timers, timeout, self)
        if self._admission is not None:
            self._admission.undoes(partial(self._forget_ack, msgid))

    def _forget_ack(self, msgid: int | None) -> None:
        callback = None if msgid is None else self.socket.acks.pop(msgid)
        if isinstance(callback, Expiring):
            callback.release()

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
            quiet=quiet or self._over,
        )
