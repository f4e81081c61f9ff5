"""A client comes back to another process than the one that had its connection.

This process takes its session, which the other one has written where all find it, and
reads what the client missed in the log that all share. It numbers these messages anew,
as messages for this client alone. From then on the session is one of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ...wire.socketio.packet import Packet
from ..concurrency.failures import ERRORS, log_failure
from ..hub.roomkeys import ChannelRoom, SocketRoom
from ..logs import get_logger
from .away import Away
from .client import Log
from .had import Had
from .kept import Found, Kept, Shared, is_shared
from .record import Place, Position
from .recoverable import Recoverable
from .spans import NOWHERE, Spans

log = get_logger(__name__)


class Journal(Log, Protocol):
    """The journal of a namespace, as used here."""

    away: Away
    had: Had

    def keep(self, session: Recoverable, release: Callable[[], object]) -> None: ...

    def number_for(
        self, room: SocketRoom, packet: Packet, place: Place
    ) -> Position: ...


def take_over(
    journal: Journal, shared: Shared | None, pid: str, offset: Any, user: object
) -> Recoverable | None:
    """Take a session from another process, if there is one to take.

    :param shared: where it is; None if sessions are kept in their processes alone.
    :param offset: the position that its client gives.
    :param user: the id of the client's user.
    :returns: the session, whose client has gone; None if it cannot be recovered.
    """
    if shared is None or not is_shared(user):
        return None
    try:
        return _move_here(journal, shared, pid, offset, user)
    except ERRORS:
        where = journal.endpoint or "/"
        log_failure(log, "A session of %s could not be taken over", where)
        return None


def _move_here(
    journal: Journal, shared: Shared, pid: str, offset: Any, user: object
) -> Recoverable | None:
    found = shared.take(pid, user)
    kept = None if found is None else _with_its_channels(found)
    if kept is None:
        if found is not None:
            shared.forget(pid)
        return None
    session, moved = Recoverable(journal, user, offset), False
    after = kept.start.reached(offset)
    try:
        if after is not None and after.number >= kept.since:
            journal.away.begin(session, kept.spans.places)
            release = shared.hear(kept)
            if release is None:
                return None
            journal.keep(session, release)
            moved = _number_missed(journal, shared, session, pid, kept, after)
    finally:
        if not moved:
            journal.settled(session)
            shared.forget(pid)
    if not moved:
        log.info("What a client of %s missed is not there", journal.endpoint or "/")
        return None
    return session


def _with_its_channels(kept: Kept) -> Kept | None:
    """A session with the channels that its client hears.

    They were noted when an event had been handled, and may have changed since.

    :returns: None if the client had begun to subscribe to one: it may not have what a
        subscriber is sent first.
    """
    places = kept.spans.places
    names = [each for each in kept.channels if ChannelRoom(each) in places]
    if len(names) < sum(isinstance(each, ChannelRoom) for each in places):
        return None
    return kept._replace(channels={each: kept.channels[each] for each in names})


def _number_missed(
    journal: Journal,
    shared: Shared,
    session: Recoverable,
    pid: str,
    kept: Kept,
    after: Position,
) -> bool:
    """Number what the client missed; returns False if not all of it is there."""
    if not journal.away.wait(session):
        return False
    until = _now(journal)
    places = kept.spans.after(after.number)
    missed = shared.read(kept, places, after, until)
    if missed is None:
        return False
    local = [each for each in kept.local if _number_of(each) > after.number]
    # From here on nothing waits: what arrives later is numbered after this.
    since = _heard_since(journal, kept, until)
    if since is None:
        return False
    start = _now(journal)
    for place, packet in (*local, *missed.found, *since):
        journal.number_for(SocketRoom(kept.sid), packet, place)
    journal.had.note(session, after)
    session.come_from(pid, kept, start, journal.position)
    session.read_up_to = missed.up_to
    journal.changed(session)  # from now on, others can ask this process for it
    return True


def _number_of(found: Found) -> int:
    """The number of a message in the process that had it for the client."""
    return Position.read(found[1]["position"]).number


def _now(journal: Journal) -> Position:
    number, heard = journal.now
    return Position(journal.position.epoch, number, heard)


def _heard_since(journal: Journal, kept: Kept, until: Position) -> list[Found] | None:
    """What was sent to the client since this process hears its rooms.

    :returns: None if not all of it is there.
    """
    spans = Spans(until.number)
    for each in kept.spans.places:
        spans.begin(each, until.number)
    found: list[Found] = []
    missed = journal.read(spans.places, until)
    if not missed.complete:
        return None
    for number, receivers, packet, _ in missed.entries:
        place: Any = spans.place_of(receivers, number)
        if place is not NOWHERE:
            found.append((place, packet))
    return found
