"""Back-pressure: greenlets of a client wait while it has much unread output.

A handler that sends its client more than the client reads at once is paced: it waits.
So do the acks and pongs of a client that sends faster than it reads. Other output never
waits: broadcasts, output of other clients' handlers, and output of callbacks of the
event loop. Its limits are in :mod:`~tgext.socketio.engine.io.backlog`.

The transaction of a handler stays open while it waits. The end of the connection wakes
all waiting greenlets, and later output is dropped.
"""

from __future__ import annotations

import time

from gevent import getcurrent

from ...wire.socketio.packet import Packet
from ..concurrency.threads import get_ident
from ..io.outbox import Outbox
from .connection import Connection
from .encoding import encode


def make_room(socket: Connection) -> bool:
    """Wait until a client has read some of its output, if this greenlet may wait.

    A client that reads nothing for ``slow_timeout`` seconds is disconnected.

    :returns: whether there is room.
    """
    while True:
        transport = socket.transport
        if transport is None or socket.ended or not _may_wait(socket):
            return False
        outbox = transport.outbox
        if outbox.has_room:
            return True
        socket.hub.batcher.flush()
        if not outbox.wait_for_room():
            outbox.give_up_waiting()
        if outbox.closed and socket.transport is transport:
            return False


def drain(socket: Connection, timeout: float | None) -> bool:
    """Wait until what was sent to a client has left, whatever its transport is then.

    :param timeout: seconds to wait at most; None for no limit.
    :returns: whether it has left; False also when the connection has ended.
    """
    until = None if timeout is None else time.monotonic() + timeout
    while not socket.ended and (transport := socket.transport) is not None:
        outbox = transport.outbox
        left = None if until is None else max(0.0, until - time.monotonic())
        drained = outbox.wait_drained(left)
        if socket.transport is transport:
            return drained and not outbox.closed
    return False


def send_otherwise(socket: Connection, packet: Packet) -> None:
    """Send a packet that cannot go to the outbox at once.

    It comes from another thread, or its client is not admitted to the namespace, or has
    much unread output, or has gone.

    :raises ReservedName: see :func:`.encode`.
    :raises TypeError: when its data cannot be written as JSON.
    """
    endpoint, kind = packet.get("endpoint", ""), packet["type"]
    home, outbox = socket._tgsio_home, socket.outbox
    if outbox is not None and outbox.closed:
        return  # what the client sent before it went is still handled
    if socket.recovering is not None:
        # The position of a packet is that of the moment when it is sent.
        if get_ident() != home.ident:
            home.ask(send_otherwise, socket, packet)
            return
        make_room(socket)
        outbox = socket.outbox
    encoded = encode(socket, packet)
    if get_ident() != home.ident:
        home.post(socket.admission.send, encoded, endpoint, kind)
    elif outbox is None or endpoint not in socket.active_ns:
        socket.admission.send(encoded, endpoint, kind)
    elif kind == "disconnect":
        outbox.send_own(encoded)  # which never disconnects a slow client
    else:
        socket.send_when_room(encoded, endpoint)


def may_pong(socket: Connection, outbox: Outbox) -> bool:
    """Whether to answer a client's ping. Waits for room, if this greenlet may wait.

    A client that pings and does not read would make the server keep any number of
    answers. If its output is at the limit and the greenlet may not wait, it gets no
    answer.
    """
    if make_room(socket) or not outbox.is_full:
        return True
    outbox.expect_taking()
    return False


def send_pong(socket: Connection, text: str) -> None:
    """Answer a client's ping; see :func:`may_pong`."""
    transport = socket.transport
    if transport is not None and may_pong(socket, transport.outbox):
        # The session may have a new transport meanwhile.
        (socket.transport or transport).send_text(text)


def _may_wait(socket: Connection) -> bool:
    """Whether this greenlet runs handlers of the client, or is one of its jobs."""
    current = getcurrent()
    if socket.transport is not None and socket.transport.runs_in(current):
        return True
    if current in socket.jobs:
        return True
    return any(current in each.jobs for each in socket.active_ns.values())
