"""The sessions of a namespace, written where all processes find them.

A process writes what has changed: sessions, and messages for one client alone. Sessions
that it does not renew expire.

Consistency: a session is as it was some milliseconds before its process was killed. One
process has it at a time. A process that finds that another one has taken a session ends
its own connection of the client.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

from gevent import GreenletExit

from ...backends.errors import BackendError, KeyInUse
from ...engine.concurrency.failures import ERRORS, log_failure
from ...engine.hub.bus import Bus
from ...engine.hub.roomkeys import Room, SocketRoom
from ...engine.logs import get_logger
from ...engine.recovery.elsewhere import kept_here, release
from ...engine.recovery.kept import Kept, Read
from ...engine.recovery.record import Missed, Place, Position
from ...engine.recovery.recoverable import Recoverable
from ...engine.recovery.states import State
from ...wire.escape import escape
from ...wire.limits import MAX_LOG
from ...wire.socketio.packet import Packet
from ..peers import Peers
from ..sealed import BusMessageError
from ..throttle import ThrottledWarnings
from .hearing import Hearing
from .records import MOST, SessionRecords, name_of
from .saving import Saving
from .sharedlog import SharedLog, Written
from .writer import Writer

log = get_logger(__name__)

#: Seconds for which somebody waits for a write, and for another process.
PATIENCE: Final = 3.0

#: Seconds for which a session that another process asks for waits for the application:
#: ``recv_disconnect`` has usually returned before ``recv_connect`` is called there.
_MOMENT: Final = 0.5

#: Messages for one client that wait to be written, and their characters. With more, the
#: clients that they are for can recover in this process only.
_MOST_WAITING: Final = 10_000
_MOST_WAITING_SIZE: Final = MAX_LOG


class Journal(Protocol):
    """The journal of the namespace.

    :ivar position: what was sent last in this process.
    """

    position: Position

    def read(self, places: Collection[Place], after: Position) -> Missed:
        """What was sent in this process after a position."""

    def lost_to_another(self, session: Recoverable) -> None:
        """Another process has a session. Does not block."""


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
    :param returned: functions that are called when Redis is back.
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
        returned: list[Callable[[], object]],
    ) -> None:
        self._kind = kind
        self._records = records
        self._log = shared
        self._peers = peers
        self._hearing = Hearing(endpoint, bus, peers.channels)
        self._endpoint = endpoint
        self._window = window
        self.journal: Journal | None = None
        self._epoch = ""
        #: Positions before this number are of an earlier epoch of the log.
        self._since = 0
        self._saving = Saving(records, self._prepare, self._find_taken, window, lasting)
        #: What is to be written into the log, in order, and its characters.
        self._entries: deque[Written] = deque()
        self._size = 0
        self._warnings = ThrottledWarnings(log)
        self._writer = Writer(self._write, endpoint or "/", lasting / 10)
        peers.answer(self._question, self._give)
        # It may have lost what was written last.
        self._returned = returned
        returned.append(self._saving.doubt)

    @property
    def _question(self) -> str:
        return f"session {self._kind}"

    @property
    def is_behind(self) -> bool:
        """Whether others may find sessions as they were before."""
        return self._writer.is_behind

    def has(self, session: Recoverable) -> bool:
        """Whether no other process has taken a session; see :meth:`.Shared.has`."""
        name = self._saving.name_of(session)
        try:
            owner = None if name is None else self._records.owner(name)
        except BackendError as error:
            log.info("A session of %s is taken for its own: %s", self._endpoint, error)
            return True
        return owner in (None, self._peers.id)

    # What changes

    def save(self, session: Recoverable) -> None:
        """A session has changed; see :meth:`.Shared.save`."""
        self._saving.save(session)
        self._wake()

    def remove(self, session: Recoverable) -> None:
        """A session is no more; see :meth:`.Shared.remove`."""
        self._saving.remove(session)
        self._wake()

    def forget(self, pid: str) -> None:
        """Remove a session that was taken; see :meth:`.Shared.forget`."""
        self._saving.forget(pid)
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
        self._saving.save_all()
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
        if self._entries or self._saving.has_changed:
            self._writer.wake()

    def wait(self) -> None:
        """Wait until what has changed is written; see :meth:`.Shared.wait`."""
        if self._entries or self._saving.has_changed:
            self._writer.wait(PATIENCE)

    def close(self) -> None:
        """Write what has changed, and end; see :meth:`.Shared.close`."""
        self._peers.on(self._question, _ignore)
        if self._saving.doubt in self._returned:
            self._returned.remove(self._saving.doubt)
        self._writer.close(PATIENCE)

    def _write(self) -> None:
        # Messages first: who finds a session finds what was sent before it.
        for _ in range(len(self._entries)):
            if self._entries:  # else they were too many meanwhile
                self._write_entry(self._entries.popleft())
        self._note_epoch()
        self._saving.write(self._since, self._epoch)

    def _write_entry(self, entry: Written) -> None:
        self._size -= len(entry.text)
        try:
            self._log.append(entry)
        except KeyInUse as error:
            text = f"A message of {self._endpoint or '/'} is not kept: {escape(error)}"
            self._warnings.warn("key", text)
            self._keep_here(entry)
        except (BackendError, GreenletExit):
            self._entries.appendleft(entry)
            self._size += len(entry.text)
            raise
        except ERRORS:
            log_failure(log, "A message of %s was not kept", self._endpoint or "/")
            self._keep_here(entry)

    def _keep_here(self, entry: Written) -> None:
        """A message is in this process alone: so is its client, until it has it."""
        assert self.journal is not None
        if entry.sid:
            self._saving.keep_here(entry.sid, self.journal.position.number)

    def _note_epoch(self) -> None:
        epoch = self._log.epoch
        if epoch != self._epoch:
            if self._epoch:
                self._begin()
                self._saving.save_all()
            self._epoch = epoch

    def _prepare(self, session: Recoverable) -> None:
        """Note since when this process hears the places of a client."""
        places = list(session.spans.places)
        self._hearing.wait(places)
        for place in places:
            session.spans.hears(place, self._hearing.since(place))

    def _find_taken(self, session: Recoverable) -> None:
        """Another process has taken a session, and did not reach this one."""
        where = self._endpoint or "/"
        self._warnings.warn(
            "taken",
            f"A client of {where} went to another process, which could not ask this one"
            " for its session: what was emitted to it here since then may be lost",
        )
        self._lose_to_another(session)

    def _lose_to_another(self, session: Recoverable) -> None:
        self._saving.drop(session)
        if self.journal is not None:
            self.journal.lost_to_another(session)

    # Giving and taking

    def _give(self, name: Any) -> list[str] | None:
        """Give a session to another process, which asks for it.

        :returns: messages for the client that are in this process alone; None if the
            session is not.
        """
        session = self._saving.named(name)
        if session is None or session.state is State.MOVED:
            self.wait()  # it may have been dismissed, or another asked for it before
            return None
        ending, messages = release(session), []
        if session.state is State.GONE:
            messages = self._local_messages(session)
            session.move()
            self.save(session)
        if ending is not None:
            ending.join(_MOMENT)
        self._hearing.flush()
        self.wait()
        self._lose_to_another(session)
        return messages

    def _local_messages(self, session: Recoverable) -> list[str]:
        """What is in this process alone, if that is not too much for a message."""
        assert self.journal is not None
        found = kept_here(self.journal, session)
        texts = [self._log.message(session.sid, each) for each in found or ()]
        if found is None or sum(map(len, texts)) > MOST:
            return []
        session.local = 0
        return texts

    def take(self, pid: str, user: object) -> Kept | None:
        """Take a session; see :meth:`.Shared.take`."""
        try:
            return self._take(name_of(pid), user)
        except (BackendError, BusMessageError) as error:
            where = self._endpoint or "/"
            log.warning("A client of %s cannot recover now: %s", where, escape(error))
            return None

    def _take(self, name: str, user: object) -> Kept | None:
        owner = self._records.find(name, user)
        if owner is None or owner == self._peers.id:
            return None
        texts: Any = []
        try:
            # It writes the session once more. What it sent is in the log then, and is
            # not heard here later.
            texts = self._peers.ask_one(owner, self._question, name, PATIENCE)
        except LookupError:
            pass  # it was killed, or has lost Redis
        if not isinstance(texts, list):
            return None
        self.wait()
        kept = self._records.take(name, owner, user, self._window)
        if kept is None:
            return None
        local = [self._log.read_message(kept.sid, each) for each in texts]
        return kept._replace(local=local)

    def hear(self, kept: Kept) -> Callable[[], object] | None:
        """Hear the channels of a client; see :meth:`.Shared.hear`."""
        return self._hearing.begin(kept, self.journal)

    def read(
        self, kept: Kept, places: Collection[Place], after: Position, until: Position
    ) -> Read | None:
        """What was sent to a client; see :meth:`.Shared.read`."""
        self._hearing.flush()  # what this process sent before is in the log then
        try:
            return self._log.read(kept, places, after, until, self._hearing.since)
        except BackendError as error:
            log.warning("What clients missed cannot be read now: %s", error)
            return None


def _ignore(peer: str, data: Any) -> None:
    """Questions after the end."""
