"""What the clients of this process are told about presence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ...engine.concurrency.failures import ERRORS
from ...engine.concurrency.fairness import in_turns, take_turn
from ...engine.hub.delivery import Receiver
from ...engine.hub.rooms import Rooms
from ...engine.logs import get_logger
from ...wire.escape import escape
from ...wire.socketio.packet import Packet, event_packet
from .members import Info, Members, Topic

log = get_logger(__name__)

STATE: Final = "presence_state"
DIFFERENCE: Final = "presence_diff"

#: Members of one event. A state of more is followed by differences.
MOST: Final = 1000

#: Receivers that an event is sent to before other greenlets run.
AT_ONCE: Final = 500


class Announcer:
    """Tells the clients that are in a room, or present in it, who is there.

    The first event that a client gets about a topic is the state; the others have what
    changed since.

    :param rooms: the sockets of this process.
    :param members: who is there, over all processes.
    """

    def __init__(self, rooms: Rooms, members: Members) -> None:
        self._rooms = rooms
        self._members = members
        #: The sockets that have the state, by topic.
        self._told: dict[Topic, set[Receiver]] = {}
        #: Topics whose state somebody waits for.
        self._awaited: dict[Topic, None] = {}
        #: Sockets that are present in a topic; they need not be in the room.
        self._present: dict[Topic, dict[Receiver, None]] = {}

    def statistics(self) -> int:
        """The number of sockets that something is kept of, counted for each topic."""
        kept = (self._told, self._present)
        return sum(len(each) for table in kept for each in table.values())

    @property
    def pending(self) -> bool:
        """Whether :meth:`announce` has something to do."""
        return bool(self._awaited) or self._members.has_changed

    def came(self, topic: Topic) -> None:
        """A socket has joined a room."""
        if topic in self._members:
            self._awaited[topic] = None

    def add(self, topic: Topic, socket: Receiver) -> None:
        """A socket is present in a topic."""
        self._present.setdefault(topic, {})[socket] = None
        self._awaited[topic] = None

    def discard(self, topic: Topic, socket: Receiver) -> None:
        """A socket is not present in a topic any more."""
        present = self._present.get(topic)
        if present is not None:
            present.pop(socket, None)
            if not present:
                del self._present[topic]
        endpoint, room = topic
        if room not in self._rooms.rooms_of(endpoint, socket):
            self.forget(topic, socket)

    def left(self, topic: Topic, socket: Receiver) -> None:
        """A socket has left a room."""
        if socket not in self._present.get(topic, ()):
            self.forget(topic, socket)

    def forget(self, topic: Topic, socket: Receiver) -> None:
        """A socket hears no more of a topic."""
        told = self._told.get(topic)
        if told is not None:
            told.discard(socket)
            if not told:
                del self._told[topic]

    # Telling

    def announce(self) -> None:
        """Tell all what changed; lets other greenlets run.

        Only one greenlet may call it at a time.
        """
        topics = dict.fromkeys((*self._members.changed, *self._awaited))
        self._awaited.clear()
        for topic in in_turns(topics):
            try:
                self._announce(topic)
            except ERRORS:
                log.exception("Presence in %s was not told", escape(topic))

    def _announce(self, topic: Topic) -> None:
        receivers = self._receivers(topic)
        if not receivers:
            self._members.forget_changes([topic])
            return
        told = self._told.get(topic, set())
        old = [each for each in receivers if each in told]
        while True:
            difference = self._members.take(topic, MOST)
            if difference:
                event = {"joins": difference.joins, "leaves": difference.leaves}
                self._deliver(topic, DIFFERENCE, event, old)
            if not self._members.is_changed(topic):
                break
        new = [each for each in receivers if each not in told]
        if new:
            self._greet(topic, new)

    def _greet(self, topic: Topic, sockets: list[Receiver]) -> None:
        """Send the state to sockets that do not have it."""
        parts = self._parts(topic)
        state = next(parts, {})
        if not state:
            return  # they get it when somebody is there
        there = set(self._receivers(topic))
        sockets = [each for each in sockets if each in there]
        self._told.setdefault(topic, set()).update(sockets)
        self._deliver(topic, STATE, state, sockets)
        for part in parts:
            event = {"joins": part, "leaves": {}}
            self._deliver(topic, DIFFERENCE, event, sockets)

    def _parts(self, topic: Topic) -> Iterator[dict[str, list[Info]]]:
        """The members of a topic as all others were told last, in parts."""
        users = self._members.users_taken(topic)
        for start in range(0, len(users), MOST):
            part = {
                user: infos
                for user in users[start : start + MOST]
                if (infos := self._members.taken(topic, user))
            }
            if part:
                yield part

    def _receivers(self, topic: Topic) -> list[Receiver]:
        receivers = self._rooms.members(*topic)
        present = self._present.get(topic)
        if present:
            there = set(receivers)
            receivers += [each for each in present if each not in there]
        return receivers

    def _deliver(
        self, topic: Topic, name: str, event: Any, sockets: list[Receiver]
    ) -> None:
        endpoint, room = topic
        packet: Packet = event_packet(endpoint, name, (event, room))
        for start in range(0, len(sockets), AT_ONCE):
            there = self._told.get(topic, ())
            # Some may have left while other greenlets ran.
            part = [each for each in sockets[start : start + AT_ONCE] if each in there]
            self._rooms.deliver_to(part, packet)
            if start + AT_ONCE < len(sockets):
                take_turn()
