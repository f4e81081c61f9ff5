"""Users, rooms and sockets of a namespace, as objects to send to and to act on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, overload

import gevent
from gevent import Greenlet

from ...wire.json import Dumps
from ...wire.socketio.packet import Packet, event_packet, text_of_name
from ...wire.socketio.reasons import SERVER_LEFT
from ...wire.socketio.settled import settled_packet
from ..concurrency.threads import get_ident
from ..hub.roomkeys import Room, check_room, socket_room, user_room
from ..hub.rooms import Rooms
from ..hub.selection import Receivers
from .client import Client
from .commands import Command, obey
from .gathering import Answers, Gathering
from .names import Shown
from .receivers import KeyOf, without

#: Seconds to wait for acks with ``ack=True``.
PATIENCE: Final = 10.0

#: The longest time to wait for acks.
LONGEST: Final = 3600.0


class Others(Protocol):
    """The other processes, which do with their sockets what is done here."""

    def command(self, endpoint: str, room: Room | None, command: Command) -> None:
        """Let them do it; waits some seconds at most."""

    def count(self, endpoint: str, room: Room | None) -> int:
        """How many sockets of a room they have."""

    def gather(self, packet: Packet, room: Room | None, seconds: float) -> Answers:
        """Let them ask their sockets for acks, and wait for the answers."""


class Reach(Others, Protocol):
    """How the sockets of a target are reached, here and in the other processes."""

    def broadcast(self, packet: Packet, room: Receivers) -> None:
        """Send a packet to a room."""


class Here:
    """Reaches the sockets of this process, and through it those of the others.

    :param rooms: those of this process.
    """

    def __init__(self, rooms: Sequence[Rooms]) -> None:
        self._rooms = rooms

    def broadcast(self, packet: Packet, room: Receivers) -> None:
        """Send a packet to a room."""
        for each in self._rooms:
            each.broadcast(packet, room)

    def command(self, endpoint: str, room: Room | None, command: Command) -> None:
        """Do something with the sockets of a room, in each process."""
        for each in self._rooms:
            _at_home(each, _command, each, endpoint, room, command)

    def count(self, endpoint: str, room: Room | None) -> int:
        """How many sockets of a room there are, in all processes."""
        return sum(_at_home(each, _count, each, endpoint, room) for each in self._rooms)

    def gather(self, packet: Packet, room: Room | None, seconds: float) -> Answers:
        """Ask the sockets of a room for acks, in all processes."""
        if not self._rooms:
            return Answers({}, [])
        first = self._rooms[0]
        answers: Answers = _at_home(first, _gather, self._rooms, packet, room, seconds)
        return answers


def _at_home(rooms: Rooms, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in the thread that serves the members of rooms."""
    if get_ident() == rooms.home.ident:
        return function(*args)
    return rooms.home.ask(function, *args)


def _command(rooms: Rooms, endpoint: str, room: Room | None, command: Command) -> None:
    try:
        obey(rooms, endpoint, room, command)
    finally:
        if rooms.others is not None:
            rooms.others.command(endpoint, room, command)


def _count(rooms: Rooms, endpoint: str, room: Room | None) -> int:
    number = len(rooms.members(endpoint, room))
    if rooms.others is not None:
        number += rooms.others.count(endpoint, room)
    return number


def _gather(
    all_rooms: Sequence[Rooms], packet: Packet, room: Room | None, seconds: float
) -> Answers:
    elsewhere: list[Greenlet[..., Answers]] = [
        gevent.spawn(each.others.gather, packet, room, seconds)
        for each in all_rooms
        if each.others is not None
    ]
    try:
        with Gathering() as here:
            for each in all_rooms:
                here.ask(each, packet, room)
            answers, missing = here.wait(seconds)
        for other in elsewhere:
            more, gone = other.get()
            answers.update(more)
            missing += gone
        return Answers(answers, missing)
    finally:
        gevent.killall(elsewhere, block=False)


