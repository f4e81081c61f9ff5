"""What a namespace sends to its client: packets, and those that ask for an ack.

Until the client is admitted to the namespace, its candidate keeps what is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from ...wire.socketio.packet import Packet, event_packet
from ..concurrency.threads import Home, carried
from ..recovery.recoverable import Recoverable
from . import acks
from .acks import Call, Expiring
from .client import Candidate, Client


class Sender(Protocol):
    """A namespace, as this module uses it."""

    ns_name: str
    _tgsio_candidate: Candidate | None
    _tgsio_recovery: Recoverable | None

    @property
    def socket(self) -> Client: ...

    @property
    def _tgsio_home(self) -> Home: ...

    def _tgsio_is_over(self) -> bool:
        """Whether the namespace has ended: then nothing is sent."""


def make_event(
    sender: Sender,
    event: str,
    args: tuple[Any, ...],
    callback: Callable[..., Any] | None,
    timeout: float | None,
    volatile: bool = False,
) -> Packet:
    """The packet of an event, which asks for an ack when there is a callback.

    :raises ValueError: for a timeout without a callback, and for a volatile event with
        one: no ack comes when it is dropped.
    """
    if timeout is not None and callback is None:
        raise ValueError("timeout needs a callback")
    if volatile and callback is not None:
        raise ValueError("a volatile event has no callback: no ack comes if it is lost")
    packet = event_packet(sender.ns_name, event, args, volatile)
    if callback is not None:
        packet["ack"] = "data"
    return packet


def send(
    sender: Sender,
    packet: Packet,
    callback: Callable[..., Any] | None = None,
    timeout: float | None = None,
) -> int | None:
    """Send a packet, unless the namespace has ended.

    :param callback: called with the arguments of the client's ack.
    :param timeout: see :func:`expect_ack`.
    :returns: the packet id that the client has to ack; None if it need not send an ack.
    :raises LimitExceeded: when ``max_pending_acks`` acks are pending already.
    """
    recovery = sender._tgsio_recovery
    if recovery is not None and callback is None and not packet.get("volatile"):
        _send_recoverable(sender, packet, recovery)
        return None
    if sender._tgsio_is_over():
        return None
    if packet.get("volatile"):
        _send_volatile(sender, packet)
        return None
    if callback is None:
        (sender._tgsio_candidate or sender.socket).send_packet(packet)
        return None
    return _send_asking(sender, packet, callback, timeout)


@carried
def _send_volatile(sender: Sender, packet: Packet) -> None:
    """Send a packet unless output of the client waits, or is held until admission."""
    if sender._tgsio_candidate is None and sender.socket.writable:
        sender.socket.send_packet(packet)


@carried
def _send_recoverable(sender: Sender, packet: Packet, session: Recoverable) -> None:
    # A client that has gone gets it when it is back.
    candidate = sender._tgsio_candidate
    session.emit(packet, None if candidate is None else candidate.send)


@carried
def _send_asking(
    sender: Sender,
    packet: Packet,
    callback: Callable[..., Any],
    timeout: float | None,
) -> int:
    packet["id"] = msgid = sender.socket.acks.next_id()
    try:
        expect_ack(sender, msgid, callback, timeout)
        (sender._tgsio_candidate or sender.socket).send_packet(packet)
    except BaseException:
        forget_ack(sender, msgid)
        raise
    return msgid


def call(sender: Sender, event: str, args: tuple[Any, ...], timeout: float) -> Any:
    """Send an event, and wait for the client's ack.

    :param timeout: seconds to wait.
    :returns: what the client answered: None, a value, or a tuple of several.
    :raises AckTimeout: when the client did not answer in time.
    :raises ConnectionLost: when the connection ended meanwhile, or before.
    :raises LimitExceeded: when ``max_pending_acks`` acks are pending already.
    """
    answer = Call()
    if sender._tgsio_is_over():
        answer.release()
        return answer.wait(timeout)
    candidate = sender._tgsio_candidate
    if candidate is not None and candidate.is_own:
        candidate.answer()  # a client sends no ack before it is connected
    packet = event_packet(sender.ns_name, event, args)
    packet["ack"] = "data"
    msgid = send(sender, packet, answer)
    try:
        return answer.wait(timeout)
    finally:
        forget_ack(sender, msgid)


def drain(sender: Sender, timeout: float | None) -> bool:
    """Wait until what was sent to a client has left: :meth:`.BaseNamespace.drain`."""
    sender._tgsio_home.require("waiting for output")
    if sender._tgsio_candidate is not None or sender._tgsio_is_over():
        return False
    return sender.socket.drain(timeout)


def expect_ack(
    sender: Sender, msgid: int, callback: Callable[..., Any], timeout: float | None
) -> None:
    """Keep a callback for the ack of a packet that is about to be sent.

    :param timeout: seconds after which the callback is called with an
        :class:`~tgext.socketio.engine.namespaces.acks.AckTimeout`; None to wait
        until the namespace ends.
    :raises LimitExceeded: when ``max_pending_acks`` acks are pending already.
    """
    socket = sender.socket
    if timeout is None:
        acks.save(socket, msgid, callback, sender)
    else:
        acks.expire(socket, msgid, callback, timeout, sender)
    if sender._tgsio_candidate is not None:
        sender._tgsio_candidate.undoes(partial(forget_ack, sender, msgid))


def forget_ack(sender: Sender, msgid: int | None) -> None:
    """Do not wait for an ack any more. No effect if it has come."""
    callback = None if msgid is None else sender.socket.acks.pop(msgid)
    if isinstance(callback, Expiring):
        callback.release()
