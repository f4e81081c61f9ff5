"""Clients that are at another process: what this one has of them, and still does."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from gevent import Greenlet

from ...wire.socketio.packet import Packet
from ...wire.socketio.reasons import TRANSPORT_CLOSE
from ..concurrency.failures import ERRORS
from ..hub.roomkeys import SocketRoom
from ..logs import get_logger
from .client import Connection
from .kept import Found
from .record import Missed, Place, Position, Start

log = get_logger(__name__)


class Session(Protocol):
    """A session, as used here."""

    sid: str
    start: Start
    local: int
    connection: Connection | None


class Journal(Protocol):
    """The journal of a namespace."""

    def read(self, places: Collection[Place], after: Position) -> Missed: ...


class Rooms(Protocol):
    """Reaches the clients of all processes."""

    def broadcast(self, packet: Packet, room: SocketRoom) -> None: ...


def release(session: Session) -> Greenlet[..., Any] | None:
    """Let the connection of a client end.

    Does not wait for the application, whose handlers may run for long.

    :returns: what runs while it ends; None if it has ended.
    """
    connection = session.connection
    return None if connection is None else connection._tgsio_give_up(TRANSPORT_CLOSE)


def kept_here(journal: Journal, session: Session) -> list[Found] | None:
    """What is kept for a client in this process alone, each with its position.

    It is what its client missed before it came here, and may not have received yet.

    :returns: None if not all of it is there.
    """
    if not session.local:
        return []
    start = session.start.position
    missed = journal.read([SocketRoom(session.sid)], start)
    found: list[Found] = []
    for number, receivers, packet, heard in missed.entries:
        if number <= session.local:
            position = str(Position(start.epoch, number, heard))
            found.append((receivers.rooms[0], {**packet, "position": position}))
    return found if missed.complete else None


def send_on(rooms: Rooms, sid: str, packet: Packet) -> None:
    """Send a packet to a client, from a handler that still runs here.

    :param sid: its public id.
    :raises TypeError: when its data cannot be written as JSON.
    """
    try:
        rooms.broadcast(packet, SocketRoom(sid))
    except TypeError:
        raise
    except ERRORS as error:
        log.warning(
            "An event for a client of %s, which is at another process, is lost: %s",
            packet["endpoint"] or "/",
            error,
        )
