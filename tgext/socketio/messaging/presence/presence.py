"""Presence in the rooms of one controller: its sockets here, and those elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from typing import Any, Final, NamedTuple, Protocol

import gevent
from gevent.event import Event

from ...engine.concurrency.clock import follow, monotonic
from ...engine.concurrency.failures import ERRORS
from ...engine.concurrency.fairness import in_turns
from ...engine.hub.delivery import Receiver
from ...engine.hub.roomkeys import Room
from ...engine.hub.rooms import Rooms
from ...engine.logs import get_logger
from .announcer import Announcer
from .members import Entry, Info, Topic
from .replica import Replica

log = get_logger(__name__)

#: Seconds in which changes are collected before clients are told.
INTERVAL: Final = 0.05

#: Telling clients takes at most one such part of the time.
SHARE: Final = 10

#: Seconds for which clients are told nothing, at most.
LONGEST_PAUSE: Final = 2.0


class Sharing(Protocol):
    """Tells the other processes what changes in the replica."""

    def wake(self) -> None:
        """The replica has changed."""

    def close(self) -> None:
        """Tell the last changes, and stop."""


class Tracked(NamedTuple):
    """Where a client is present: JSON can carry it.

    :param room: the room; None for the namespace.
    :param user: the member that it belongs to.
    :param info: what is told about it.
    :param inside: whether it is in the room, too.
    """

    room: Room | None
    user: str
    info: Info
    inside: bool


class _Tracked:
    """What one client is present in.

    :ivar linger: seconds for which its members wait for another socket when it ends.
    :ivar alone: whether no other client but this one can have its member.
    :ivar references: its entries, by room.
    """

    __slots__ = ("alone", "linger", "references")

    def __init__(self) -> None:
        self.linger = 0.0
        self.alone = False
        self.references: dict[Room | None, int] = {}


class Presence:
    """Who is in the rooms of a controller.

    It watches the rooms: a client that leaves a room is not present in it any more, and
    one whose connection ends is present until its time to come back is over.

    :param rooms: those of the controller.
    :param now: returns the time in seconds.

    :ivar replica: the entries of this process and of the others.
    :ivar sharing: tells the others; None in an application of one process.
    """

    def __init__(self, rooms: Rooms, now: Callable[[], float] = monotonic) -> None:
        # Higher than all numbers that this process had before.
        self.replica = Replica(time.time_ns() // 1000)
        self.sharing: Sharing | None = None
        self._rooms = rooms
        self._now = now
        self._members = self.replica.members
        self._announcer = Announcer(rooms, self._members)
        self._tracked: dict[tuple[Receiver, str], _Tracked] = {}
        self._greenlet: Any = None
        self._woken = Event()
        follow(self)
        #: The time before which clients are told nothing.
        self._tell_at = 0.0

    def statistics(self) -> tuple[int, int, int]:
        """The number of entries of this process, of clients, and of what they heard."""
        heard = self._announcer.statistics()
        return len(self.replica.own), len(self._tracked), heard

    # What namespaces ask for

    def track(
        self,
        topic: Topic,
        socket: Receiver,
        user: str,
        info: Info,
        linger: float,
        alone: bool = False,
    ) -> None:
        """Make a client present in a topic, or change what is told about it.

        :param linger: seconds for which its member waits for another socket.
        :param alone: whether no other client can have the member: it waits only for
            this one, if that may recover.
        """
        endpoint, room = topic
        tracked = self._tracked.get((socket, endpoint))
        if tracked is None:
            tracked = self._tracked[socket, endpoint] = _Tracked()
        tracked.linger, tracked.alone = linger, alone
        entry = Entry(topic, user, info)
        reference = tracked.references.get(room)
        if reference is None:
            tracked.references[room] = self.replica.add(entry)
            self._announcer.add(topic, socket)
        else:
            self.replica.replace(reference, entry)
        self.changed()

    def untrack(self, topic: Topic, socket: Receiver) -> None:
        """Let a client be present in a topic no more."""
        endpoint, room = topic
        tracked = self._tracked.get((socket, endpoint))
        reference = None if tracked is None else tracked.references.pop(room, None)
        if tracked is None or reference is None:
            return
        if not tracked.references:
            del self._tracked[socket, endpoint]
        self.replica.remove(reference)
        self._announcer.discard(topic, socket)
        self.changed()

    def rooms_of(self, endpoint: str, socket: Receiver) -> Set[Room | None]:
        """The rooms of a namespace that a client is present in."""
        tracked = self._tracked.get((socket, endpoint))
        return frozenset() if tracked is None else tracked.references.keys()

    def tracked(self, endpoint: str, socket: Receiver) -> list[Tracked]:
        """Where a client of a namespace is present."""
        tracked = self._tracked.get((socket, endpoint))
        if tracked is None:
            return []
        rooms, own = self._rooms.rooms_of(endpoint, socket), self.replica.own
        entries = [(room, own[each]) for room, each in tracked.references.items()]
        return [
            Tracked(room, entry.user, entry.info, room in rooms)
            for room, entry in entries
        ]

    def present(self, topic: Topic) -> dict[str, list[Info]]:
        """The members of a topic, with all entries of each; copies.

        Of many members, it lets other greenlets run.
        """
        return self._members.copy(topic)

    # Watching the rooms

    def came(self, endpoint: str, room: Room | None, socket: Receiver) -> None:
        self._announcer.came((endpoint, room))
        self._wake_if_pending()

    def left(self, endpoint: str, room: Room | None, socket: Receiver) -> None:
        topic = (endpoint, room)
        self.untrack(topic, socket)
        self._announcer.left(topic, socket)

    def left_all(self, endpoint: str, socket: Receiver) -> None:
        tracked = self._tracked.pop((socket, endpoint), None)
        if tracked is None:
            return
        lingers = tracked.linger and (
            not tracked.alone or self._may_return(endpoint, socket)
        )
        until, ended = self._now() + tracked.linger, time.time()
        for room, reference in in_turns(list(tracked.references.items())):
            if lingers:
                self.replica.linger(reference, until, ended)
            else:
                self.replica.remove(reference)
            self._announcer.discard((endpoint, room), socket)
        self.changed()

    def _may_return(self, endpoint: str, socket: Receiver) -> bool:
        journal = self._rooms.journals.get(endpoint)
        return journal is not None and journal.may_return(socket)

    # Telling

    def changed(self) -> None:
        """The replica has changed: the others and the clients are told soon."""
        if self.sharing is not None:
            self.sharing.wake()
        self.wake()

    def wake(self) -> None:
        """The clients are told soon, and entries end when their time is over."""
        self._woken.set()
        if self._greenlet is None:
            self._tell_at = max(self._tell_at, self._now() + INTERVAL)
            self._greenlet = gevent.spawn(self._run)

    def clock_moved(self) -> None:
        """Do what is due now."""
        self._woken.set()

    def _wake_if_pending(self) -> None:
        if self._announcer.pending:
            self.wake()

    def _run(self) -> None:
        """Do what is due, until nothing is left to do."""
        while (wait := self._next()) is not None:
            if wait > 0:
                self._woken.clear()
                self._woken.wait(wait)
            try:
                self._do_what_is_due(self._now())
            except ERRORS:
                log.exception("Presence failed")
                gevent.sleep(LONGEST_PAUSE)
        self._greenlet = None

    def _do_what_is_due(self, now: float) -> None:
        self.replica.expire(now)
        if self.sharing is not None and self.replica.unsent:
            self.sharing.wake()
        if self._announcer.pending and now >= self._tell_at:
            try:
                self._announcer.announce()
            finally:
                ended = self._now()
                # Others ran meanwhile, and count too: a busy process tells less often.
                pause = max(INTERVAL, (ended - now) * SHARE)
                self._tell_at = ended + min(pause, LONGEST_PAUSE)

    def _next(self) -> float | None:
        """Seconds until something is due; None for never."""
        due = []
        if self._announcer.pending:
            due.append(self._tell_at)
        if self.replica.next_end is not None:
            due.append(self.replica.next_end)
        return max(0.0, min(due) - self._now()) if due else None

    def close(self) -> None:
        """Stop: the server does, and its clients have gone."""
        if self.sharing is not None:
            self.sharing.close()
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
            self._greenlet = None
