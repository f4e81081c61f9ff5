"""The members of namespaces and rooms in this process, and packets to all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from operator import attrgetter, methodcaller
from typing import Any, NamedTuple

from ...wire.socketio.packet import Packet, text_of_name
from ..concurrency.fairness import in_turns
from ..concurrency.threads import get_ident, home
from ..io.batcher import Batcher
from ..logs import get_logger
from .bus import Bus
from .delivery import Receiver, deliver
from .index import Index
from .observers import Journal, Watcher
from .roomkeys import ChannelRoom, OwnRoom, Room, SocketRoom, UserRoom
from .selection import Receivers, Selection

log = get_logger(__name__)

Key = tuple[str, "Room | None"]


class RoomStatistics(NamedTuple):
    """How much :class:`Rooms` keeps.

    :ivar rooms: rooms with members, including those of whole namespaces.
    :ivar receivers: sockets that are in a room, counted once for each namespace.
    """

    rooms: int
    receivers: int


class Rooms:
    """The members of each namespace, and of each room in it.

    The room ``None`` is the namespace itself: all clients that are connected to it.
    A :class:`UserRoom` or :class:`SocketRoom` has the sockets of a user, or that of an
    id. Nobody joins or leaves these.

    :param batcher: coalesces the output of broadcasts.

    :ivar bus: carries broadcasts to other processes, if there are any.
    :ivar watchers: are told who comes and leaves; see :meth:`watch`.
    :ivar name: of their controller, the same in every process.
    :ivar mounted: the namespaces of their controller.
    :ivar others: the other processes, for what is done with sockets in all of them; see
        ``engine/namespaces/targets.py``.
    :ivar attached: what others keep with the rooms, as long as there are these.
    :ivar home: the thread that serves the members.
    :ivar journals: of the namespaces whose clients recover, by ``make_journal``.
    """

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self.bus: Bus | None = None
        self.watchers: tuple[Watcher, ...] = ()
        self.name = ""
        self.mounted: tuple[str, ...] = ()
        self.others: Any = None
        self.attached: dict[Any, Any] = {}
        self.home = home()
        self.journals: dict[str, Journal] = {}
        self.make_journal: Callable[[str], Journal] | None = None
        self._members: dict[Key, dict[Receiver, None]] = {}
        self._rooms: dict[tuple[Receiver, str], set[Room | None]] = {}
        #: Of the namespaces whose users, or ids, have been asked for.
        self._indices: dict[tuple[str, type[OwnRoom]], Index[Receiver]] = {}

    def statistics(self) -> RoomStatistics:
        """How much is kept now."""
        return RoomStatistics(len(self._members), len(self._rooms))

    def close(self) -> None:
        """The server stops."""
        for each in (*self.journals.values(), *self.watchers, self.bus):
            if each is not None:
                each.close()
        self.watchers = ()
        self.bus = self.others = None

    def move_here(self) -> None:
        """Let the calling thread serve the members from now on."""
        self.home = home()

    def watch(self, watcher: Watcher) -> None:
        """Let somebody be told who comes to rooms from now on, and who leaves them."""
        self.watchers = (*self.watchers, watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """The end of a :meth:`watch`."""
        self.watchers = tuple(each for each in self.watchers if each is not watcher)

    def join(self, endpoint: str, room: Room | None, socket: Receiver) -> None:
        """Add a socket. No effect when it is in the room, or has ended."""
        if socket.ended:
            log.debug("A connection that ended joins no room: %s", socket)
            return
        key = (endpoint, room)
        members = self._members.get(key)
        if members is None:
            members = self._members[key] = {}
            if self.bus is not None:
                self.bus.listen(endpoint, room)
        members[socket] = None
        self._rooms.setdefault((socket, endpoint), set()).add(room)
        if room is None and self._indices:
            for index in self._indices_of(endpoint):
                index.add(socket)
        for watcher in self.watchers:
            watcher.came(endpoint, room, socket)
        if self.journals and endpoint in self.journals:
            self.journals[endpoint].joined(room, socket)

    def leave(self, endpoint: str, room: Room | None, socket: Receiver) -> None:
        """Remove a socket. No effect when it is not in the room."""
        self._remove((endpoint, room), socket)
        if self.journals and endpoint in self.journals:
            self.journals[endpoint].left(room, socket)

    def leave_all(self, endpoint: str, socket: Receiver) -> None:
        """Remove a socket from a namespace and all its rooms."""
        for watcher in self.watchers:
            watcher.left_all(endpoint, socket)
        rooms = self._rooms.get((socket, endpoint))
        if rooms is not None:
            for room in in_turns(list(rooms)):
                self._remove((endpoint, room), socket)

    def number(self, endpoints: Iterable[str], socket: Receiver) -> int:
        """How many rooms a socket is in; the namespaces themselves do not count."""
        found = [self.rooms_of(each, socket) for each in endpoints]
        return sum(len(each) - (None in each) for each in found)

    def rooms_of(self, endpoint: str, socket: Receiver) -> Set[Room | None]:
        """The rooms that a socket is in; ``None`` is the namespace itself."""
        return self._rooms.get((socket, endpoint), frozenset())

    def occupied(self) -> list[Key]:
        """The namespaces and rooms that have members."""
        return list(self._members)

    def endpoints(self) -> list[str]:
        """The namespaces that have members."""
        return [endpoint for endpoint, room in self._members if room is None]

    def wait(self, endpoint: str, rooms: Iterable[Room | None]) -> None:
        """Wait until other processes know of rooms that were joined.

        What they send arrives then, and clients can recover their rooms there.
        """
        if self.bus is not None:
            self.bus.wait(endpoint, rooms)
            if endpoint in self.journals:
                self.journals[endpoint].flush()

    def members(self, endpoint: str, room: Receivers = None) -> list[Receiver]:
        """The sockets in a room, in the order in which they joined.

        Those of a :class:`.Selection` are in the order of its rooms.
        """
        if room is not None and isinstance(room, (OwnRoom, Selection)):
            return list(self._find(endpoint, room))
        return list(self._members.get((endpoint, room), ()))

    def _find(self, endpoint: str, room: OwnRoom | Selection) -> Iterable[Receiver]:
        if isinstance(room, ChannelRoom):
            return ()
        if isinstance(room, OwnRoom):
            return self._index(endpoint, type(room)).find(str.__str__(room))
        found: dict[Receiver, None] = {}
        for each in room.rooms:
            found |= dict.fromkeys(self.members(endpoint, each))
        left_out = [*room.skip]
        for each in room.without:
            left_out += self.members(endpoint, each)
        for socket in left_out:
            found.pop(socket, None)
        return found

    def broadcast(
        self, packet: Packet, room: Receivers = None, skip: Receiver | None = None
    ) -> None:
        """Send a packet to all members of a room, in every process.

        :param packet: its ``endpoint`` is the namespace.
        :param room: the room; None for the whole namespace; or a :class:`.Selection`.
        :param skip: a socket that the packet is not sent to.
        :raises TypeError: when the name of the event is neither a text nor a number;
            the packet is sent to no one then. Also when :func:`deliver` raises it.
        """
        name = packet.get("name", "")
        if type(name) is not str:
            packet = {**packet, "name": text_of_name(name)}
        if get_ident() != self.home.ident:
            self.home.ask(self.broadcast, packet, room, skip)
            return
        packet = self._numbered(packet, room, skip)
        try:
            self.deliver(packet, room, skip)
        finally:
            if self.bus is not None:
                self.bus.publish(packet, room)

    def hear(
        self, packet: Packet, room: Receivers = None, skip: Receiver | None = None
    ) -> None:
        """Deliver a packet of this or of another process; see :meth:`broadcast`."""
        journal = self.journals.get(packet["endpoint"])
        if journal is not None:
            room = journal.had.lacking(packet, room)
        self.deliver(self._numbered(packet, room, skip), room, skip)

    def _numbered(
        self, packet: Packet, room: Receivers, skip: Receiver | None
    ) -> Packet:
        journal = self.journals.get(packet["endpoint"])
        return packet if journal is None else journal.number(packet, room, skip)

    def broadcast_here(
        self, packet: Packet, room: Receivers = None, skip: Receiver | None = None
    ) -> None:
        """Like :meth:`broadcast`, but to the members in this process alone."""
        packet = {**packet, "name": text_of_name(packet.get("name", ""))}
        if get_ident() != self.home.ident:
            self.home.ask(self.broadcast_here, packet, room, skip)
        else:
            self.hear(packet, room, skip)

    def deliver(
        self, packet: Packet, room: Receivers = None, skip: Receiver | None = None
    ) -> None:
        """Send a packet to a room, and keep it for nobody."""
        members = self.members(packet["endpoint"], room)
        if skip is not None and skip in members:
            members.remove(skip)
        deliver(members, packet, self._batcher)

    def deliver_to(self, sockets: Iterable[Receiver], packet: Packet) -> None:
        """Send a packet to some of the members; see :func:`deliver`."""
        deliver(sockets, packet, self._batcher)

    def _remove(self, key: Key, socket: Receiver) -> None:
        members = self._members.get(key)
        if members is None or socket not in members:
            return
        del members[socket]
        endpoint, room = key
        if not members:
            del self._members[key]
            if self.bus is not None:
                self.bus.unlisten(endpoint, room)
        if room is None and self._indices:
            for index in self._indices_of(endpoint):
                index.discard(socket)
        rooms = self._rooms[socket, endpoint]
        rooms.discard(room)
        if not rooms:
            del self._rooms[socket, endpoint]
        for watcher in self.watchers:
            watcher.left(endpoint, room, socket)

    def _indices_of(self, endpoint: str) -> Iterable[Index[Receiver]]:
        found = (self._indices.get((endpoint, kind)) for kind in (UserRoom, SocketRoom))
        return [each for each in found if each is not None]

    def _index(self, endpoint: str, kind: type[OwnRoom]) -> Index[Receiver]:
        index = self._indices.get((endpoint, kind))
        if index is None:
            key_of = (
                attrgetter("_tgsio_user")
                if kind is UserRoom
                else methodcaller("_tgsio_id_in", endpoint)
            )
            # Measured: an index costs 300 bytes for each socket. Rooms of all users and
            # ids would cost each of them 680, whether anybody asks for them or not.
            members = self._members.get((endpoint, None), ())
            index = self._indices[endpoint, kind] = Index(key_of, members)
        return index
