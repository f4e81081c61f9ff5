"""Waiting for a client that has much to read, in the greenlets that may wait for it.

A handler that sends its client more than it can take at once is paced: it waits, as do
the acks and pongs of a client that reads slower than it asks. What is sent from
elsewhere never waits: a broadcast, what another client's handler sends, what the event
loop calls. See :mod:`~tgext.socketio.engine.io.backlog` for what may wait then.

A transaction that a handler began stays open while it waits. Nobody waits after the end
of the connection, and the end wakes up who does; what is sent then goes nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gevent import getcurrent

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet
from ..concurrency.threads import get_ident

if TYPE_CHECKING:
    from ..io.backlog import Outbox
    from .session import Socket


def make_room(socket: Socket) -> bool:
    """Wait until a client has taken some of what waits, if this greenlet may.

    A client that takes nothing for ``slow_timeout`` seconds is given up.

    :returns: whether there is room.
    """
    while True:
        transport = socket.transport
        if transport is None or socket._ended() or not _may_wait(socket):
            return False
        outbox = transport.outbox
        if outbox.has_room:
            return True
        socket.hub.batcher.flush()
        if not outbox.wait_for_room():
            outbox.give_up_waiting()
        if outbox.closed and socket.transport is transport:
            return False


def send_otherwise(socket: Socket, encoded: Encoded, packet: Packet) -> None:
    """Send a packet that may not go to the outbox at once.

    It comes from another thread, or its client is not admitted to the namespace, or has
    much to read.
    """
    endpoint, kind = packet.get("endpoint", ""), packet["type"]
    home, outbox = socket._tgsio_home, socket.outbox
    if get_ident() != home.ident:
        home.post(socket.admission.send, encoded, endpoint, kind)
    elif outbox is None or endpoint not in socket.active_ns:
        socket.admission.send(encoded, endpoint, kind)
    elif kind == "disconnect":
        outbox.send_own(encoded)  # who has much to read is not slow for it
    else:
        socket.send_when_room(encoded, endpoint)


def may_pong(socket: Socket, outbox: Outbox) -> bool:
    """Whether a client's ping is to be answered; waits for room, if this greenlet may.

    A client that pings and does not read would have any number of answers kept: where
    nobody can wait, and as much waits as may, it has none.
    """
    if make_room(socket) or not outbox.is_full:
        return True
    outbox.expect_taking()
    return False


def send_pong(socket: Socket, text: str) -> None:
    """Answer a client's ping; see :func:`may_pong`."""
    transport = socket.transport
    if transport is not None and may_pong(socket, transport.outbox):
        # It may have been upgraded meanwhile.
        (socket.transport or transport).send_text(text)


def _may_wait(socket: Socket) -> bool:
    """Whether the current greenlet is the client's own: its handlers run in it, or it
    is a job of it.
    """
    current = getcurrent()
    if socket.transport is not None and socket.transport.runs_in(current):
        return True
    if current in socket.jobs:
        return True
    return any(current in each.jobs for each in socket.active_ns.values())
