"""How a namespace ends: its client leaves, is disconnected, or has gone.

The application calls ``disconnect`` of the namespace or of its connection, the client
sends a disconnect packet, or the connection ends. In each case, nothing new begins in
the namespace, ``recv_disconnect`` is called once, and an overridden ``disconnect`` runs
once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from ...wire.socketio.packet import Packet
from ...wire.socketio.reasons import CLIENT_LEFT, SERVER_LEFT
from ..concurrency.failures import FAILURES, log_failure
from ..concurrency.interruption import Interrupted
from ..hub.roomkeys import Room
from ..logs import get_logger
from ..recovery.recoverable import Recoverable
from . import roomnames
from .client import Client
from .lines import left

log = get_logger(__name__)


class Leaving:
    """The state of the end of one namespace; made when it is needed.

    :ivar told: whether ``recv_disconnect`` has been called.
    :ivar disconnecting: whether the namespace's own ``disconnect`` has begun.
    :ivar tells: whether the client is told, even by a silent ``disconnect``.
    :ivar packet: the client's disconnect packet, while an overridden
        ``process_packet`` handles it.
    :ivar rooms: the rooms that the client was in.
    """

    __slots__ = ("disconnecting", "packet", "rooms", "tells", "told")

    def __init__(self) -> None:
        self.told = False
        self.disconnecting = False
        self.tells = False
        self.packet: Packet | None = None
        self.rooms: Collection[Room] = ()


class Member(Protocol):
    """A namespace, as this module uses it."""

    ns_name: str
    session: dict[str, Any]
    _tgsio_reason: str | None
    _tgsio_entered: float
    _tgsio_ended: bool
    _tgsio_diverted: bool
    _tgsio_leaving: Leaving | None
    _tgsio_recovery: Recoverable | None

    @property
    def socket(self) -> Client: ...

    def process_packet(self, packet: Packet) -> Any: ...

    def call_method_with_acl(
        self, method_name: str, packet: Packet, *args: Any
    ) -> Any: ...

    def call_method(self, method_name: str, packet: Packet, *args: Any) -> Any: ...

    def disconnect(self, silent: bool = False) -> None: ...

    def kill_local_jobs(self) -> None: ...

    def _tgsio_begin_end(self) -> None: ...

    def _tgsio_overrides(self, name: str) -> bool: ...


def leaving_of(namespace: Member) -> Leaving:
    """The state of the end of a namespace."""
    leaving = namespace._tgsio_leaving
    if leaving is None:
        leaving = namespace._tgsio_leaving = Leaving()
    return leaving


class _Override:
    """Takes the place of an overridden ``disconnect``, which cleans up.

    A call has no effect while another one runs: the override may wait, and the
    connection may end meanwhile.

    :param function: the overridden ``disconnect``.

    :ivar last: whether the client goes, whatever the override does: it runs once more
        at most.
    """

    __slots__ = ("_function", "_runs", "last")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function: Callable[..., Any] | None = function
        self._runs = False
        self.last = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self._function
        if function is None or self._runs:
            return None
        self._runs = True
        try:
            return function(*args, **kwargs)
        finally:
            self._runs = False
            if self.last:
                self._function = None


def guard(namespace: Member) -> None:
    """Let an overridden ``disconnect`` run once for each end.

    The end of the connection replaces it again, so no reference cycle is left.
    """
    if namespace._tgsio_overrides("disconnect"):
        vars(namespace)["disconnect"] = _Override(namespace.disconnect)


def _has_left(*args: Any, **kwargs: Any) -> None:
    """Replaces ``disconnect`` of a namespace that has ended. No effect."""


def disarm(namespace: Member) -> None:
    """Let an overridden ``disconnect`` not run again: it has, for this end."""
    vars(namespace)["disconnect"] = _has_left


def begin_end(namespace: Member) -> None:
    """Let nothing new begin: no job, room, subscription, or event with an ack.

    What is sent is dropped, and the client leaves all rooms. ``session['rooms']`` still
    contains them, for ``recv_disconnect``.
    """
    if namespace._tgsio_ended:
        return
    namespace._tgsio_ended = namespace._tgsio_diverted = True
    socket = namespace.socket
    if namespace._tgsio_recovery is not None:
        namespace._tgsio_recovery.end(socket)
    if socket.active_ns.get(namespace.ns_name) is namespace:
        # Otherwise the client has connected again: the rooms are the new namespace's.
        _leave_rooms(namespace)
    socket.acks.release(namespace)
    if namespace._tgsio_entered:
        left(namespace, socket, socket.transport, SERVER_LEFT)


def _leave_rooms(namespace: Member) -> None:
    """Take the client out of the namespace, and of all its rooms."""
    rooms, socket = namespace.socket._tgsio_rooms, namespace.socket
    joined = rooms.rooms_of(namespace.ns_name, socket)
    if joined:
        leaving_of(namespace).rooms = [room for room in joined if room is not None]
        rooms.leave_all(namespace.ns_name, socket)


def forget(namespace: Member) -> None:
    """Take the client out of a namespace and its rooms."""
    namespace._tgsio_begin_end()
    _leave_rooms(namespace)
    # `begin_end` kept them in session['rooms'].
    roomnames.forget(namespace, leaving_of(namespace).rooms)


def abandon(namespace: Member) -> None:
    """End a namespace that its overridden ``disconnect`` did not end."""
    forget(namespace)
    namespace.kill_local_jobs()


def remove(namespace: Member) -> None:
    """Called when a namespace was removed from its connection.

    An application may remove it without :func:`disconnect`. Then nothing else would end
    its jobs, not even the end of the connection.
    """
    if leaving_of(namespace).disconnecting:
        forget(namespace)
    else:
        abandon(namespace)


def disconnect(namespace: Member, silent: bool) -> None:
    """What ``BaseNamespace.disconnect`` does. A second call has no effect.

    :param silent: don't tell the client.
    """
    leaving = leaving_of(namespace)
    if leaving.disconnecting:
        return
    leaving.disconnecting = True
    # An override calls this function. If recv_disconnect calls `disconnect` below, the
    # override must not run a second time.
    disarm(namespace)
    namespace._tgsio_begin_end()
    _explain(namespace, SERVER_LEFT)
    socket, name = namespace.socket, namespace.ns_name
    try:
        if leaving.tells or not silent:
            socket.send_packet({"type": "disconnect", "endpoint": name})
        _tell_disconnect(namespace, leaving)
    finally:
        try:
            if socket.active_ns.get(name, namespace) is namespace:
                # Of the last namespace, this waits for the end of the connection, and
                # may be interrupted.
                socket.remove_namespace(name)
        finally:
            namespace.kill_local_jobs()


def leave(namespace: Member, reason: str, packet: Packet | None = None) -> None:
    """End a namespace because its client left, or the connection has ended.

    :param reason: ``disconnect_reason``, unless the namespace has one already.
    :param packet: the client's disconnect packet, if it sent one.
    """
    _explain(namespace, reason)
    namespace._tgsio_begin_end()
    _end(namespace, packet)


def dismiss(namespace: Member, silent: bool, reason: str = SERVER_LEFT) -> None:
    """End a namespace because the application disconnects it from outside.

    As in gevent-socketio, ``recv_disconnect`` is called, which calls ``disconnect``.
    Both may still send.

    :param silent: don't tell the client.
    :param reason: ``disconnect_reason``, unless the namespace has one already.
    """
    _explain(namespace, reason)
    leaving_of(namespace).tells = not silent
    _end(namespace)


def clean_up(namespace: Member, reason: str) -> None:
    """End a namespace whose client was not admitted: ``recv_connect`` did not succeed.

    ``recv_disconnect`` is not called; an overridden ``disconnect`` is.
    """
    leaving_of(namespace).told = True
    leave(namespace, reason)


def _explain(namespace: Member, reason: str) -> None:
    """Set ``disconnect_reason``, unless the namespace has one already."""
    if namespace._tgsio_reason is None:
        namespace._tgsio_reason = reason


def _end(namespace: Member, packet: Packet | None = None) -> None:
    leaving = leaving_of(namespace)
    if leaving.disconnecting:
        _announce(namespace, leaving, packet)
        return
    override = vars(namespace).get("disconnect")
    if isinstance(override, _Override):
        # Both `recv_disconnect` and `_announce` call it: it must run once, or it would
        # find nothing the second time.
        override.last = True
    try:
        _announce(namespace, leaving, packet)
    finally:
        disconnect(namespace, silent=True)  # an override may not have called it


def _announce(namespace: Member, leaving: Leaving, packet: Packet | None) -> None:
    """Tell the namespace that its client has left."""
    if packet is not None and not leaving.told:
        _show_disconnect(namespace, packet)
    _tell_disconnect(namespace, leaving)
    # A recv_disconnect of the application need not have called it.
    namespace.disconnect(silent=True)


def process_disconnect(namespace: Member, packet: Packet) -> Any:
    """What ``process_packet`` does with a disconnect packet."""
    leaving = leaving_of(namespace)
    if packet is leaving.packet:
        # A transaction may be tried again. An ACL does not prevent a client from
        # leaving.
        leaving.told = True
        return namespace.call_method("recv_disconnect", packet)
    if leaving.told:
        return None
    leaving.told = True
    _explain(namespace, CLIENT_LEFT)
    return namespace.call_method_with_acl("recv_disconnect", packet)


def _show_disconnect(namespace: Member, packet: Packet) -> None:
    """Pass the disconnect packet to an overridden ``process_packet``."""
    if not namespace._tgsio_overrides("process_packet"):
        return
    leaving_of(namespace).packet = packet
    try:
        namespace.socket.runner.run(namespace.process_packet, packet)
    except Interrupted:
        raise
    except FAILURES:
        where = namespace.ns_name or "/"
        log_failure(log, "Handling the disconnect packet for %s failed", where)


def _tell_disconnect(namespace: Member, leaving: Leaving) -> None:
    if leaving.told:
        return
    leaving.told = True
    packet: Packet = {"type": "disconnect", "endpoint": namespace.ns_name}
    try:
        namespace.socket.runner.run(namespace.call_method, "recv_disconnect", packet)
    except Interrupted:
        raise
    except FAILURES:
        log_failure(log, "recv_disconnect of %s failed", namespace.ns_name or "/")
