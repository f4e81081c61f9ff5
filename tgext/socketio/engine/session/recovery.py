"""Clients that come back to a namespace: their sessions, from their way in to the end.

A client that is back goes the whole way in. What it had is restored after the checks
that come first, and before ``initialize``; what it missed is sent when it is admitted.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from typing import Any

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet
from ...wire.socketio.reasons import SLOW_CONSUMER
from ..hub.roomkeys import ChannelRoom
from ..namespaces.base import BaseNamespace
from ..recovery.auth import pid_of
from ..recovery.journal import Journal
from ..recovery.positions import Later
from ..recovery.record import Place
from ..recovery.recoverable import Recoverable
from ..recovery.states import State
from ..recovery.values import Values
from .connection import Connection
from .factories import Factory


def session_for(
    socket: Connection, packet: Packet, factory: Factory
) -> Recoverable | None:
    """The session of a client that asks for a namespace; None if it cannot recover.

    May wait for the end of the connection that the client had before.

    :param packet: the client's connect packet.
    :param factory: the class of the namespace.
    """
    if not getattr(factory, "_tgsio_recovers", False):
        return None
    endpoint, auth = packet["endpoint"], packet.get("data")
    journal = _journal_of(socket, endpoint)
    if journal is None or not socket.generation.recovers:
        return None
    session = journal.ask(socket, auth, socket.runner.user)
    socket.recovering = {**(socket.recovering or {}), endpoint: session}
    return session


def count(socket: Connection, packet: Packet, recovered: bool) -> None:
    """Count a client that is admitted, if it wanted to recover.

    :param packet: its connect packet.
    """
    if recovered or pid_of(packet.get("data")):
        socket.hub.counts.recoveries["recovered" if recovered else "new"] += 1


def _journal_of(socket: Connection, endpoint: str) -> Journal | None:
    """The journal of a namespace. Every generation's messages are kept there."""
    rooms = socket._tgsio_rooms
    journal = rooms.journals.get(endpoint)
    if journal is None and rooms.make_journal is not None:
        journal = rooms.journals[endpoint] = rooms.make_journal(endpoint)
    assert journal is None or isinstance(journal, Journal)
    return journal


def restore(socket: Connection, namespace: BaseNamespace, session: Recoverable) -> None:
    """Give a client that is back what it had.

    All or nothing: if it may not hear one of its channels any more, it is a new client.
    """
    if not session.recovered:
        return
    if not namespace._tgsio_hears_again(session.channels):
        session.start_anew()
        return
    if _values_in(socket) is None:  # else it has them, and may have changed them
        session.values.restore(socket.session)
    candidate = namespace._tgsio_candidate
    join = getattr(namespace, "_tgsio_join", None)
    for room in session.rooms:
        if join is not None:
            join(room)
        elif candidate is not None:
            candidate.join(room)
    # A mixin may come after the base class, which has no such method therefore.
    track = getattr(namespace, "_tgsio_track_again", None)
    if track is not None:
        track(session.tracked)


def _values_in(socket: Connection) -> Values | None:
    """The values that a connection has from one that its client had before."""
    sessions = (socket.recovering or {}).values()
    found = (each.values for each in sessions if each.values.are_in(socket.session))
    return next(found, None)


def _channels_of(namespace: BaseNamespace | None) -> Set[Place]:
    """The channels that a client hears, as places of the log."""
    heard = () if namespace is None else namespace._tgsio_asked_channels
    return {ChannelRoom(each) for each in heard}


def missed_by(
    namespace: BaseNamespace | None, session: Recoverable, rooms: Collection[Place]
) -> list[Encoded]:
    """Take what a client missed, except in what it has left since.

    :param rooms: those that it is in.
    """
    return session.take_missed({*rooms, *_channels_of(namespace)})


def admit(namespace: BaseNamespace, session: Recoverable | None) -> None:
    """The client is in the namespace, and joins its rooms now."""
    if session is not None:
        session.admit()
        for each in _channels_of(namespace):
            session.joined(each)


def settle(
    socket: Connection, namespace: BaseNamespace, session: Recoverable | None
) -> None:
    """The client is in its rooms."""
    if session is not None:
        rooms = socket._tgsio_rooms.rooms_of(namespace.ns_name, socket)
        session.settle({*rooms, *_channels_of(namespace)})
        note(socket)


def catch_up(socket: Connection, session: Recoverable) -> bool:
    """Find what was sent while a client was being admitted.

    If that is too much, its connection ends: it is a new client when it is back.
    """
    if session.catch_up():
        return True
    session.end(socket)
    socket.kill(reason=SLOW_CONSUMER)
    return False


def finished(encoded: Encoded, session: Recoverable | None) -> Encoded:
    """A packet that waited for its client, with the position that holds now."""
    if session is not None and type(encoded) is Later:
        return session.finish(encoded)
    return encoded


def forget(socket: Connection, session: Recoverable) -> None:
    """The client was refused."""
    session.end(socket)
    sessions = socket.recovering or {}
    socket.recovering = {
        endpoint: each for endpoint, each in sessions.items() if each is not session
    } or None


def note(socket: Connection) -> None:
    """An event was handled: what a namespace keeps may have changed."""
    for endpoint, session in (socket.recovering or {}).items():
        namespace = socket.active_ns.get(endpoint)
        if (
            namespace is not None
            and session.is_shared
            and not namespace._tgsio_is_subscribing
        ):
            session.names_rooms = _names_rooms(namespace)
            session.tracked = _tracked_by(namespace)
            session.form = namespace._tgsio_channel_form
            session.note(namespace._tgsio_asked_channels)


def _names_rooms(namespace: BaseNamespace | None) -> bool:
    """Whether a namespace overrides the names of rooms."""
    return getattr(namespace, "_tgsio_prefix", None) == ""


def leave_behind(socket: Connection, reason: str) -> None:
    """The connection ends: its client may come back, and recover its sessions."""
    if not socket.recovering:
        return
    values = _values_in(socket) or Values()
    if all(each.state is State.ASKING for each in socket.recovering.values()):
        values.revert()
    else:
        values.keep(socket.session)
    for endpoint, session in socket.recovering.items():
        namespace = socket.active_ns.get(endpoint)
        was_in = session.state is State.IN and session.connection is socket
        if namespace is not None and was_in:
            _keep(namespace, session)
        channels = {} if namespace is None else namespace._tgsio_asked_channels
        session.names_rooms = _names_rooms(namespace)
        session.go(socket, values, channels, reason)
        journal = _journal_of(socket, endpoint)
        if namespace is not None and was_in and session.state is State.GONE:
            assert journal is not None
            journal.keep(session, namespace._tgsio_keep_channels())


def _keep(namespace: BaseNamespace, session: Recoverable) -> None:
    """Keep what a client has in its namespace beside its rooms and channels."""
    session.tracked = _tracked_by(namespace)
    if namespace._tgsio_is_subscribing:
        session.is_last = True  # it does not have all that a subscriber is sent first


def _tracked_by(namespace: BaseNamespace) -> Collection[Any]:
    """Where the client of a namespace is present."""
    return getattr(namespace, "_tgsio_tracked", ())
