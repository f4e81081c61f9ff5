"""Sending events to a namespace from elsewhere: a page, a job, a signal handler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, cast

from tg import config

from .engine.concurrency.interruption import sheltered
from .engine.concurrency.threads import is_serving, where_served
from .engine.hub.roomkeys import Room, check_room, socket_room, user_room
from .engine.hub.rooms import Rooms
from .engine.hub.selection import Receivers
from .engine.namespaces.receivers import Named, Sending, named, without
from .engine.namespaces.targets import Here, Reach, Target
from .engine.session.session import Socket
from .messaging.cluster import is_clustered
from .messaging.distant import Distant
from .messaging.presence.shared import present_elsewhere, present_in
from .request.context import current
from .request.jsonify import dumps
from .request.transactions import on_commit
from .testing.posted import MARK
from .wire.socketio.packet import Packet, event_packet, text_of_name
from .wire.socketio.settled import settled_packet

__all__ = ["NamespaceHandle"]


class NamespaceHandle:
    """Sends to all clients of one namespace.

    In a page, an event or a job of an application, these are the clients of that
    application; elsewhere, those of all applications.

    :param endpoint: the name of the namespace: ``'/chat'``, ``''`` for the main one.
    :param rooms: those of this process that may have clients in the namespace, each
        with the ``id`` of the configuration of its application.
    :param names: of the controllers that have the namespace, for the other processes;
        an empty name for all controllers.
    :param settings: the configuration of the servers, for a process without one; by
        default it is that of the application.
    """

    def __init__(
        self,
        endpoint: str,
        rooms: Mapping[Rooms, int],
        names: Sequence[str],
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._rooms = rooms
        self._names = names
        self._settings = settings

    def __repr__(self) -> str:
        return f"<NamespaceHandle {self.endpoint or '/'}>"

    @property
    def sockets(self) -> list[Socket]:
        """The connections of this process that are in the namespace now."""
        found = (each.members(self.endpoint) for each in self._reached())
        members = chain.from_iterable(found)
        return cast("list[Socket]", list(members))

    def emit(
        self,
        event: str,
        *args: Any,
        volatile: bool = False,
        except_: Any = None,
        local: bool = False,
    ) -> None:
        """Send an event to all in the namespace.

        :param volatile: whether clients whose output waits are left out.
        :param except_: who is left out, too: the members of a room, a socket, a
            namespace object; or a list or a set of these.
        :param local: whether the event stays in this process.
        :raises TypeError: when an argument cannot be written as JSON, or ``except_`` is
            invalid. Also when it has bytes and a receiver is a 0.9 client; the other
            clients get the event.
        :raises ValueError: as :meth:`emit_to_room`, of ``except_``.
        :raises LookupError: when this process has no server, and its application or the
            ``settings`` of the handle name no broker that leads to one.
        :raises BackendError: when the broker does not accept the event.
        """
        receivers = without(None, except_)
        packet = event_packet(self.endpoint, text_of_name(event), args, volatile)
        self._sending(local)(packet, receivers)

    def emit_to_room(
        self,
        room: Named,
        event: str,
        *args: Any,
        volatile: bool = False,
        except_: Any = None,
        local: bool = False,
    ) -> None:
        """Send an event to all in a room of the namespace.

        The other parameters are those of :meth:`emit`.

        :param room: the room; or a list or a set of rooms. Who is in several of them
            gets the event once.
        :raises TypeError: as :meth:`emit`, and when a room is neither a ``str`` nor an
            ``int``.
        :raises ValueError: when the room's name is too long, or cannot be encoded as
            UTF-8.
        :raises LookupError: as :meth:`emit`.
        :raises BackendError: as :meth:`emit`.
        """
        receivers = without(named(room), except_)
        packet = event_packet(self.endpoint, text_of_name(event), args, volatile)
        self._sending(local)(packet, receivers)

    def emit_on_commit(
        self, event: str, *args: Any, except_: Any = None, local: bool = False
    ) -> None:
        """Like :meth:`emit`, when the current transaction has committed.

        It is not sent when the transaction is rolled back. The arguments are copied
        now. See :func:`tgext.socketio.transactions.on_commit`.

        :raises TypeError: when an argument cannot be written as JSON, or ``except_`` is
            invalid.
        :raises ValueError: as :meth:`emit`.
        :raises LookupError: as :meth:`emit`.
        """
        receivers = without(None, except_)
        packet = settled_packet(self.endpoint, event, args, dumps)
        on_commit(sheltered, self._sending(local), packet, receivers)

    def emit_to_room_on_commit(
        self,
        room: Named,
        event: str,
        *args: Any,
        except_: Any = None,
        local: bool = False,
    ) -> None:
        """Like :meth:`emit_to_room`, when the current transaction has committed.

        See :meth:`emit_on_commit`.

        :raises TypeError: as :meth:`emit_on_commit` and :meth:`emit_to_room`.
        :raises ValueError: as :meth:`emit_to_room`.
        :raises LookupError: as :meth:`emit`.
        """
        receivers = without(named(room), except_)
        packet = settled_packet(self.endpoint, event, args, dumps)
        on_commit(sheltered, self._sending(local), packet, receivers)

    def present(self, room: Room | None = None) -> dict[str, list[dict[str, Any]]]:
        """Who is present in a room, or in the namespace, in all processes.

        See :class:`~tgext.socketio.presence.PresenceMixin`.

        :returns: for each user, what is told about each of the connections.
        :raises TypeError: when the room is neither a ``str`` nor an ``int``.
        :raises ValueError: when the room's name is too long, or cannot be encoded as
            UTF-8.
        :raises LookupError: as :meth:`emit`.
        :raises BackendError: when the broker does not answer.
        """
        topic = (self.endpoint, None if room is None else check_room(room))
        settings = config if self._settings is None else self._settings
        rooms = self._reached()
        if rooms:
            return where_served(present_in, rooms, topic, settings)
        if is_clustered(settings):
            return where_served(present_elsewhere, self._names, topic, settings)
        self._reach()
        return {}

    def user(self, name: object) -> Target:
        """The sockets of a user in the namespace.

        :param name: ``repoze.who.userid`` of the identity.
        :raises TypeError: when it is neither a ``str`` nor an ``int``.
        :raises ValueError: when it has a lone surrogate, or is too long.
        """
        return self._target(user_room(name))

    def room(self, name: Room) -> Target:
        """The sockets in a room of the namespace.

        :raises TypeError: when the room is neither a ``str`` nor an ``int``.
        :raises ValueError: when its name has a lone surrogate, or is too long.
        """
        return self._target(check_room(name))

    def socket(self, sid: str) -> Target:
        """The socket with a public id in the namespace, ``id`` of its namespace.

        :raises TypeError: when it is not a ``str``.
        :raises ValueError: when it has a lone surrogate, or is too long.
        """
        return self._target(socket_room(sid))

    def _target(self, room: Room) -> Target:
        later = partial(on_commit, sheltered)
        return Target(self.endpoint, room, self._reach, dumps, later)

    def _reached(self) -> list[Rooms]:
        """The rooms of this process that are sent to.

        A forked process has not those of its parent.
        """
        known = list(self._rooms.items()) if is_serving() else []
        context = current()
        if context is None:
            return [rooms for rooms, _ in known]
        return [rooms for rooms, owner in known if owner == id(context.config)]

    def _sending(self, local: bool) -> Sending:
        """How packets get to the clients: to all, or to those of this process alone.

        :raises LookupError: when nothing leads to them.
        """
        if local:
            return partial(_broadcast_here, self._reached())
        return self._reach().broadcast

    def _reach(self) -> Reach:
        """How the clients are reached.

        :raises LookupError: when nothing leads to them.
        """
        rooms = self._reached()
        if rooms:
            return Here(rooms)
        settings = config if self._settings is None else self._settings
        if is_clustered(settings):
            # No client has connected to this process. Other processes may have clients.
            return Distant(settings, self._names)
        if is_serving() or _is_tested():
            return Here([])  # no client has connected yet
        raise LookupError(
            "This process has no Socket.IO server, and socketio.cluster is not true: "
            f"nothing leads to the clients of {self.endpoint or '/'}. Give namespace() "
            "the configuration of the servers as `settings`, with socketio.cluster = "
            "true (there, too) and their anypubsub. options, such as "
            "{'socketio.cluster': 'true', 'anypubsub.backend': 'redis', "
            "'anypubsub.host': 'redis://localhost'}."
        )


def _broadcast_here(
    rooms: Sequence[Rooms], packet: Packet, receivers: Receivers
) -> None:
    for each in rooms:
        each.broadcast_here(packet, receivers)


def _is_tested() -> bool:
    """Whether WebTest asks for the page that runs. There need not be a server then."""
    context = current()
    return context is not None and MARK in context.request.environ
