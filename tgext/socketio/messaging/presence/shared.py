"""The presence of each controller, from its first client on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ...backends.together import Together
from ...engine.concurrency.clock import monotonic
from ...engine.hub.rooms import Rooms
from ...engine.logs import get_logger
from ..cluster import channel_of, peers_of, secret_of
from ..sealed import BusMessageError, Seal
from .members import Info, Topic
from .messages import read_fields
from .presence import Presence
from .replica import Whole, all_of

if TYPE_CHECKING:
    from ...backends.redis_tables import Tables
    from ..peers import Peers
    from .sharing import ClusterSharing

log = get_logger(__name__)

#: The rooms whose presence begins, which may take long.
_beginning: WeakKeyDictionary[Rooms, Together] = WeakKeyDictionary()


def presence_of(rooms: Rooms, settings: Mapping[str, Any]) -> Presence:
    """The presence in the rooms of a controller.

    For the first call it begins, and in a cluster it reads what the others have.

    :param settings: the application's configuration, as ``tg.config``.
    :raises BackendError: when the broker does not answer.
    """
    while True:
        presence = begun_presence(rooms)
        if presence is not None:
            return presence
        beginning = _beginning.setdefault(rooms, Together())
        beginning.do(partial(_begin, rooms, settings))


def begun_presence(rooms: Rooms) -> Presence | None:
    """The presence in the rooms of a controller; None until somebody asks for it."""
    for each in rooms.watchers:
        if isinstance(each, Presence):
            return each
    return None


def _begin(rooms: Rooms, settings: Mapping[str, Any]) -> None:
    if begun_presence(rooms) is not None:
        return
    presence = Presence(rooms)
    peers = peers_of(settings) if rooms.bus is not None else None
    if peers is not None:
        sharing = _sharing(presence, peers, rooms.name, settings)
        sharing.start()
        presence.sharing = sharing
    rooms.watch(presence)
    presence.changed()


def _sharing(
    presence: Presence, peers: Peers, controller: str, settings: Mapping[str, Any]
) -> ClusterSharing:
    from ..peers import MISSED
    from .sharing import ClusterSharing
    from .sources import AnswerSource, Source, TableSource

    replica, now = presence.replica, monotonic
    backend = peers.channels.backend
    tables = _tables(backend, settings, MISSED * peers.interval)
    source: Source
    if tables is None:
        source = AnswerSource(peers, replica, controller, now)
    else:
        secret = secret_of(settings)
        source = TableSource(tables, replica, peers.id, controller, secret, now)
    return ClusterSharing(replica, peers, source, controller, presence.wake, now)


def present_in(
    known: Sequence[Rooms], topic: Topic, settings: Mapping[str, Any]
) -> dict[str, list[Info]]:
    """Who is present in a topic of one or more controllers.

    :param known: the rooms of the controllers.
    :raises BackendError: when the broker does not answer.
    """
    found: dict[str, list[Info]] = {}
    for rooms in known:
        for user, infos in presence_of(rooms, settings).present(topic).items():
            found.setdefault(user, []).extend(infos)
    return found


def present_elsewhere(
    controllers: Sequence[str], topic: Topic, settings: Mapping[str, Any]
) -> dict[str, list[Info]]:
    """Who is present, for a process that has no clients: it reads Redis.

    :param controllers: the names of the controllers; an empty name for all.
    :raises BackendError: when the broker does not answer.
    :raises LookupError: when the broker is not Redis.
    """
    from ..publishing import backend_for

    tables = _tables(backend_for(settings), settings)
    if tables is None:
        raise LookupError(
            "This process has no clients of the namespace, and the broker is not "
            "Redis: it cannot know who is present. Set anypubsub.backend to redis, or "
            "ask in a process that has clients."
        )
    wholes = []
    for name in tables.names():
        if not {"", name.partition(" ")[2]}.isdisjoint(controllers):
            wholes += _read(tables, name, secret_of(settings), topic)
    members = all_of(wholes)
    return {user: members.of(topic, user) for user in members.users(topic)}


def _read(tables: Tables, name: str, secret: str, topic: Topic) -> list[Whole]:
    """The entries of a topic in the table of a process."""
    table = tables.read(name)
    if table is None:
        return []
    try:
        # It compares the times of entries with each other alone.
        entries = read_fields(Seal(name, secret), table.entries, now=0.0)
    except BusMessageError as error:
        log.warning("The presence in the table of a process is skipped: %s", error)
        return []
    wanted = {each: entry for each, entry in entries.items() if entry.topic == topic}
    return [Whole(table.number, wanted)]


def _tables(
    backend: Any, settings: Mapping[str, Any], seconds: float = 0.0
) -> Tables | None:
    run: Callable[..., Any] | None = getattr(backend, "run", None)
    if run is None:
        return None
    from ...backends.redis_tables import Tables

    return Tables(run, f"{channel_of(settings)}/presence", seconds)
