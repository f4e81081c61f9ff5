"""The sockets of this process that administrators see, and what they do.

It watches the rooms of a controller while an administrator looks, and taps the sockets
that are shown, which are bounded in number. What happens is noted where it happens, and
taken four times a second; only then it costs more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ...engine.concurrency.fairness import in_turns
from ...engine.hub.roomkeys import Room
from ...engine.hub.rooms import Rooms
from ...engine.hub.selection import Receivers
from ...wire.socketio.packet import EVENTS, Packet
from .descriptions import describe, moment, name_of, shown_event, transport_of
from .taps import Tap

#: A socket in a namespace.
Key = tuple[Any, str]

#: An event of the UI, and its arguments.
Change = list[Any]

#: Receivers of a broadcast that are shown.
RECEIVERS: Final = 3


class Shown:
    """A socket in a namespace that administrators see.

    :ivar since: the time at which it came, in seconds since 1970.
    :ivar described: whether administrators know its rooms: changes are told then.
    :ivar transport: the name that they know.
    """

    __slots__ = ("described", "since", "taps", "transport")

    def __init__(self, since: float) -> None:
        self.since = since
        self.described = False
        self.transport = ""
        self.taps: list[Tap] = []


class Watched:
    """The sockets of a controller that administrators see.

    :param rooms: those of the controller.
    :param own: the namespace of the administrators, whose events are not shown.
    :param most_sockets: how many sockets are shown.
    :param most: how many events, and how many other changes, are shown of each
        interval.
    """

    def __init__(
        self, rooms: Rooms, own: Callable[[str], bool], most_sockets: int, most: int
    ) -> None:
        self._rooms = rooms
        self._is_own = own
        self._most_sockets = most_sockets
        self._most = self._left = most
        self._shown: dict[Key, Shown] = {}
        self._sending: dict[Any, tuple[int, Tap]] = {}
        self._changes: list[Change] = []
        self._taps: list[Tap] = []
        #: Whether changes were lost: who is shown is told anew then.
        self.lost = False

    def __len__(self) -> int:
        return len(self._shown)

    def start(self) -> None:
        """Watch from now on. Sockets that are there already are among those shown."""
        rooms = self._rooms
        rooms.watch(self)
        self._taps = [
            Tap(rooms, "deliver", self._delivered),
            Tap(rooms, "deliver_to", self._delivered_to),
        ]

    def stop(self) -> None:
        """Watch no more."""
        self._rooms.unwatch(self)
        for key in list(self._shown):
            self._forget(key)
        for tap in self._taps:
            tap.remove()
        self._taps.clear()
        self._changes.clear()

    close = stop  # the server stops

    # What is taken

    def take(self) -> list[Change]:
        """The changes since the last call, in their order. Others may run meanwhile."""
        self._see_upgrades()
        changes, self._changes = self._changes, []
        self._left = self._most
        return [self._finished(each) for each in in_turns(changes)]

    def _see_upgrades(self) -> None:
        for (socket, endpoint), shown in self._shown.items():
            if not shown.described:
                continue
            name = transport_of(socket)
            if name != shown.transport:
                shown.transport = name
                sid = socket._tgsio_id_in(endpoint)
                told = {"id": sid, "nsp": name_of(endpoint), "transport": name}
                self._add(["socket_updated", told])

    def begin_anew(self) -> list[Change]:
        """All sockets that are shown, as if they were connecting now.

        The changes until now are in them. Others may run meanwhile: the changes after
        this are those since each was described.
        """
        self._changes.clear()
        self._left = self._most
        self.lost = False
        self._fill()
        for shown in self._shown.values():
            shown.described = False
        found = []
        for key in in_turns(list(self._shown)):
            if key in self._shown:
                found.append(self._connected(key, self._shown[key]))
        return found

    def _fill(self) -> None:
        rooms = self._rooms
        for endpoint in rooms.endpoints():
            for socket in rooms.members(endpoint):
                if len(self._shown) >= self._most_sockets:
                    return
                if (socket, endpoint) not in self._shown:
                    self._shown[socket, endpoint] = Shown(_since(socket, endpoint))

    def _finished(self, change: Change) -> Change:
        if change[0] != "socket_connected":
            return change
        _, key, shown = change
        return self._connected(key, shown)

    def _connected(self, key: Key, shown: Shown) -> Change:
        socket, endpoint = key
        self._tap(key, shown)
        shown.described = True
        shown.transport = transport_of(socket)
        rooms = self._rooms.rooms_of(endpoint, socket)
        described = describe(socket, endpoint, shown.since, rooms)
        return ["socket_connected", described, moment(shown.since)]

    # What happens: it is called where it does, and must be quick

    def came(self, endpoint: str, room: Room | None, socket: Any) -> None:
        key = (socket, endpoint)
        if room is not None:
            shown = self._shown.get(key)
            if shown is not None and shown.described:
                self._note(key, "room_joined", room)
        elif len(self._shown) < self._most_sockets and key not in self._shown:
            shown = self._shown[key] = Shown(time.time())
            self._add(["socket_connected", key, shown])

    def left(self, endpoint: str, room: Room | None, socket: Any) -> None:
        key = (socket, endpoint)
        shown = self._shown.get(key)
        if shown is None:
            return
        if room is None:
            self.left_all(endpoint, socket)
        elif shown.described:
            self._note(key, "room_left", room)

    def left_all(self, endpoint: str, socket: Any) -> None:
        key = (socket, endpoint)
        shown = self._shown.get(key)
        if shown is None:
            return
        if shown.described:
            for room in self._rooms.rooms_of(endpoint, socket):
                if room is not None:
                    self._note(key, "room_left", room)
        namespace = socket.active_ns.get(endpoint)
        reason = getattr(namespace, "_tgsio_reason", None) or socket.disconnect_reason
        sid = socket._tgsio_id_in(endpoint)
        name, now = name_of(endpoint), moment(time.time())
        self._add(["socket_disconnected", name, sid, reason or "", now])
        self._forget(key)

    def _note(self, key: Key, event: str, room: Room) -> None:
        socket, endpoint = key
        sid = socket._tgsio_id_in(endpoint)
        self._add([event, name_of(endpoint), room, sid, moment(time.time())])

    def _add(self, change: Change) -> None:
        if len(self._changes) >= 2 * self._most:
            self.lost = True
        if not self.lost:
            self._changes.append(change)

    # Events

    def _tap(self, key: Key, shown: Shown) -> None:
        socket, endpoint = key
        namespace = socket.active_ns.get(endpoint)
        if namespace is None or shown.taps or self._is_own(endpoint):
            return
        if self._shown.get(key) is not shown:
            return  # it has left, or is shown anew: nobody would remove the taps
        received, sent = partial(self._received, key), partial(self._sent, socket)
        shown.taps.append(Tap(namespace, "process_packet", received))
        recovery = getattr(namespace, "_tgsio_recovery", None)
        if recovery is not None:  # which sends in place of the socket
            shown.taps.append(Tap(recovery, "emit", sent))
        number, tap = self._sending.get(socket, (0, None))
        if tap is None:
            tap = Tap(socket, "send_packet", sent)
        self._sending[socket] = number + 1, tap

    def _forget(self, key: Key) -> None:
        shown = self._shown.pop(key, None)
        if shown is None or not shown.taps:
            return
        for each in shown.taps:
            each.remove()
        number, tap = self._sending.pop(key[0])
        if number > 1:
            self._sending[key[0]] = number - 1, tap
        else:
            tap.remove()

    def _received(self, key: Key, packet: Packet) -> None:
        if self._left > 0 and packet["type"] in EVENTS:
            self._happened("event_received", key, packet)

    def _sent(self, socket: Any, packet: Packet, *_: object) -> None:
        key = (socket, packet.get("endpoint", ""))
        if self._left > 0 and packet["type"] in EVENTS and key in self._shown:
            self._happened("event_sent", key, packet)

    def _delivered(
        self, packet: Packet, room: Receivers = None, skip: Any = None
    ) -> None:
        if self._left > 0:
            members = self._rooms.members(packet["endpoint"], room)
            self._delivered_to((each for each in members if each is not skip), packet)

    def _delivered_to(self, sockets: Any, packet: Packet) -> None:
        endpoint = packet["endpoint"]
        if self._left <= 0 or self._is_own(endpoint):
            return
        number = 0
        for socket in sockets:
            if (socket, endpoint) in self._shown:
                self._happened("event_sent", (socket, endpoint), packet)
                number += 1
            if number == RECEIVERS or self._left <= 0:
                return

    def _happened(self, event: str, key: Key, packet: Packet) -> None:
        self._left -= 1
        socket, endpoint = key
        args, sid = shown_event(packet), socket._tgsio_id_in(endpoint)
        now = moment(time.time())
        self._add([event, name_of(endpoint), sid, args, now])


def _since(socket: Any, endpoint: str) -> float:
    """Since when a socket is in a namespace; until now, if the log was not told."""
    namespace = socket.active_ns.get(endpoint)
    entered: float = getattr(namespace, "_tgsio_entered", 0.0)
    return time.time() - (time.monotonic() - entered if entered else 0.0)
