"""Mixins for namespaces: rooms and broadcasts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from ...wire.socketio.packet import Packet, event_packet
from ...wire.socketio.settled import settled_packet
from ..concurrency.threads import carried
from ..hub.roomkeys import Room, check_room
from ..hub.rooms import Rooms
from ..hub.selection import Receivers
from ..logs import get_logger
from .names import Shown
from .receivers import Named, leaves_out, named, sending, without
from .roomnames import ROOMS, cross_out, note, rooms_named

log = get_logger(__name__)

if TYPE_CHECKING:
    from .base import BaseNamespace

    _Base = BaseNamespace
else:
    _Base = object


class RoomsMixin(_Base):
    """Rooms of a namespace: clients join and leave them, and events go to a room.

    ``session['rooms']`` has the names of the client's rooms. Writing it joins and
    leaves, too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session.setdefault(ROOMS, set())

    #: The rooms of the namespace that the client is in: a set of their names.
    rooms: Any = Shown("_tgsio_joined")

    @property
    def _tgsio_joined(self) -> set[Room]:
        if self._tgsio_candidate is not None:
            return set(self._tgsio_candidate.rooms)
        found = self._tgsio_rooms.rooms_of(self.ns_name, self.socket)
        return {room for room in found if room is not None}

    @property
    def _tgsio_rooms(self) -> Rooms:
        return self.socket._tgsio_rooms

    def join(self, room: Room) -> None:
        """Put the client in a room, once it is admitted to the namespace.

        With ``socketio.cluster``, it returns when this process hears the room: what
        other processes send to it from then on arrives. If the broker does not answer,
        it returns after some seconds.

        After the client has left the namespace, it has no effect.

        :raises TypeError: when the room is neither a ``str`` nor an ``int``.
        :raises ValueError: when its name has a lone surrogate, or is too long.
        :raises LimitExceeded: when its connection is in ``max_rooms`` rooms already.
        """
        self._tgsio_join(self._tgsio_key(room))

    @carried
    def _tgsio_join(self, room: Room) -> None:
        if self._tgsio_is_over():
            log.debug("A client that left %s joins no room", self.ns_name or "/")
            return
        self._tgsio_check_rooms(room)
        name = self._tgsio_name_of(room)
        names: set[Any] = self.session.setdefault(ROOMS, set())
        candidate = self._tgsio_candidate
        if candidate is None:
            self._tgsio_rooms.join(self.ns_name, room, self.socket)
        else:
            candidate.join(room)
            if name not in names:
                candidate.undoes(partial(cross_out, self, name))
        note(self, name)
        if candidate is None:
            self._tgsio_rooms.wait(self.ns_name, (room,))

    def _tgsio_check_rooms(self, room: Room) -> None:
        socket, rooms = self.socket, self._tgsio_rooms
        pending = (
            self._tgsio_candidate.rooms if self._tgsio_candidate is not None else {}
        )
        if room not in pending and room not in rooms.rooms_of(self.ns_name, socket):
            number = rooms.number({self.ns_name, *socket.active_ns}, socket)
            socket.account.check("max_rooms", number + len(pending))

    def leave(self, room: Room) -> None:
        """Take the client out of a room. If it is not in it, this has no effect.

        :raises TypeError: as :meth:`join`.
        :raises ValueError: as :meth:`join`.
        """
        self._tgsio_leave_room(self._tgsio_key(room))

    @carried
    def _tgsio_leave_room(self, room: Room) -> None:
        self._tgsio_out_of(room)
        name = self._tgsio_name_of(room)
        if not any(self._tgsio_is_in(each) for each in self._tgsio_rooms_of(name)):
            cross_out(self, name)
        if self._tgsio_candidate is None:
            self._tgsio_rooms.wait(self.ns_name, ())

    def _tgsio_out_of(self, room: Room) -> None:
        if self._tgsio_candidate is None:
            self._tgsio_rooms.leave(self.ns_name, room, self.socket)
        else:
            self._tgsio_candidate.leave(room)

    def _tgsio_is_in(self, room: Room) -> bool:
        if self._tgsio_candidate is not None:
            return room in self._tgsio_candidate.rooms
        return room in self._tgsio_rooms.rooms_of(self.ns_name, self.socket)

    # Names in session['rooms']

    def _get_room_name(self, room: Room) -> str:
        """The name of a room in ``session['rooms']``; an application may override it.

        Then rooms of the same name are one room, in all namespaces that do so.
        """
        return f"{self.ns_name}_{room}"

    @property
    def _tgsio_prefix(self) -> str:
        """What the names of rooms begin with; empty if :meth:`_get_room_name` is
        overridden: the hub knows the rooms by their names then.
        """
        own = type(self)._get_room_name is RoomsMixin._get_room_name
        return f"{self.ns_name}_" if own else ""

    def _tgsio_key(self, room: Room) -> Room:
        """A room, as the hub knows it."""
        room = check_room(room)
        if type(self)._get_room_name is RoomsMixin._get_room_name:
            return room
        return check_room(self._get_room_name(room))

    def _tgsio_name_of(self, room: Room) -> Any:
        return f"{prefix}{room}" if (prefix := self._tgsio_prefix) else room

    def _tgsio_rooms_of(self, name: object) -> tuple[Room, ...]:
        """The rooms that a name stands for."""
        prefix = self._tgsio_prefix
        if not prefix and type(name) is int:
            return (name,)
        if not isinstance(name, str) or not name.startswith(prefix):
            return ()
        found = rooms_named(name[len(prefix) :])
        return found if prefix else found[:1]

    @carried
    def _tgsio_written(
        self, added: Iterable[object], removed: Iterable[object]
    ) -> None:
        """The application wrote names into ``session['rooms']``."""
        if self._tgsio_is_over():
            return
        for name in removed:
            for room in self._tgsio_rooms_of(name):
                self._tgsio_out_of(room)
        joined: list[Room] = []
        for name in added:
            rooms = self._tgsio_rooms_of(name)
            if not rooms or any(map(self._tgsio_is_in, rooms)):
                continue
            if self._tgsio_candidate is None:
                self._tgsio_rooms.join(self.ns_name, rooms[0], self.socket)
                joined.append(rooms[0])
            else:
                self._tgsio_candidate.join(rooms[0])
        if joined:
            self._tgsio_rooms.wait(self.ns_name, joined)

    def emit_to_room(
        self,
        room: Named,
        event: str,
        *args: Any,
        volatile: bool = False,
        except_: Any = None,
        local: bool = False,
    ) -> None:
        """Send an event to all in the room except this client.

        :param room: the room; or a list or a set of rooms. Who is in several of them
            gets the event once.
        :param volatile: whether clients whose output waits are left out.
        :param except_: who is left out, too: the members of a room, a socket, a
            namespace object; or a list or a set of these.
        :param local: whether the event stays in this process.
        :raises TypeError: when a room is neither a ``str`` nor an ``int``, or an
            argument cannot be written as JSON.
        :raises ValueError: as :meth:`join`.
        """
        key_of = self._tgsio_key
        receivers = named(room, key_of)
        if except_ is not None:
            receivers = without(receivers, except_, key_of)
        packet = event_packet(self.ns_name, event, args, volatile)
        send = sending(self._tgsio_rooms, local)
        send(packet, receivers, skip=self.socket)

    def emit_to_room_on_commit(
        self,
        room: Named,
        event: str,
        *args: Any,
        except_: Any = None,
        local: bool = False,
    ) -> None:
        """Like :meth:`emit_to_room`, when the current transaction has committed.

        It is not sent when the transaction is rolled back. The arguments are copied
        now. Without transactions, it is sent at once.

        :raises TypeError: as :meth:`emit_to_room`.
        :raises ValueError: as :meth:`join`.
        """
        key_of = self._tgsio_key
        receivers = without(named(room, key_of), except_, key_of)
        packet = settled_packet(self.ns_name, event, args, self.socket.json_dumps)
        send = sending(self._tgsio_rooms, local)
        self._tgsio_on_commit(partial(send, packet, receivers, skip=self.socket))


