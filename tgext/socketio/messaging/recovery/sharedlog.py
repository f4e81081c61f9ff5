"""What was sent in a namespace, read from the log that all processes share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, NamedTuple

from ...backends.logs.entries import Keep, Log
from ...backends.logs.entries import Position as LogPosition
from ...engine.hub.roomkeys import ChannelRoom, Room, SocketRoom, UserRoom
from ...engine.hub.selection import Receivers, Selection
from ...engine.logs import get_logger
from ...engine.recovery.kept import Found, Kept, Read
from ...engine.recovery.record import Place, Position
from ...engine.recovery.spans import SHARED
from ...wire.errors import InvalidJSON
from ...wire.escape import escape
from ...wire.socketio.packet import Packet
from ..audiences import Audience, Told, channel_topic
from ..busmessage import BusCodec, read_room, write_room
from ..messages import read
from ..sealed import BusMessageError, Seal
from ..topics import Naming
from .reading import Reading
from .recent import RecentMessages

logger = get_logger(__name__)

#: The most messages for one client that are kept.
MOST: Final = 10_000


class Written(NamedTuple):
    """A message for the log, as text.

    :param sid: the public id of the client that it is for; empty for commands.
    """

    topic: str
    text: str
    sid: str = ""


class SharedLog:
    """The log of one namespace that all processes share.

    :param log: that of the backend.
    :param endpoint: the name of the namespace.
    :param controller: the name of the controller.
    :param name_of: the name of the topic of a namespace and a room.
    :param codec_of: returns what writes and reads the messages of a topic.
    :param seconds: how long messages for one client are kept.
    :param secret: the key that signs commands; empty when they are not signed.
    """

    def __init__(
        self,
        log: Log,
        endpoint: str,
        controller: str,
        name_of: Naming,
        codec_of: Callable[[str], BusCodec],
        seconds: float,
        secret: str = "",
    ) -> None:
        self._log = log
        self._endpoint = endpoint
        self._controller = controller
        self._name_of = name_of
        self._codec_of = codec_of
        self._recent = RecentMessages(codec_of)
        self._keep = Keep(MOST, seconds)
        #: The topic of commands. Nobody listens to it.
        self._commands = f"{name_of(endpoint, None)} commands {controller}"
        self._seal = Seal(self._commands, secret)

    @property
    def epoch(self) -> str:
        """The epoch of what this process hears."""
        return self._log.heard.epoch

    def packet(self, room: SocketRoom, packet: Packet) -> Written:
        """A packet for one client, to :meth:`append`."""
        topic = self._name_of(self._endpoint, room)
        text = self._codec_of(topic).write(packet, room, controller=self._controller)
        return Written(topic, text, str.__str__(room))

    def message(self, sid: str, found: Found) -> str:
        """A message for a client, for the process that it has gone to.

        :param sid: the public id of the client.
        """
        place, packet = found
        return self._codec_for(sid).write(packet, Selection((place,)))

    def read_message(self, sid: str, text: Any) -> Found:
        """Read what :meth:`message` returned.

        :raises BusMessageError: when it is invalid.
        """
        _, receivers, packet, _ = self._codec_for(sid).read(text)
        if not (isinstance(receivers, Selection) and len(receivers.rooms) == 1):
            raise BusMessageError("its place is invalid")
        return receivers.rooms[0], packet

    def _codec_for(self, sid: str) -> BusCodec:
        return self._codec_of(self._name_of(self._endpoint, SocketRoom(sid)))

    def command(self, target: Place, room: Room | None) -> Written:
        """That clients were taken out of a room, or disconnected, to :meth:`append`.

        :param room: None when they were disconnected.
        """
        message = {"target": write_room(target), "room": write_room(room)}
        return Written(self._commands, self._seal.write(message))

    def append(self, written: Written) -> None:
        """Keep what was written.

        :raises BackendError: when the broker does not accept it.
        """
        self._log.append(written.topic, written.text, self._keep)

    def read(
        self,
        kept: Kept,
        places: Collection[Place],
        after: Position,
        until: Position,
        since: Callable[[Place], int],
    ) -> Read | None:
        """What was sent to a client; see :meth:`.Shared.read`.

        :param since: returns the number after which this process hears a place.
        :raises BackendError: when the broker does not answer.
        """
        if after.heard < 0:
            return None
        topics = {self._topic_of(each): each for each in self._read_of(kept, places)}
        # Of another epoch, it is not complete.
        after_heard = LogPosition(kept.epoch, after.heard)
        replay = self._log.read([*topics, self._commands], after_heard)
        if not replay.complete:
            return None
        reading = Reading(kept, after, until)
        epoch, read = kept.read_up_to
        alone = read if epoch == kept.epoch else 0
        # What was sent to a place that the client has left is not heard for it.
        heard = {
            topic: max(until.heard, since(place))
            for topic, place in topics.items()
            if place in kept.spans.places and not isinstance(place, SocketRoom)
        }
        try:
            for number, topic, message in replay.entries:
                if topic == self._commands:
                    if self._is_out(kept, number, message):
                        return None
                    continue
                place = topics[topic]
                if isinstance(place, SocketRoom) and number <= alone:
                    continue  # it was sent to the client where it was before
                late = number > heard.get(topic, number)
                for found in self._packets(kept, place, number, topic, message):
                    reading.take(number, *found, late)
        except (BusMessageError, ValueError) as error:
            text = "A message of %s cannot be read: %s"
            logger.warning(text, self._endpoint or "/", escape(error))
            return None
        return Read(reading.found(), (replay.position.epoch, replay.position.number))

    def _read_of(self, kept: Kept, places: Collection[Place]) -> set[Place]:
        """The places whose topics have what was sent to a client."""
        # What is sent to a user is in the topic of the namespace.
        rooms = {
            each for each in places if not isinstance(each, (UserRoom, SocketRoom))
        }
        return {*rooms, None, SocketRoom(kept.sid)}

    def _topic_of(self, place: Place) -> str:
        if isinstance(place, ChannelRoom):
            return channel_topic(place)
        return self._name_of(self._endpoint, place)

    def _packets(
        self, kept: Kept, place: Place, number: int, topic: str, message: str
    ) -> Iterator[tuple[Packet, Receivers]]:
        """The packet that a message carries, if it is for the clients here."""
        if isinstance(place, ChannelRoom):
            try:
                content = read(message)
            except InvalidJSON:
                return  # its listeners did not get it either
            told = Told(content, LogPosition(kept.epoch, number))
            audience = Audience(self._endpoint, *kept.form)
            yield audience.packet(topic, told), place
            return
        found = self._recent.read(topic, message)
        if (
            found.controller in ("", self._controller)
            and found.packet["endpoint"] == self._endpoint
        ):
            yield found.packet, found.receivers

    def _is_out(self, kept: Kept, number: int, text: str) -> bool:
        """Whether a command concerns a client, and its session does not know it.

        :raises BusMessageError: when the command is invalid.
        """
        message = self._seal.read(text)
        target = read_room("target", message.get("target", False))
        room = read_room("room", message.get("room", False))
        has = kept.spans.has
        there = has(target, number, SHARED)
        return there and (room is None or has(room, number, SHARED))
