"""The logs of namespaces whose clients recover."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...backends.logs.entries import Keep, Log
from ...backends.logs.entries import Position as LogPosition
from ...backends.logs.memory import MemoryLog
from ...engine.hub.hub import Hub
from ...engine.hub.rooms import Rooms
from ...engine.hub.selection import Selection
from ...engine.logs import get_logger
from ...engine.recovery.journal import Journal
from ...engine.recovery.record import Entry, Missed, Place, Position
from ...wire.escape import escape
from ...wire.socketio.generations import SOCKETIO_5
from ...wire.socketio.packet import Packet
from ..busmessage import BusCodec
from ..cluster import channel_of, peers_of
from ..log import log_of
from ..sealed import BusMessageError
from ..throttle import ThrottledWarnings
from .recent import RecentMessages
from .sharing import sessions_of

if TYPE_CHECKING:
    from ..listening import Carrier

logger = get_logger(__name__)

#: The most messages of a room, or for one client, that are kept.
MOST: Final = 10_000


def carriers_of(
    namespaces: Mapping[str, Any], settings: Mapping[str, Any]
) -> Mapping[str, Carrier]:
    """How broadcasts of a controller's namespaces travel, if clients recover there.

    :param namespaces: their classes by name.
    :param settings: the application's configuration, as ``tg.config``.
    """
    names = [name for name, each in namespaces.items() if each._tgsio_recovers]
    peers = peers_of(settings) if names else None
    if peers is None:
        return {}
    from ..logged import carrier_of
    from ..topics import naming_of

    name_of = naming_of(peers.channels.backend, channel_of(settings))
    topics = [name_of(each, None) for each in names]
    carrier = carrier_of(peers.channels, topics)
    return {} if carrier is None else dict.fromkeys(names, carrier)


class LoggedNamespace:
    """The log of one namespace: topics, and messages of JSON.

    :param log: that of the application.
    :param name: what the names of its topics begin with.
    :param codec: writes and reads the messages.
    :param keep: how much of each topic is kept.
    :param heard: returns how far this process has heard the log that all share.
    :param holds: returns whether positions hold in other processes, too.
    """

    def __init__(
        self,
        log: Log,
        name: str,
        codec: BusCodec,
        keep: Keep,
        heard: Callable[[], int] = int,
        holds: Callable[[], bool] = bool,
    ) -> None:
        self._log = log
        self._name = name
        self._codec = codec
        self._recent = RecentMessages(lambda topic: codec)
        self._keep = keep
        self._heard = heard
        self._holds = holds
        self._warnings = ThrottledWarnings(logger)

    @property
    def heard(self) -> int:
        """Up to where this process has heard the log that all share."""
        return self._heard()

    def _shown(self) -> int:
        return self._heard() if self._holds() else -1

    def _topic(self, place: Place) -> str:
        return f"{self._name} {type(place).__name__} {place or ''}"

    def append(self, place: Place, packet: Packet, receivers: Selection) -> Position:
        """Number a packet, and keep it; see :meth:`.Record.append`."""
        heard = self._shown()
        if heard >= 0:
            packet = {**packet, "position": str(Position(self._log.epoch, 0, heard))}
        text = self._codec.write(packet, receivers)
        position = self._log.append(self._topic(place), text, self._keep)
        assert position is not None  # it has no key
        return Position(*position, heard)

    def read(self, places: Iterable[Place], after: Position) -> Missed:
        """What was sent to any of some places after a position.

        It is incomplete when a message cannot be read.
        """
        topics = map(self._topic, places)
        replay = self._log.read(topics, LogPosition(*after[:2]))
        entries, complete = [], replay.complete
        for number, _, message in replay.entries:
            try:
                _, receivers, packet, _ = self._recent.read(self._name, message)
            except BusMessageError as error:
                text = f"A message of the log {self._name} is lost: {escape(error)}"
                self._warnings.warn(error.kind, text)
                complete = False
                continue
            if isinstance(receivers, Selection):
                heard = _heard_at(packet)
                entries.append(Entry(number, receivers, packet, heard))
        return Missed(entries, Position(*replay.position, self._shown()), complete)

    def now(self) -> Position:
        """The position of what was sent last."""
        return Position(*self._log.now(), self._shown())


def _heard_at(packet: Packet) -> int:
    text = packet.get("position")
    return Position.read(text).heard if text else -1


def let_recover(
    rooms: Rooms, hub: Hub, namespaces: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """Let clients recover in the namespaces of a controller that ask for it.

    What is sent is numbered from now on, before the first client comes.

    :param rooms: those of the controller.
    :param namespaces: their classes by name.
    :param settings: the application's configuration, as ``tg.config``.
    """
    if rooms.make_journal is not None:
        return
    rooms.make_journal = make = partial(_make_journal, rooms, hub, settings)
    for name, each in namespaces.items():
        if each._tgsio_recovers and name not in rooms.journals:
            rooms.journals[name] = make(name)


def _make_journal(
    rooms: Rooms, hub: Hub, settings: Mapping[str, Any], endpoint: str
) -> Journal:
    options = hub.settings
    # A client may lose messages for as long as the server does not notice its end.
    unnoticed = options.heartbeat_interval + hub.heartbeat_timeout(SOCKETIO_5)
    keep = Keep(MOST, options.recovery_window + unnoticed)
    topic = f"recovery {rooms.name} {endpoint}"
    codec = BusCodec(topic, limits=hub.limits)
    # Each namespace has a log: what fills one leaves the others as they are.
    kept = MemoryLog(most=options.max_recovery_log)
    peers = peers_of(settings)
    shared_log = None if peers is None else log_of(peers.channels)

    def heard() -> int:
        return 0 if shared_log is None else shared_log.heard.number

    shared = sessions_of(rooms, settings, endpoint, options.recovery_window, keep)

    def holds() -> bool:
        return shared is not None and not shared.is_behind

    record = LoggedNamespace(kept, topic, codec, keep, heard, holds)
    timers, window = hub.timers, options.recovery_window
    journal = Journal(
        endpoint, rooms, record, timers, window, options.max_outbox, shared
    )
    if shared_log is not None:
        shared_log.when_lost(journal.lose)
    if shared is not None:
        shared.journal = journal
    elif peers is not None:
        # What other processes send while the broker is lost does not arrive.
        peers.returned.append(journal.lose)
        peers.channels.missed.append(journal.lose)
    return journal
