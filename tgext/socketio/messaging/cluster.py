"""Broadcasts that reach the sockets of every process.

With ``socketio.cluster = true`` what goes to many sockets of a namespace, or of a room
in it, goes over the backend of the channels too, to the other processes that serve the
same application; each delivers it to its own sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from tg.support.converters import asbool

from ..backends.channelnames import OWN, OwnName, check_channel
from ..engine.concurrency.threads import where_served
from ..engine.server.server import SocketIOServer
from ..wire.socketio.packet import Packet

if TYPE_CHECKING:
    from ..backends.together import Together
    from .channels import Channels

__all__ = ["join_cluster", "publish_elsewhere"]

OPTION: Final = "socketio.cluster"
#: Applications that share a broker, and are not to reach each other, set their own.
CHANNEL_OPTION: Final = "socketio.cluster_channel"
SECRET_OPTION: Final = "socketio.cluster_secret"  # noqa: S105  its name
CHANNEL: Final = OwnName(OWN + "cluster")

#: The servers that are joining, which may take its time.
_joining: WeakKeyDictionary[SocketIOServer, Together] = WeakKeyDictionary()


def join_cluster(server: SocketIOServer, settings: Mapping[str, Any]) -> None:
    """Connect a server with the other processes, if its application wants that.

    Done already, it costs nothing.

    :param settings: the application's configuration, as ``tg.config``.
    :raises BackendError: when an option cannot be (it is named), or the broker cannot
        be reached; the next call tries again.
    """
    if not is_clustered(settings) or server.rooms.bus is not None:
        return
    from ..backends.together import Together

    joining = _joining.setdefault(server, Together())
    joining.do(partial(_join, server, settings))


def _join(server: SocketIOServer, settings: Mapping[str, Any]) -> None:
    from .bus import ClusterBus

    channels, name = _channels_of(settings), channel_of(settings)
    secret = secret_of(settings)
    server.rooms.bus = ClusterBus(server.rooms, channels, name, secret)


def publish_elsewhere(
    packet: Packet, room: str | int | None, settings: Mapping[str, Any]
) -> None:
    """Send a packet to the sockets of a cluster, from a process that serves none.

    :param settings: the application's configuration. Where it wants no cluster, there
        is nobody to send to.
    :raises BackendError: when an option cannot be, or the broker does not take it.
    """
    if is_clustered(settings):
        from .busmessage import BusCodec

        channel = channel_of(settings)
        message = BusCodec(channel, secret_of(settings)).write(packet, room)
        where_served(_publish, channel, message, settings)


def _publish(channel: str, message: str, settings: Mapping[str, Any]) -> None:
    _channels_of(settings).backend.publish(channel, message)


def is_clustered(settings: Mapping[str, Any]) -> bool:
    """Whether an application wants to reach the sockets of other processes.

    :raises ValueError: when ``socketio.cluster`` is neither true nor false.
    """
    value = settings.get(OPTION)
    try:
        return bool(value is not None and asbool(value))
    except ValueError:
        raise ValueError(f"{OPTION}: {value!r} is neither true nor false") from None


def channel_of(settings: Mapping[str, Any]) -> OwnName:
    """The channel that carries the broadcasts.

    It is called ``tgext.socketio/cluster``, or whatever ``socketio.cluster_channel``
    says in the place of ``cluster``. No channel of the application can have this name.

    :raises BackendOptionError: when the option cannot be.
    """
    given = str(settings.get(CHANNEL_OPTION) or "").removeprefix(OWN)
    if not given:
        return CHANNEL
    try:
        # The prefix, too, has to fit into what a name may have.
        check_channel(f"{'-' * len(OWN)}{given}")
    except ValueError as error:
        from ..backends.errors import BackendOptionError

        raise BackendOptionError(CHANNEL_OPTION, str(error)) from None
    return OwnName(OWN + given)


def secret_of(settings: Mapping[str, Any]) -> str:
    """What signs the broadcasts; empty where they are not signed.

    :raises BackendOptionError: when ``socketio.cluster_secret`` is set, and empty.
    """
    secret = settings.get(SECRET_OPTION)
    if secret is None:
        return ""
    if not isinstance(secret, str) or not secret.strip():
        from ..backends.errors import BackendOptionError

        raise BackendOptionError(SECRET_OPTION, "it is set, and empty")
    return secret


def _channels_of(settings: Mapping[str, Any]) -> Channels:
    from anypubsub.backends.memory import MemoryPubSub

    from ..backends.errors import BackendOptionError
    from .channels import channels_of

    channels = channels_of(settings)
    if isinstance(channels.backend, MemoryPubSub):
        raise BackendOptionError(
            OPTION,
            "the backend memory reaches no other process; redis does",
        )
    return channels
