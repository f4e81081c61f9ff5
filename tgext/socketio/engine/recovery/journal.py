"""A namespace whose clients recover: its log, and the sessions of its clients."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ...wire.socketio.packet import Packet, event_packet
from ...wire.socketio.reasons import TRANSPORT_CLOSE
from ..concurrency.failures import ERRORS, log_failure
from ..concurrency.heartbeat import Wheel
from ..hub.delivery import Receiver
from ..hub.roomkeys import Room, SocketRoom
from ..hub.rooms import Rooms
from ..hub.selection import Receivers, Selection
from ..logs import get_logger
from .absent import dismiss, take_out
from .auth import OFFSET, pid_of
from .away import Away
from .client import Client
from .elsewhere import release, send_on
from .had import Had
from .kept import Shared
from .moving import take_over
from .receivers import given, named
from .record import Missed, Place, Position, Record
from .recoverable import Recoverable
from .spans import Mark
from .states import State
from .waiting import Waiting

log = get_logger(__name__)


class Journal:
    """What is sent in one namespace, and who can recover there.

    :param endpoint: the name of the namespace.
    :param rooms: its clients in this process.
    :param record: the log.
    :param timers: expire the sessions whose clients have gone.
    :param window: seconds for which they wait.
    :param most: the most bytes that one client is sent when it recovers.
    :param shared: keeps the sessions for other processes; None if nothing does.

    :ivar had: what clients have from other processes.
    :ivar away: hears what is sent to clients that have gone.
    :ivar position: of what was sent last in this process.
    """

    def __init__(
        self,
        endpoint: str,
        rooms: Rooms,
        record: Record,
        timers: Wheel,
        window: float,
        most: int,
        shared: Shared | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.most = most
        self._rooms = rooms
        self._record = record
        self.shared = shared
        self.position = record.now()
        self._sessions: dict[str, Recoverable] = {}
        self._waiting = Waiting(timers, window)
        self.away = Away(endpoint, rooms)
        self.had = Had()
        #: What ends the listening to channels for a client that has gone.
        self._releases: dict[Recoverable, Callable[[], object]] = {}
        #: Up to here, messages of other processes may have been lost.
        self._lost = 0

    @property
    def is_shared(self) -> bool:
        """Whether other processes can have its sessions."""
        return self.shared is not None

    @property
    def now(self) -> Mark:
        """The numbers of what was sent last, and of what was heard last."""
        return Mark(self.position.number, self._record.heard)

    def __len__(self) -> int:
        """How many sessions there are: those of connected clients, and others."""
        return len(self._sessions)

    @property
    def sessions(self) -> list[Recoverable]:
        """The sessions of connected clients, and of others."""
        return list(self._sessions.values())

    # Sessions

    def ask(self, client: Client, auth: Any, user: object) -> Recoverable:
        """The session of a client that asks for the namespace: its own, or a new one.

        May wait for the end of the connection that the client had before.

        :param auth: the client's auth payload.
        :param user: the id of the user of its connection.
        """
        pid = pid_of(auth)
        session = self._take(pid, auth.get(OFFSET), client, user) if pid else None
        if session is None:
            session = Recoverable(self, user, auth.get(OFFSET) if pid else None)
            session.connection = client
        self._sessions[session.pid] = session
        return session

    def renew(self, session: Recoverable) -> None:
        """Make a new session of one that may not be recovered."""
        self._end(session)
        session.renew()
        self._sessions[session.pid] = session

    def _take(
        self, pid: str, offset: Any, client: Client, user: object
    ) -> Recoverable | None:
        session = self._sessions.get(pid)
        if session is not None and not self._has(session):
            session = None
        if session is None:
            session = take_over(self, self.shared, pid, offset, user)
            offset = None  # what it missed is numbered anew
        if session is None:
            log.debug("A client of %s comes back too late", self.endpoint or "/")
            return None
        self._sessions[pid] = session
        if session.user != user:
            log.info(
                "A client of %s is not recovered: its user is not the one it had",
                self.endpoint or "/",
            )
            return None
        if session.connection is not None:
            # It has come back before its end was noticed.
            session.connection.kill(reason=TRANSPORT_CLOSE)
        if session.state is not State.GONE:
            return None
        self._waiting.remove(session)
        if not self._finds_missed(session, offset, client):
            return None
        session.come_back(client)
        return session

    def _has(self, session: Recoverable) -> bool:
        """Whether a session is in this process still, or what its client has is."""
        if self.shared is None or self.shared.has(session):
            return True
        self.lost_to_another(session)
        return False

    def _finds_missed(self, session: Recoverable, offset: Any, client: Client) -> bool:
        """Find what a client missed, or forget its session: all or nothing."""
        found = False
        try:
            found = session.find_missed(offset, client)
        except ERRORS:
            where = self.endpoint or "/"
            log_failure(log, "What a client of %s missed could not be read", where)
        finally:
            if not found:
                session.forget()
        return found

    def changed(self, session: Recoverable) -> None:
        """What other processes need to know of a session has changed."""
        if self.shared is not None and session.is_shared:
            self.shared.save(session)

    def flush(self) -> None:
        """Wait until other processes can know what has changed."""
        if self.shared is not None:
            self.shared.wait()

    def wait_for(self, session: Recoverable) -> None:
        """Keep a session whose client has gone."""
        # The client may be the last one of this process in its rooms.
        self.away.begin(session, [None, *session.rooms])
        self._waiting.add(session)
        self.changed(session)

    def keep(self, session: Recoverable, release: Callable[[], object]) -> None:
        """Call a function when a client that has gone is back, or will not be."""
        self._releases[session] = release

    def settled(self, session: Recoverable) -> None:
        """The client is back in its rooms, or will not be."""
        release = self._releases.pop(session, None)
        if release is not None:
            release()
        self.away.end(session)

    def lost_to_another(self, session: Recoverable) -> None:
        """Another process has a session. Does not wait for the application."""
        release(session)  # its end lets the session wait
        is_over = session.state is State.OVER
        self.drop(session)
        if not is_over:
            session.move()

    def send_on(self, sid: str, packet: Packet) -> None:
        """Send a packet to a client that is at another process by now."""
        send_on(self._rooms, sid, packet)

    # Clients that have gone

    def take_out(self, target: Place, room: Room) -> None:
        """Clients are taken out of a room; see :func:`.absent.take_out`."""
        for each in take_out(self.sessions, target, room, self.now):
            self.changed(each)
        if self.shared is not None:
            self.shared.command(target, room)

    def dismiss(self, target: Place) -> None:
        """Clients are disconnected; see :func:`.absent.dismiss`."""
        dismiss(self.sessions, target)
        if self.shared is not None:
            self.shared.command(target, None)

    def lose(self) -> None:
        """Messages of other processes may be missing that were sent up to now.

        Who has not received what was sent since cannot recover.
        """
        # A number of its own: who has all that was sent before must not seem complete.
        nowhere = SocketRoom("")
        packet = event_packet(self.endpoint, "lost", ())
        self._lost = self._append(nowhere, packet, Selection((nowhere,))).number

    def drop(self, session: Recoverable) -> None:
        """Forget a session. A second call has no effect."""
        session.state = State.OVER
        self.settled(session)
        self._waiting.remove(session)
        self._end(session)

    def _end(self, session: Recoverable) -> None:
        self._sessions.pop(session.pid, None)
        self.had.forget(session)
        if self.shared is not None:
            self.shared.remove(session)

    def close(self) -> None:
        """Forget the sessions whose clients have gone: the server stops."""
        if self.shared is not None:
            self.shared.close()
        self._waiting.clear()

    # What is sent

    def number(self, packet: Packet, room: Receivers, skip: Receiver | None) -> Packet:
        """Number a packet that is broadcast, and keep it for those who have gone.

        :param room: as :meth:`.Rooms.broadcast` takes it.
        :param skip: a socket that it is not sent to.
        :returns: the packet, with its position.
        :raises TypeError: when its data cannot be written as JSON.
        """
        if packet.get("volatile"):
            return {**packet, "position": str(self.position)}
        receivers = named(packet, room, skip, self._session_of)
        place = receivers.rooms[0] if len(receivers.rooms) == 1 else None
        position = self._append(place, packet, receivers)
        numbered: Packet = {**packet, "position": str(position)}
        left_out = [str.__str__(each) for each in receivers.without[given(room) :]]
        if left_out:
            numbered["left_out"] = left_out
        return numbered

    def append(
        self, place: Place, packet: Packet, without: tuple[Room, ...] = ()
    ) -> Position:
        """Number a packet that is delivered otherwise, and keep it.

        :param place: who gets it: one client, or those that hear a channel.
        :param without: clients of the place that do not get it.
        """
        position = self._append(place, packet, Selection((place,), without))
        if self.shared is not None and isinstance(place, SocketRoom):
            self.shared.keep(place, {**packet, "position": str(position)})
        return position

    def number_for(self, room: SocketRoom, packet: Packet, place: Place) -> Position:
        """Number a packet for one client, and keep it in this process alone.

        :param place: where the client got it, or would have.
        """
        return self._append(room, packet, Selection((place,)))

    def _append(self, topic: Place, packet: Packet, receivers: Selection) -> Position:
        self.position = position = self._record.append(topic, packet, receivers)
        return position

    def read(self, places: Collection[Place], after: Position) -> Missed:
        """What was sent to any of some places after a position."""
        missed = self._record.read(places, after)
        if after.number < self._lost:
            missed = missed._replace(complete=False)
        return missed

    # Rooms

    def _session_of(self, socket: Receiver) -> Recoverable | None:
        recovering = getattr(socket, "recovering", None)
        return None if recovering is None else recovering.get(self.endpoint)

    def _session_held_by(self, socket: Receiver) -> Recoverable | None:
        """The session of a connection, unless its client has another one by now."""
        session = self._session_of(socket)
        holder: object = None if session is None else session.connection
        return session if holder is socket else None

    def gets_otherwise(self, place: Room, socket: Receiver, heard: int) -> None:
        """A client gets what was sent to a place up to a number otherwise."""
        session = self._session_held_by(socket)
        if session is not None and session.state is State.IN:
            session.spans.hears(place, heard)
            self.changed(session)

    def reaches(self, socket: Receiver) -> bool:
        """Whether a client gets what is sent now.

        One that is being admitted does not: if it comes back, it has missed this.
        """
        session = self._session_held_by(socket)
        return session is not None and session.state is State.IN

    def may_return(self, socket: Receiver) -> bool:
        """Whether the client of a connection that has ended may be back."""
        session = self._session_of(socket)
        return session is not None and session.state is not State.OVER

    def joined(self, room: Room | None, socket: Receiver) -> None:
        """A client has joined a room, or hears a channel."""
        session = self._session_held_by(socket)
        if session is not None:
            session.joined(room)

    def left(self, room: Room | None, socket: Receiver) -> None:
        """A client has left a room or a channel, and is in the namespace still."""
        session = self._session_held_by(socket)
        if session is not None:
            session.left(room)
