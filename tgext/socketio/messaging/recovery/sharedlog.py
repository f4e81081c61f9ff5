"""What was sent in a namespace, read from the log that all processes share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from ...backends.logs.entries import Keep, Log
from ...backends.logs.entries import Position as LogPosition
from ...engine.hub.roomkeys import OwnRoom, SocketRoom
from ...engine.hub.selection import Selection
from ...engine.logs import get_logger
from ...engine.recovery.kept import Found, Kept
from ...engine.recovery.record import Place, Position
from ...engine.recovery.spans import NOWHERE, OWN, SHARED
from ...wire.escape import escape
from ...wire.socketio.packet import Packet
from ..busmessage import BusCodec
from ..sealed import BusMessageError
from ..topics import Naming

logger = get_logger(__name__)

#: The most messages for one client that are kept.
MOST: Final = 10_000


class SharedLog:
    """The log of one namespace that all processes share.

    :param log: that of the backend.
    :param endpoint: the name of the namespace.
    :param controller: the name of the controller.
    :param name_of: the name of the topic of a namespace and a room.
    :param codec_of: returns what writes and reads the messages of a topic.
    :param seconds: how long messages for one client are kept.
    """

    def __init__(
        self,
        log: Log,
        endpoint: str,
        controller: str,
        name_of: Naming,
        codec_of: Callable[[str], BusCodec],
        seconds: float,
    ) -> None:
        self._log = log
        self._endpoint = endpoint
        self._controller = controller
        self._name_of = name_of
        self._codec_of = codec_of
        self._keep = Keep(MOST, seconds)

    @property
    def epoch(self) -> str:
        """The epoch of what this process hears."""
        return self._log.heard.epoch

    def append(self, room: SocketRoom, packet: Packet) -> None:
        """Keep a packet for one client.

        :raises BackendError: when the broker does not accept it.
        """
        topic = self._name_of(self._endpoint, room)
        text = self._codec_of(topic).write(packet, room, controller=self._controller)
        self._log.append(topic, text, self._keep)

    def read(
        self,
        kept: Kept,
        places: Collection[Place],
        after: Position,
        until: Position,
        since: Callable[[Place], int],
    ) -> list[Found] | None:
        """What was sent to a client; see :meth:`.Shared.read`.

        :param since: returns the number after which this process hears a place.
        :raises BackendError: when the broker does not answer.
        """
        if after.heard < 0:
            return None
        own = SocketRoom(kept.sid)
        rooms = {each for each in places if not isinstance(each, OwnRoom)}
        topics: dict[str, Place] = {
            self._name_of(self._endpoint, each): each for each in rooms
        }
        topics[self._name_of(self._endpoint, own)] = own
        # Of another epoch, it is not complete.
        replay = self._log.read(topics, LogPosition(kept.epoch, after.heard))
        if not replay.complete:
            return None
        reading = _Reading(kept, after, until)
        # What was sent to a place that the client has left is not heard for it.
        heard = {
            topic: max(until.heard, since(place))
            for topic, place in topics.items()
            if place in kept.spans.places
        }
        for number, topic, message in replay.entries:
            try:
                read = self._codec_of(topic).read(message)
                is_for_us = read.controller in ("", self._controller)
                if is_for_us and read.packet["endpoint"] == self._endpoint:
                    late = number > heard.get(topic, number)
                    reading.take(number, read.packet, read.receivers, late)
            except (BusMessageError, ValueError) as error:
                text = "A message of %s cannot be read: %s"
                logger.warning(text, self._endpoint or "/", escape(error))
                return None
        return reading.found()


class _Reading:
    """Finds what one client missed.

    Messages of the process that had its session have the numbers of that process, which
    its client got them with; all others have those of the shared log.
    """

    def __init__(self, kept: Kept, after: Position, until: Position) -> None:
        self._kept = kept
        self._after = after
        self._until = until
        self._found: list[Found] = []
        #: The places in the list of messages of that process, and their numbers.
        self._own: list[tuple[int, int]] = []

    def take(self, number: int, packet: Packet, receivers: Any, late: bool) -> None:
        """Take a message of the log.

        :param late: whether this process hears it later than :attr:`until`.
        :raises ValueError: when its position is invalid.
        """
        if packet.get("volatile"):
            return
        if not isinstance(receivers, Selection):
            receivers = Selection((receivers,))
        left_out = map(SocketRoom, packet.get("left_out", ()))
        receivers = Selection(receivers.rooms, (*receivers.without, *left_out))
        position = packet.get("position")
        sent = Position.read(position) if position else Position("", 0)
        is_own = sent.epoch == self._kept.start.epoch
        if is_own:
            if sent.number <= self._after.number:
                return
            number_there, clock = sent.number, OWN
        else:
            number_there, clock = number, SHARED
        if receivers.rooms != (SocketRoom(self._kept.sid),) and self._is_late(
            sent, late
        ):
            return
        place: Any = self._kept.spans.place_of(receivers, number_there, clock)
        if place is not NOWHERE:
            if is_own:
                self._own.append((sent.number, len(self._found)))
            self._found.append((place, packet))

    def _is_late(self, sent: Position, late: bool) -> bool:
        """Whether this process has a message in its own log."""
        if sent.epoch == self._until.epoch:
            return sent.number > self._until.number
        return late

    def found(self) -> list[Found]:
        """What was found. Messages of one process are in its order."""
        found = list(self._found)
        slots = sorted(index for _, index in self._own)
        for slot, (_, index) in zip(slots, sorted(self._own), strict=True):
            found[slot] = self._found[index]
        return found
