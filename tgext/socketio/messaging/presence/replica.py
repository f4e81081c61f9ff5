"""Presence without input and output: time and messages are arguments.

Each process keeps the entries of its own sockets and numbers their changes. The others
apply them in the order of the numbers. One that finds a gap doubts what it knows of
that process, and reads the whole again; until it has, it keeps what it knows, and the
changes that arrive.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from itertools import count
from typing import NamedTuple

from ...engine.concurrency.fairness import in_turns
from .members import Entry, Members

#: Changes that are kept while the whole is being read. After more, it is read again.
KEPT = 1000

#: Maps each entry that changed to what it is now; None when it is gone.
Changes = dict[int, Entry | None]


class Batch(NamedTuple):
    """Changes of one process.

    :ivar number: that of this batch; the one before has the number before.
    """

    number: int
    changes: Changes


class Whole(NamedTuple):
    """All entries of one process.

    :ivar number: that of the last batch that it contains.
    """

    number: int
    entries: dict[int, Entry]


class _Peer:
    """What is known of another process.

    :ivar number: that of the last batch that was applied; -1 before the first whole.
    :ivar later: batches that wait for those before them, or for the whole.
    :ivar seen: the highest number that was heard of.
    :ivar doubted: whether its whole has to be read.
    :ivar busy: whether its entries are being changed, in turns with other greenlets.
    :ivar gone: whether it was forgotten meanwhile.
    """

    __slots__ = ("busy", "doubted", "entries", "gone", "later", "number", "seen")

    def __init__(self) -> None:
        self.number = self.seen = -1
        self.entries: dict[int, Entry] = {}
        self.later: dict[int, Changes] = {}
        self.doubted = True
        self.busy = self.gone = False


class Replica:
    """The entries of this process, and what it knows of those of the others.

    :param number: that of the last batch of this process: higher than those that the
        same process had before, if it begins anew.

    :ivar members: the members that follow from these entries.
    :ivar own: the entries of this process, by their references.
    :ivar number: that of the last batch of this process.
    """

    def __init__(self, number: int = 0) -> None:
        self.members = Members()
        self.own: dict[int, Entry] = {}
        self.number = number
        self._references = count(1)
        self._unsent: dict[int, None] = {}
        self._peers: dict[str, _Peer] = {}
        #: Entries that end by themselves: the time, a tie-breaker, the process (empty
        #: for this one), the reference.
        self._ending: list[tuple[float, int, str, int]] = []
        self._ties = count()

    # The entries of this process

    def add(self, entry: Entry) -> int:
        """Add an entry of this process; returns its reference."""
        reference = next(self._references)
        self.own[reference] = entry
        self.members.add(entry)
        self._unsent[reference] = None
        return reference

    def replace(self, reference: int, entry: Entry) -> None:
        """Replace an entry of this process. No effect when it is gone."""
        old = self.own.get(reference)
        if old is not None:
            self.members.remove(old)
            self.members.add(entry)
            self.own[reference] = entry
            self._unsent[reference] = None
            self._note_end("", reference, entry)

    def remove(self, reference: int) -> None:
        """Remove an entry of this process. No effect when it is gone."""
        entry = self.own.pop(reference, None)
        if entry is not None:
            self.members.remove(entry)
            self._unsent[reference] = None

    def linger(self, reference: int, until: float, ended: float = 0.0) -> None:
        """Keep an entry whose socket has gone, for some time.

        :param until: the time at which the entry ends.
        :param ended: the time at which the socket ended, by a clock that processes
            share.
        """
        entry = self.own.get(reference)
        if entry is not None:
            rest = Entry(entry.topic, entry.user, entry.info, until, ended)
            self.replace(reference, rest)

    @property
    def unsent(self) -> int:
        """The number of entries whose changes were not taken for the others."""
        return len(self._unsent)

    def take(self, most: int) -> Batch:
        """The next batch of changes for the other processes.

        :param most: the largest number of changes in it.
        """
        self.number += 1
        changes: Changes = {}
        while self._unsent and len(changes) < most:
            reference, _ = self._unsent.popitem()
            changes[reference] = self.own.get(reference)
        return Batch(self.number, changes)

    def whole(self) -> Whole:
        """All entries of this process: at least those that batches have had."""
        return Whole(self.number, dict(self.own))

    # Those of the others

    @property
    def peers(self) -> list[str]:
        """The processes that something is known of."""
        return list(self._peers)

    @property
    def doubted(self) -> list[str]:
        """The processes whose whole has to be read."""
        return [name for name, each in self._peers.items() if each.doubted]

    def doubt(self, name: str) -> None:
        """Note that what is known of a process may be wrong."""
        self._peer(name).doubted = True

    def heartbeat(self, name: str, number: int) -> None:
        """A process told the number of its last batch."""
        peer = self._peer(name)
        peer.seen = max(peer.seen, number)
        if number > peer.number and not peer.busy:
            peer.doubted = True

    def hear(self, name: str, batch: Batch) -> None:
        """A batch of a process has arrived, perhaps late or a second time."""
        peer = self._peer(name)
        peer.seen = max(peer.seen, batch.number)
        if batch.number <= peer.number:
            return
        if len(peer.later) >= KEPT:
            peer.later.clear()
        peer.later[batch.number] = batch.changes
        if peer.number >= 0 and not peer.busy:
            self._apply_later(name, peer)
        if peer.later:
            peer.doubted = True

    def load(self, name: str, whole: Whole) -> None:
        """Take over the whole of a process; lets other greenlets run meanwhile.

        A whole that is older than what is known is not taken: the process stays
        doubted.
        """
        peer = self._peer(name)
        if peer.busy or whole.number < peer.number:
            return
        peer.busy = True
        try:
            gone = peer.entries.keys() - whole.entries.keys()
            for reference in in_turns(list(gone)):
                self._set(name, peer, reference, None)
            for reference, entry in in_turns(list(whole.entries.items())):
                known = peer.entries.get(reference)
                if known is None or not _equal(known, entry):
                    self._set(name, peer, reference, entry)
        finally:
            peer.busy = False
        if peer.gone:
            self.forget(name)
            return
        peer.number = whole.number
        self._apply_later(name, peer)
        # Batches that were told before the whole was read, and lost, are in it.
        peer.doubted = bool(peer.later) or peer.seen > peer.number

    def forget(self, name: str) -> None:
        """A process is gone, and its entries with it; lets other greenlets run.

        Entries that end soon stay: their sockets have ended, and their users may be on
        the way back to another process.
        """
        peer = self._peers.get(name)
        if peer is None:
            return
        peer.gone = peer.busy
        if peer.busy:
            return
        peer.number = peer.seen = -1
        peer.later.clear()
        peer.doubted, peer.busy = False, True
        try:
            for reference, entry in in_turns(list(peer.entries.items())):
                if not entry.until:
                    self._set(name, peer, reference, None)
        finally:
            peer.busy = False
        self._tidy(name, peer)

    def _tidy(self, name: str, peer: _Peer) -> None:
        """Forget a process that is gone, with its last entry."""
        if not (peer.entries or peer.doubted or peer.busy) and peer.number < 0:
            del self._peers[name]

    def _peer(self, name: str) -> _Peer:
        peer = self._peers.get(name)
        if peer is None:
            peer = self._peers[name] = _Peer()
        return peer

    def _apply_later(self, name: str, peer: _Peer) -> None:
        for number in [each for each in peer.later if each <= peer.number]:
            del peer.later[number]
        while peer.number + 1 in peer.later:
            peer.number += 1
            for reference, entry in peer.later.pop(peer.number).items():
                self._set(name, peer, reference, entry)

    def _set(self, name: str, peer: _Peer, reference: int, entry: Entry | None) -> None:
        old = peer.entries.pop(reference, None)
        if old is not None:
            self.members.remove(old)
        if entry is not None:
            peer.entries[reference] = entry
            self.members.add(entry)
            self._note_end(name, reference, entry)

    # Time

    def _note_end(self, name: str, reference: int, entry: Entry) -> None:
        if entry.until:
            item = (entry.until, next(self._ties), name, reference)
            heapq.heappush(self._ending, item)

    @property
    def next_end(self) -> float | None:
        """The time at which :meth:`expire` has something to do; None for never."""
        return self._ending[0][0] if self._ending else None

    def expire(self, now: float) -> None:
        """Remove the entries whose time is over."""
        while self._ending and self._ending[0][0] <= now:
            until, _, name, reference = heapq.heappop(self._ending)
            if not name:
                if _ends(self.own, reference, until):
                    self.remove(reference)
                continue
            peer = self._peers.get(name)
            if peer is not None and _ends(peer.entries, reference, until):
                self._set(name, peer, reference, None)
                self._tidy(name, peer)


def _ends(entries: Mapping[int, Entry], reference: int, until: float) -> bool:
    entry = entries.get(reference)
    return entry is not None and entry.until == until


def _equal(one: Entry, other: Entry) -> bool:
    """Whether two entries are the same, whenever they end."""
    return (
        one.topic == other.topic
        and one.user == other.user
        and bool(one.until) == bool(other.until)
        and one.ended == other.ended
        and one.info == other.info
    )


def all_of(processes: Iterable[Whole]) -> Members:
    """The members of several processes, when each was read as a whole."""
    members = Members()
    for whole in processes:
        for entry in in_turns(list(whole.entries.values())):
            members.add(entry)
    return members
