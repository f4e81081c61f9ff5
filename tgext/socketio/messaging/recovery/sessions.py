"""The sessions of a namespace, written where all processes find them.

A process writes what has changed: sessions, and messages for one client alone. Sessions
that it does not renew expire.

Consistency: a session is as it was some milliseconds before its process was killed. One
process has it at a time. A process that finds that another one has taken a session ends
its own connection of the client.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

from gevent import GreenletExit

from ...backends.errors import BackendError
from ...engine.concurrency.failures import ERRORS, log_failure
from ...engine.hub.bus import Bus
from ...engine.hub.roomkeys import Room, SocketRoom
from ...engine.logs import get_logger
from ...engine.recovery.kept import Found, Kept
from ...engine.recovery.record import Place, Position
from ...engine.recovery.recoverable import Recoverable, State
from ...wire.limits import MAX_LOG
from ...wire.socketio.packet import Packet
from ..peers import Peers
from .hearing import Hearing
from .records import SessionRecords, name_of
from .sharedlog import SharedLog, Written
from .writer import Writer

log = get_logger(__name__)

#: Sessions that are written at once.
_AT_ONCE: Final = 100

#: Seconds for which somebody waits for a write, and for another process.
PATIENCE: Final = 3.0

#: Messages for one client that wait to be written, and their characters. With more, the
#: clients that they are for can recover in this process only.
_MOST_WAITING: Final = 10_000
_MOST_WAITING_SIZE: Final = MAX_LOG


class Journal(Protocol):
    """The journal of the namespace.

    :ivar position: what was sent last in this process.
    """

    position: Position

    def release(self, session: Recoverable) -> None:
        """End the connection of a client that is at another process now."""

    def lost_to_another(self, session: Recoverable) -> None:
        """Another process has a session."""


class SharedSessions:
    """The sessions of one namespace; see :class:`.kept.Shared`.

    :param kind: names the namespace among all of an application.
    :param records: where sessions are written.
    :param shared: the log that all processes share.
    :param peers: the other processes.
    :param bus: hears what they send.
    :param endpoint: the name of the namespace.
    :param window: seconds for which the session of a client that has gone is kept.
    :param lasting: those for which that of a connected client is.
    """

    def __init__(
        self,
        kind: str,
        records: SessionRecords,
        shared: SharedLog,
        peers: Peers,
        bus: Bus,
        endpoint: str,
        window: float,
        lasting: float,
    ) -> None:
        self._kind = kind
        self._records = records
        self._log = shared
        self._peers = peers
        self._hearing = Hearing(endpoint, bus, peers.channels)
        self._endpoint = endpoint
        self._window = window
        self._lasting = lasting
        self.journal: Journal | None = None
        self._epoch = ""
        #: Positions before this number are of an earlier epoch of the log.
        self._since = 0
        self._names: dict[Recoverable, str] = {}
        self._by_name: dict[str, Recoverable] = {}
        self._changed: dict[Recoverable, None] = {}
        #: Sessions of connected clients, by when they were written.
        self._written: OrderedDict[Recoverable, float] = OrderedDict()
        self._removed: dict[str, None] = {}
        #: What is to be written into the log, in order, and its characters.
        self._entries: deque[Written] = deque()
        self._size = 0
        self._writer = Writer(self._write, endpoint or "/", lasting / 10)
        peers.answer(self._question, self._give)

    @property
    def _question(self) -> str:
        return f"session {self._kind}"

    @property
    def is_behind(self) -> bool:
        """Whether others may find sessions as they were before."""
        return self._writer.is_behind

    def has(self, session: Recoverable) -> bool:
        """Whether no other process has taken a session; see :meth:`.Shared.has`."""
        name = self._names.get(session)
        try:
            owner = None if name is None else self._records.owner(name)
        except BackendError as error:
            log.info("A session of %s is taken for its own: %s", self._endpoint, error)
            return True
        return owner in (None, self._peers.id)

    # What changes

    def save(self, session: Recoverable) -> None:
        """A session has changed; see :meth:`.Shared.save`."""
        if session not in self._names:
            name = name_of(session.pid)
            self._names[session] = name
            self._by_name[name] = session
        self._changed[session] = None
        self._wake()

    def remove(self, session: Recoverable) -> None:
        """A session is no more; see :meth:`.Shared.remove`."""
        if (name := self._drop(session)) is not None:
            self._removed[name] = None
            self._wake()

    def _drop(self, session: Recoverable) -> str | None:
        name = self._names.pop(session, None)
        if name is not None:
            del self._by_name[name]
            self._changed.pop(session, None)
            self._written.pop(session, None)
        return name

    def forget(self, pid: str) -> None:
        """Remove a session that was taken; see :meth:`.Shared.forget`."""
        self._removed[name_of(pid)] = None
        self._wake()

    def keep(self, room: SocketRoom, packet: Packet) -> None:
        """Keep a packet for one client; see :meth:`.Shared.keep`."""
        # Text: the application may change its values.
        self._append(self._log.packet(room, packet))

    def command(self, target: Place, room: Room | None) -> None:
        """Clients are taken out of a room; see :meth:`.Shared.command`."""
        self._append(self._log.command(target, room))

    def _append(self, entry: Written) -> None:
        if len(self._entries) >= _MOST_WAITING or self._size > _MOST_WAITING_SIZE:
            self._lose()
        self._entries.append(entry)
        self._size += len(entry.text)
        self._wake()

    def _lose(self) -> None:
        """Who has not received what was sent up to now cannot recover elsewhere."""
        self._entries.clear()
        self._size = 0
        self._begin()
        self._changed.update(dict.fromkeys(self._names))
        log.warning(
            "Messages for single clients of %s cannot be written as fast as they are "
            "sent: until they have received them, clients recover in this process only",
            self._endpoint or "/",
        )

    def _begin(self) -> None:
        assert self.journal is not None
        self._since = self.journal.position.number + 1

    # Writing

    def _wake(self) -> None:
        self._writer.wake()

    def wait(self) -> None:
        """Wait until what has changed is written; see :meth:`.Shared.wait`."""
        if self._changed or self._entries or self._removed:
            self._writer.wait(PATIENCE)

    def close(self) -> None:
        """Write what has changed, and end; see :meth:`.Shared.close`."""
        self._peers.on(self._question, _ignore)
        self._writer.close(PATIENCE)

    def _renew(self) -> None:
        """Write those again that were written long ago."""
        due = time.monotonic() - self._lasting / 3
        while self._written:
            session, written = next(iter(self._written.items()))
            if written > due:
                return
            del self._written[session]
            self._changed[session] = None

    def _write(self) -> None:
        self._renew()
        # Messages first: who finds a session finds what was sent before it.
        for _ in range(len(self._entries)):
            if self._entries:  # else they were too many meanwhile
                self._write_entry(self._entries.popleft())
        self._note_epoch()
        while self._removed:
            names = list(self._removed)[:_AT_ONCE]
            self._records.remove(names)
            for name in names:
                self._removed.pop(name, None)
        changed = list(self._changed)
        for first in range(0, len(changed), _AT_ONCE):
            self._write_some(changed[first : first + _AT_ONCE])

    def _write_entry(self, entry: Written) -> None:
        self._size -= len(entry.text)
        try:
            self._log.append(entry)
        except (BackendError, GreenletExit):
            self._entries.appendleft(entry)
            self._size += len(entry.text)
            raise
        except ERRORS:
            log_failure(log, "A message of %s was not kept", self._endpoint or "/")

    def _note_epoch(self) -> None:
        epoch = self._log.epoch
        if epoch != self._epoch:
            if self._epoch:
                self._begin()
                self._changed.update(dict.fromkeys(self._names))
            self._epoch = epoch

    def _write_some(self, sessions: list[Recoverable]) -> None:
        there: dict[str, str] = {}
        gone: dict[str, str] = {}
        for each in sessions:
            self._changed.pop(each, None)
            name = self._names.get(each)
            if name is not None and each.state in (State.IN, State.GONE):
                text = self._text_of(each, name)
                if text is None:
                    self._removed[name] = None
                else:
                    (there if each.state is State.IN else gone)[name] = text
        try:
            taken = [
                *(self._records.write(there, self._lasting) if there else ()),
                *(self._records.write(gone, self._window) if gone else ()),
            ]
        except BaseException:
            self._changed.update(dict.fromkeys(sessions))
            raise
        now = time.monotonic()
        for name in there:
            if name in self._by_name:
                self._written[self._by_name[name]] = now
        for name in taken:
            self._lose_to_another(name)

    def _text_of(self, session: Recoverable, name: str) -> str | None:
        places = list(session.spans.places)
        self._hearing.wait(places)
        for place in places:
            session.spans.hears(place, self._hearing.since(place))
        return self._records.text_of(name, session, self._since, self._epoch)

    def _lose_to_another(self, name: str) -> None:
        session = self._by_name.get(name)
        if session is not None and self.journal is not None:
            self._drop(session)
            self.journal.lost_to_another(session)

    # Giving and taking

    def _give(self, name: Any) -> bool:
        """Give a session to another process, which asks for it."""
        session = self._by_name.get(name)
        if session is None or self.journal is None:
            self.wait()  # it may have been dismissed
            return False
        self.journal.release(session)
        if session.state is State.GONE:
            self.save(session)
        self._hearing.flush()
        self.wait()
        self._lose_to_another(name)
        return True

    def take(self, pid: str, user: object) -> Kept | None:
        """Take a session; see :meth:`.Shared.take`."""
        try:
            return self._take(name_of(pid), user)
        except BackendError as error:
            where = self._endpoint or "/"
            log.warning("A client of %s cannot recover now: %s", where, error)
            return None

    def _take(self, name: str, user: object) -> Kept | None:
        owner = self._records.find(name, user)
        if owner is None or owner == self._peers.id:
            return None
        try:
            # It writes the session once more. What it sent is in the log then, and is
            # not heard here later.
            if self._peers.ask_one(owner, self._question, name, PATIENCE) is not True:
                return None
        except LookupError:
            pass  # it was killed, or has lost Redis
        self.wait()
        return self._records.take(name, owner, user, self._window)

    def hear(self, kept: Kept) -> Callable[[], object] | None:
        """Hear the channels of a client; see :meth:`.Shared.hear`."""
        return self._hearing.begin(kept, self.journal)

    def read(
        self, kept: Kept, places: Collection[Place], after: Position, until: Position
    ) -> list[Found] | None:
        """What was sent to a client; see :meth:`.Shared.read`."""
        self._hearing.flush()  # what this process sent before is in the log then
        try:
            return self._log.read(kept, places, after, until, self._hearing.since)
        except BackendError as error:
            log.warning("What clients missed cannot be read now: %s", error)
            return None


def _ignore(peer: str, data: Any) -> None:
    """Questions after the end."""