class Target:
    """The sockets of a user, of a room, or of an id, in one namespace.

    They may be connected to any process with ``socketio.cluster``. Clients that are
    still being admitted to the namespace are not among them.

    :param endpoint: the name of the namespace.
    :param room: the key of the room, the user or the id.
    :param reach: finds out how the sockets are reached.
    :param dumps: the application's JSON writer.
    :param on_commit: calls a function when the transaction has committed.
    :param key_of: makes the key of a room of its name, for ``except_``.
    """

    def __init__(
        self,
        endpoint: str,
        room: Room,
        reach: Callable[[], Reach],
        dumps: Dumps,
        on_commit: Callable[..., object],
        key_of: KeyOf = check_room,
    ) -> None:
        self._endpoint = endpoint
        self._room = room
        self._reach = reach
        self._dumps = dumps
        self._on_commit = on_commit
        self._key_of = key_of

    def __repr__(self) -> str:
        return f"<Target {self._room!r} of {self._endpoint or '/'}>"

    @overload
    def emit(
        self,
        event: str,
        *args: Any,
        ack: None = None,
        volatile: bool = False,
        except_: Any = None,
    ) -> None: ...

    @overload
    def emit(self, event: str, *args: Any, ack: float) -> Answers: ...

    def emit(
        self,
        event: str,
        *args: Any,
        ack: float | None = None,
        volatile: bool = False,
        except_: Any = None,
    ) -> Answers | None:
        """Send an event to all sockets of the target.

        :param ack: seconds to wait for the acks of all of them; True for 10 seconds.
        :param volatile: whether clients whose output waits are left out.
        :param except_: who is left out, too: the members of a room, a socket, a
            namespace object; or a list or a set of these.
        :returns: with ``ack``, the :class:`.Answers`: ``answers`` by the ids of the
            sockets, and the ids that are ``missing``; else None.
        :raises TypeError: when an argument cannot be written as JSON, or ``except_`` is
            invalid. Without ``ack``, also when it has bytes and a receiver is a 0.9
            client; the other clients get the event.
        :raises ValueError: when ``ack`` is not more than 0 and at most 3600, or comes
            with ``volatile`` or ``except_``.
        :raises BackendError: when the broker does not accept the event.
        """
        if ack is None:
            packet = event_packet(self._endpoint, text_of_name(event), args, volatile)
            receivers = without(self._room, except_, self._key_of)
            self._reach().broadcast(packet, receivers)
            return None
        seconds = PATIENCE if ack is True else ack
        if not 0 < seconds <= LONGEST:
            text = f"ack is {ack!r}: give the seconds to wait"
            raise ValueError(f"{text}, more than 0 and at most {LONGEST:g}")
        if volatile:
            raise ValueError("a volatile event has no ack: none comes if it is lost")
        if except_ is not None:
            raise ValueError("with ack, all sockets are asked: except_ has no effect")
        packet = settled_packet(self._endpoint, event, args, self._dumps)
        return self._reach().gather(packet, self._room, seconds)

    def emit_on_commit(self, event: str, *args: Any, except_: Any = None) -> None:
        """Like :meth:`emit`, when the current transaction has committed.

        It is not sent when the transaction is rolled back. The arguments are copied
        now. Without transactions, it is sent at once.

        :raises TypeError: when an argument cannot be written as JSON, or ``except_`` is
            invalid.
        """
        receivers = without(self._room, except_, self._key_of)
        packet = settled_packet(self._endpoint, event, args, self._dumps)
        self._on_commit(self._reach().broadcast, packet, receivers)

    def count(self) -> int:
        """How many sockets the target has now, in all processes.

        :raises BackendError: when the broker does not accept the question.
        """
        return self._reach().count(self._endpoint, self._room)

    def join(self, room: Room) -> None:
        """Put all sockets of the target in a room.

        When it returns, those of other processes are in it too, unless a process does
        not answer within 5 seconds, or the broker carries no answers.

        :raises TypeError: when the room is neither a ``str`` nor an ``int``.
        :raises ValueError: when its name has a lone surrogate, or is too long.
        :raises BackendError: when the broker does not accept the command.
        """
        self._command(Command("join", check_room(room)))

    def leave(self, room: Room) -> None:
        """Take all sockets of the target out of a room; see :meth:`join`.

        :raises TypeError: as :meth:`join`.
        :raises ValueError: as :meth:`join`.
        :raises BackendError: as :meth:`join`.
        """
        self._command(Command("leave", check_room(room)))

    def disconnect(self, reason: str = SERVER_LEFT) -> None:
        """Disconnect all sockets of the target from the namespace, soon.

        The clients are told. ``recv_disconnect`` is called as always.

        :param reason: their ``disconnect_reason``; the clients do not get it.
        :raises TypeError: when the reason is not a ``str``.
        :raises BackendError: as :meth:`join`.
        """
        if not isinstance(reason, str):
            raise TypeError(f"a reason is a str, not {type(reason).__name__}")
        self._command(Command("disconnect", reason))

    def _command(self, command: Command) -> None:
        self._reach().command(self._endpoint, self._room, command)


class Targets:
    """Users, rooms and sockets of the namespace that the client is in.

    :ivar id: the public id of the client in the namespace; 3.x and 4.x clients know it
        as ``socket.id``.
    """

    ns_name: str
    socket: Client
    id: Any = Shown("_tgsio_id")
    _tgsio_on_commit: Callable[..., object]

    @property
    def _tgsio_id(self) -> str:
        return self.socket._tgsio_id_in(self.ns_name)

    def user(self, name: object) -> Target:
        """The sockets of a user in the namespace, those of this client included.

        :param name: ``repoze.who.userid`` of the identity.
        :raises TypeError: when it is neither a ``str`` nor an ``int``.
        :raises ValueError: when it has a lone surrogate, or is too long.
        """
        return self._tgsio_target(user_room(name))

    def room(self, name: Room) -> Target:
        """The sockets in a room of the namespace, this client included.

        :raises TypeError: when the room is neither a ``str`` nor an ``int``.
        :raises ValueError: when its name has a lone surrogate, or is too long.
        """
        key = getattr(self, "_tgsio_key", check_room)
        return self._tgsio_target(key(name))

    def socket_by_id(self, sid: str) -> Target:
        """The socket with a public id in the namespace, ``id`` of its namespace.

        :raises TypeError: when it is not a ``str``.
        :raises ValueError: when it has a lone surrogate, or is too long.
        """
        return self._tgsio_target(socket_room(sid))

    def _tgsio_target(self, room: Room) -> Target:
        here = Here([self.socket._tgsio_rooms])
        dumps = self.socket.json_dumps
        later, key_of = self._tgsio_on_commit, getattr(self, "_tgsio_key", check_room)
        return Target(self.ns_name, room, lambda: here, dumps, later, key_of)
