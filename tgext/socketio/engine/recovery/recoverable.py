"""One client's session in a namespace, which outlives its connection."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet, ReservedName
from ...wire.socketio.reasons import SHUTTING_DOWN
from ...wire.socketio.settled import settled_packet
from ..hub.index import name_of_user
from ..hub.roomkeys import Room, SocketRoom, UserRoom
from .client import Connection, Log
from .kept import Form, Kept, is_shared
from .missed import MissedPackets
from .places import is_joined, is_room
from .positions import Later, as_event, carries, with_position
from .record import Place, Position, Start, position_of
from .spans import Spans
from .states import RECOVERABLE, State
from .values import Values, values_of
from .weight import weight


class Recoverable:
    """A session, from its first connection until it can be recovered no more.

    :param journal: that of its namespace.
    :param user: the id of its user, who has to be the same when the client is back.
    :param offset: the position that its client gives; None if it gives none.

    :ivar pid: the secret by which the client is known when it is back.
    :ivar sid: the public id of the client's socket.
    :ivar recovered: whether the client is back.
    :ivar is_last: whether it ends with its connection.
    :ivar names_rooms: whether its namespace overrides the names of rooms.
    :ivar connection: that of the client; None while it has gone.
    :ivar values: what the application kept in the ``session`` of the connection.
    :ivar channels: the channels that the client heard, by the names it asked for.
    :ivar form: of the events of channels, for other processes.
    :ivar read_up_to: see :attr:`.Kept.read_up_to`.
    :ivar local: up to this number, its messages are kept in this process alone.
    :ivar tracked: where it was present, as :class:`.presence.Tracked` has it.
    """

    def __init__(self, journal: Log, user: object, offset: object = None) -> None:
        self._journal = journal
        self._offset = offset
        self.user = user
        self.connection: Connection | None = None
        self.weight = 0
        self.renew()

    def renew(self) -> None:
        """Be a new session: it cannot, or may not, be recovered."""
        self.pid = secrets.token_urlsafe(16)
        self.sid = secrets.token_urlsafe(15)
        self.state = State.ASKING
        self.recovered = self.is_last = self.names_rooms = False
        self.values = Values()
        self.channels: Mapping[str, str] = {}
        self.tracked: Collection[Any] = ()
        self.form: Form = (False, False)
        #: Where the session began, and up to where its client has been sent all.
        position = self._journal.position
        self.start = Start(position, position_of(self._offset))
        self.spans = Spans(position.number)
        self.local, self.read_up_to = 0, ("", 0)
        self._begun = False
        self._missed = MissedPackets(self._journal, position)

    @property
    def is_shared(self) -> bool:
        """Whether other processes can have the session."""
        return self._journal.is_shared and is_shared(self.user)

    def note(self, channels: Mapping[str, str]) -> None:
        """What the application keeps for the client may have changed.

        :param channels: those that the client hears now.
        """
        if self.state is State.IN:
            self.channels = dict(channels)
            self._journal.changed(self)

    def kept(self) -> Kept:
        """The session as other processes find it."""
        user, connection = self.user, self.connection
        assert user is None or isinstance(user, (str, int))
        return Kept(
            user,
            self.sid,
            self.start,
            max(self.spans.since, self.local),
            self.spans,
            self.values.now if connection is None else values_of(connection.session),
            self.channels,
            self.names_rooms,
            self.form,
            self.tracked,
            read_up_to=self.read_up_to,
        )

    def come_from(self, pid: str, kept: Kept, start: Position, read: Position) -> None:
        """Be the session that another process had.

        :param start: before what its client missed, which this process has numbered.
        :param read: after that.
        """
        self.pid, self.sid, self.names_rooms = pid, kept.sid, kept.names_rooms
        self.values.take(kept.values)
        self.channels, self.tracked = kept.channels, kept.tracked
        self.start = self.start._replace(position=start)
        self._missed.begin(start)
        self.spans = Spans(start.number)
        for place in kept.spans.places:
            self.spans.begin(place, start.number, read.heard)
        self.local = read.number
        self._begun = True
        self.state = State.GONE

    def __repr__(self) -> str:
        return f"<Recoverable {self.sid} {self.state.value}>"

    # A client that is back

    def find_missed(self, offset: object, connection: Connection) -> bool:
        """Find what the client missed.

        :param offset: the position that it gives; None if it has received no event.
        :returns: whether all of it is there, and is not too much.
        """
        after = self.start.reached(offset)
        self._offset = offset or self._offset
        if after is None or after.number < self.spans.since:
            return False
        self._missed.begin(after)
        return self._missed.find(self.spans, connection)

    def come_back(self, connection: Connection) -> None:
        """The client asks for the namespace again."""
        self.connection = connection
        self.state = State.ASKING
        self.recovered = True

    def start_anew(self) -> None:
        """The client may not have what it had: it is a new one."""
        self._journal.renew(self)

    def catch_up(self) -> bool:
        """Find what was sent while the client was being admitted.

        :returns: whether the client can be admitted.
        """
        if not self.recovered:
            return True
        connection = self.connection
        if connection is None or self.state is not State.ASKING:
            return False  # it has been disconnected meanwhile
        return self._missed.find(self.spans, connection)

    def take_missed(self, rooms: Collection[Place]) -> list[Encoded]:
        """Take what the client missed; it is sent at once.

        :param rooms: those that it is in, and its channels: it may have left some.
        """
        if not self.recovered and not self._begun:
            self._missed.read = position = self._journal.position
            self.start = self.start._replace(position=position)
            self.spans = Spans(position.number)
        self._begun = True
        for place in self._own:
            self.spans.begin(place, self._missed.read.number, self._journal.now.heard)
        before = self.spans.places
        left = {each for each in before if is_joined(each) and each not in rooms}
        return self._missed.take(left)

    def is_at(self, place: Place) -> bool:
        """Whether the client is, or was when it went, in a room or the like."""
        known = self.recovered or self.state is not State.ASKING
        return known and place in self.spans.places

    @property
    def rooms(self) -> list[Room]:
        """The application's rooms that the client is in."""
        places = self.spans.places
        return [each for each in places if each is not None and is_room(each)]

    def admit(self) -> None:
        """The client is in the namespace, and joins its rooms now."""
        self.state = State.IN

    def joined(self, place: Place) -> None:
        """The client has joined a room, or hears a channel."""
        if self.state is State.IN:
            number, heard = self._journal.now
            self.spans.begin(place, max(number, self._missed.read.number), heard)
            self._journal.changed(self)

    def left(self, place: Place) -> None:
        """The client has left a room or a channel, and is in the namespace still."""
        if self.state is State.IN:
            self.spans.end(place, *self._journal.now)
            self._journal.changed(self)

    def settle(self, places: Collection[Place]) -> None:
        """All rooms are joined; those of before are not, which were left since."""
        kept = {*places, *self._own}
        self.spans.keep(kept, *self._journal.now)
        self._journal.settled(self)

    @property
    def _own(self) -> list[Place]:
        """Where the client is, whatever it joins."""
        user = name_of_user(self.user)
        own: list[Place] = [SocketRoom(self.sid)]
        return own if user is None else [*own, UserRoom(user)]

    # What is sent

    @property
    def position(self) -> str:
        """Up to where the client has been sent everything."""
        inside = self.state is State.IN
        return str(self._journal.position if inside else self._missed.read)

    def emit(self, packet: Packet, hold: Callable[[Encoded], None] | None) -> None:
        """Send a packet to this client alone, and keep it.

        A client that has gone gets it when it is back, in whichever process.

        :param hold: keeps a packet for a client that is being admitted.
        :raises TypeError: when its data cannot be written as JSON.
        """
        connection = self.connection
        if self.state is State.OVER:
            return
        packet = as_event(packet)
        if self.state is State.MOVED:
            self._journal.send_on(self.sid, packet)
            return
        if self.state is State.ASKING and (hold is not None or not self.recovered):
            if hold is not None and connection is not None:
                hold(self.encode(connection, packet, logged=True))
            return
        if connection is not None:
            connection.wait_for_room()
        position = self._journal.append(SocketRoom(self.sid), packet)
        if self.connection is not None and self.state is State.IN:
            self._send(self.connection, {**packet, "position": str(position)})

    def _send(self, connection: Connection, packet: Packet) -> None:
        try:
            encoded = self.encode(connection, packet)
        except ReservedName:
            return
        connection.send_encoded(encoded, self._journal.endpoint)

    def encode(
        self, connection: Connection, packet: Packet, logged: bool = False
    ) -> Encoded:
        """Encode a packet of the namespace for the client.

        :param logged: whether the log keeps it.
        :raises TypeError: when its data cannot be written as JSON.
        """
        encode, dumps = connection.generation.encode, connection.json_dumps
        if not carries(packet):
            return encode(packet, dumps)
        if self.state is State.ASKING and not self._begun:
            if logged and packet["type"] == "event":
                args, name = packet.get("args", ()), packet["name"]
                settled = settled_packet(packet["endpoint"], name, args, dumps)
                return Later(encode(packet, dumps), settled, logged)
            return Later(encode(packet, dumps), packet, logged)
        position = packet.get("position") or self.position
        return encode(with_position(packet, position), dumps)

    def finish(self, later: Later) -> Encoded:
        """The packet that waited for its client, which is being told that it is in."""
        if not later.logged:
            return later.at(self.position)
        position = self._journal.append(SocketRoom(self.sid), later.packet)
        return later.at(str(position))

    # The end of a connection

    def go(
        self,
        connection: Connection,
        values: Values,
        channels: Mapping[str, str],
        reason: str,
    ) -> None:
        """A connection ends; nothing has been undone yet.

        No effect when the client is not in the namespace through this connection.

        :param values: those of the connection.
        :param channels: those that the client hears.
        :param reason: why the connection ends.
        """
        if self.connection is not connection:
            return
        before, self.connection = self.state, None
        new = self.is_last or (before is State.ASKING and not self.recovered)
        recovers = reason in RECOVERABLE or (reason == SHUTTING_DOWN and self.is_shared)
        if not recovers or before is State.OVER or new:
            self._journal.drop(self)
            return
        if before is State.IN:
            self.values, self.channels = values, dict(channels)
            kept = weight([self.channels, self.tracked])
            self.weight = values.weight + kept + self.spans.weight
        self.state = State.GONE
        self._missed.clear()
        self._journal.wait_for(self)

    def end(self, connection: object) -> None:
        """The client has left the namespace, or was refused: it is gone for good.

        No effect when the client is not in it through this connection.
        """
        if self.connection is connection:
            self.connection = None
            self._journal.drop(self)

    def move(self) -> None:
        """Another process has the session, or is about to take it."""
        self.state = State.MOVED

    def forget(self) -> None:
        """The client cannot recover any more."""
        self.state = State.OVER
        self._journal.drop(self)