class BroadcastMixin(_Base):
    """Events to everyone in the namespace.

    ``except_`` and ``local`` are those of :meth:`RoomsMixin.emit_to_room`.
    """

    def broadcast_event(
        self,
        event: str,
        *args: Any,
        volatile: bool = False,
        except_: Any = None,
        local: bool = False,
    ) -> None:
        """Send an event to all in the namespace, including this client.

        :param volatile: whether clients whose output waits are left out.
        :raises TypeError: as :meth:`.BaseNamespace.emit`; other clients may have
            received it. When ``except_`` is invalid, nobody has.
        :raises ValueError: as :meth:`RoomsMixin.join`, of ``except_``.
        """
        receivers = None if except_ is None else self._tgsio_all_without(except_)
        packet = event_packet(self.ns_name, event, args, volatile)
        self._tgsio_broadcast(packet, receivers, local)

    def broadcast_event_on_commit(
        self, event: str, *args: Any, except_: Any = None, local: bool = False
    ) -> None:
        """Like :meth:`broadcast_event`, when the current transaction has committed.

        It is not sent when the transaction is rolled back. The arguments are copied
        now. Without transactions, it is sent at once.

        :raises TypeError: when an argument cannot be written as JSON, or ``except_`` is
            invalid.
        :raises ValueError: as :meth:`broadcast_event`.
        """
        receivers = None if except_ is None else self._tgsio_all_without(except_)
        packet = settled_packet(self.ns_name, event, args, self.socket.json_dumps)
        self._tgsio_on_commit(self._tgsio_broadcast, packet, receivers, local)

    def _tgsio_all_without(self, except_: Any) -> Receivers:
        return without(None, except_, getattr(self, "_tgsio_key", check_room))

    def _tgsio_broadcast(
        self, packet: Packet, receivers: Receivers, local: bool
    ) -> None:
        sending(self.socket._tgsio_rooms, local)(packet, receivers)
        candidate = self._tgsio_candidate
        if candidate is None or packet.get("volatile") or self._tgsio_recovered:
            return  # a client that is back gets what it missed
        if not leaves_out(receivers, self.socket, candidate.rooms):
            candidate.send_packet(packet)  # it is not a member yet

    def broadcast_event_not_me(
        self,
        event: str,
        *args: Any,
        volatile: bool = False,
        except_: Any = None,
        local: bool = False,
    ) -> None:
        """Send an event to all in the namespace except this client.

        :param volatile: whether clients whose output waits are left out.
        :raises TypeError: as :meth:`broadcast_event`.
        :raises ValueError: as :meth:`broadcast_event`.
        """
        receivers = None if except_ is None else self._tgsio_all_without(except_)
        packet = event_packet(self.ns_name, event, args, volatile)
        send = sending(self.socket._tgsio_rooms, local)
        send(packet, receivers, skip=self.socket)

    def broadcast_event_not_me_on_commit(
        self, event: str, *args: Any, except_: Any = None, local: bool = False
    ) -> None:
        """Like :meth:`broadcast_event_not_me`, when the transaction has committed.

        See :meth:`broadcast_event_on_commit`.

        :raises TypeError: as :meth:`broadcast_event_on_commit`.
        :raises ValueError: as :meth:`broadcast_event`.
        """
        receivers = None if except_ is None else self._tgsio_all_without(except_)
        packet = settled_packet(self.ns_name, event, args, self.socket.json_dumps)
        send = sending(self.socket._tgsio_rooms, local)
        self._tgsio_on_commit(partial(send, packet, receivers, skip=self.socket))
