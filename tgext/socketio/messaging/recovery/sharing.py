"""Whether the sessions of a namespace are for all processes, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ...backends.logs.entries import Keep
from ...engine.hub.rooms import Rooms
from ..cluster import channel_of, peers_of, secret_of
from ..log import log_of

if TYPE_CHECKING:
    from .sessions import SharedSessions


def sessions_of(
    rooms: Rooms,
    settings: Mapping[str, Any],
    endpoint: str,
    window: float,
    keep: Keep,
) -> SharedSessions | None:
    """The sessions of a namespace, for all processes; None where they are not.

    They are with ``socketio.cluster = true`` and Redis.

    :param rooms: those of the controller.
    :param settings: the application's configuration, as ``tg.config``.
    :param window: seconds for which the session of a client that has gone is kept.
    :param keep: how long messages are kept for a client.
    """
    peers, bus = peers_of(settings), rooms.bus
    if peers is None or bus is None:
        return None
    backend = peers.channels.backend
    run: Callable[..., Any] | None = getattr(backend, "run", None)
    listener: Any = getattr(backend, "listener", None)
    log = log_of(peers.channels)
    if run is None or listener is None or log is None:
        return None
    # They need anypubsub, which not every application has installed.
    from ...backends.redis_records import Records
    from ..busmessage import BusCodec
    from ..topics import naming_of
    from .records import SessionRecords
    from .sessions import SharedSessions
    from .sharedlog import SharedLog

    channel, secret = channel_of(settings), secret_of(settings)
    kind = f"{channel}/recovery/{rooms.name} {endpoint}"
    codec_of = partial(BusCodec, secret=secret)
    names = naming_of(backend, channel)
    shared = SharedLog(log, endpoint, rooms.name, names, codec_of, keep.seconds, secret)
    records = SessionRecords(Records(run, kind, peers.id), kind, secret, endpoint)
    rest = endpoint, window, keep.seconds, listener.returned
    return SharedSessions(kind, records, shared, peers, bus, *rest)
