"""Broadcasts that reach the sockets of every process.

With ``socketio.cluster = true``, what is sent to all sockets of a namespace, or of one
of its rooms, is also published on the backend of the channels. The other processes that
serve the application deliver it to their own sockets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import gevent

from ..backends.channelnames import OWN, OwnName, check_channel
from ..backends.errors import BackendOptionError
from ..backends.together import Together
from ..drivers import applications
from ..engine.concurrency.failures import ERRORS, log_failure
from ..engine.concurrency.threads import where_served
from ..engine.hub.rooms import Rooms
from ..engine.hub.selection import Receivers
from ..engine.logs import get_logger
from ..options import read_option
from ..request.changes import Change
from ..request.tracing import is_wanted
from ..wire.socketio.packet import Packet

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

    from .channels import Channels
    from .guests import Guest
    from .listening import Carrier
    from .peers import Peers

log = get_logger(__name__)

__all__ = [
    "Elsewhere",
    "check_shared",
    "guest_of",
    "join_cluster",
    "peers_of",
    "publish_elsewhere",
]

OPTION: Final = "socketio.cluster"
#: Applications that share a broker set different names, or they would receive each
#: other's broadcasts.
CHANNEL_OPTION: Final = "socketio.cluster_channel"
SECRET_OPTION: Final = "socketio.cluster_secret"  # noqa: S105  the name of an option
CHANNEL: Final = OwnName(OWN + "cluster")

#: Called with the peers of each application.
_greeters: list[Callable[[Peers], object]] = []

#: The rooms that are connecting to the broker, which may take long.
_joining: WeakKeyDictionary[Rooms, Together] = WeakKeyDictionary()


def join_cluster(
    rooms: Rooms,
    settings: Mapping[str, Any],
    controller: str,
    carriers: Callable[[], Mapping[str, Carrier]] = dict,
) -> None:
    """Connect rooms with the other processes, if ``socketio.cluster`` is set.

    If they are connected already, nothing happens.

    :param rooms: those of the controller.
    :param settings: the application's configuration, as ``tg.config``.
    :param controller: the name of the controller, the same in every process.
    :param carriers: returns how topics of some of its namespaces travel.
    :raises ValueError: when ``socketio.cluster`` is neither true nor false.
    :raises BackendError: when an option is invalid (the message names it), or the
        broker cannot be reached. The next call tries again.
    """
    if rooms.bus is not None or not is_clustered(settings):
        return
    joining = _joining.setdefault(rooms, Together())
    joining.do(partial(_join, rooms, settings, controller, carriers))


def _join(
    rooms: Rooms,
    settings: Mapping[str, Any],
    controller: str,
    carriers: Callable[[], Mapping[str, Carrier]],
) -> None:
    from .bus import ClusterBus
    from .targets import crowd_of

    channels, name = _channels_of(settings), channel_of(settings)
    secret = secret_of(settings)
    peers = peers_of(settings)
    carried = carriers()
    rooms.bus = ClusterBus(
        rooms, channels, name, secret, controller, peers, carried, is_wanted(settings)
    )
    if peers is not None:
        crowd_of(peers).add(rooms, controller)


def peers_of(settings: Mapping[str, Any]) -> Peers | None:
    """The processes that serve an application; None without ``socketio.cluster``.

    They are held from the first client of the process until its server stops.

    :param settings: the application's configuration, as ``tg.config``.
    :raises BackendError: when an option is invalid.
    """
    if not is_clustered(settings):
        return None
    from .logouts import hear
    from .peers import Peers

    channels, app_globals = _channels_of(settings), settings["tg.app_globals"]
    peers: Peers | None = getattr(app_globals, "socketio_peers", None)
    if peers is None or peers.channels is not channels:
        name, secret = channel_of(settings), secret_of(settings)
        peers = app_globals.socketio_peers = Peers(channels, name, secret)
        hear(peers, secret)
        for each in _greeters:
            each(peers)
    return peers


def greet(greeter: Callable[[Peers], object]) -> None:
    """Call a function with the peers of each application, before they are heard.

    What it adds to them is there in all applications that are clustered after that.
    """
    if greeter not in _greeters:
        _greeters.append(greeter)


class Elsewhere:
    """The other processes of all clustered applications of this one.

    It implements :class:`tgext.socketio.request.changes.Elsewhere`. Changes are told in
    their order: a logout by the last cookie is found by those before it.
    """

    #: Changes that may wait for the broker; of more, the oldest are dropped.
    MOST: Final = 10_000

    def __init__(self) -> None:
        self._waiting: deque[tuple[Mapping[str, Any], Change]] = deque(maxlen=self.MOST)
        self._telling: gevent.Greenlet[..., Any] | None = None

    @property
    def exists(self) -> bool:
        """Whether any application is clustered."""
        return any(self._clustered())

    def _clustered(self) -> Iterator[Mapping[str, Any]]:
        return clustered(each.config for each in list(applications))

    def tell(self, change: Change) -> None:
        """Tell them of a change of a browser's login or session."""
        self._waiting.extend((config, change) for config in self._clustered())
        if not self._telling:  # a greenlet is false when it has ended
            self._telling = gevent.spawn(self._tell_all)

    def _tell_all(self) -> None:
        while self._waiting:
            self._tell(*self._waiting.popleft())

    def _tell(self, settings: Mapping[str, Any], change: Change) -> None:
        from .logouts import tell

        try:
            peers = peers_of(settings)
            if peers is not None:
                tell(peers, secret_of(settings), change)
        except ERRORS:
            log_failure(log, "Telling other processes of a logout failed")


def guest_of(settings: Mapping[str, Any]) -> Guest:
    """Asks the processes of a cluster, for a process without clients.

    :param settings: as of :func:`publish_elsewhere`.
    :raises BackendError: when an option is invalid.
    """
    from .guests import Guest
    from .publishing import backend_for

    backend = check_shared(backend_for(settings))
    return Guest(backend, channel_of(settings), secret_of(settings))


def publish_elsewhere(
    packet: Packet,
    receivers: Receivers,
    settings: Mapping[str, Any],
    controllers: Iterable[str] = ("",),
) -> None:
    """Send a packet to the sockets of a cluster, from a process that serves none.

    :param receivers: the room that the packet is for, None for the whole namespace, or
        a selection.
    :param settings: the application's configuration, or the options of a process
        without one. Without ``socketio.cluster`` there are no receivers, and nothing
        happens.
    :param controllers: the names of the controllers whose clients get it; an empty name
        for those of all controllers.
    :raises BackendError: when an option is invalid, or the broker does not accept the
        message.
    """
    if is_clustered(settings):
        arguments = (packet, receivers, settings, controllers)
        where_served(_publish, *arguments)


def _publish(
    packet: Packet,
    receivers: Receivers,
    settings: Mapping[str, Any],
    controllers: Iterable[str],
) -> None:
    from .busmessage import BusCodec
    from .log import log_of_backend
    from .publishing import backend_for
    from .topics import naming_of, room_of

    backend = check_shared(backend_for(settings))
    logged = log_of_backend(backend)
    name_of = naming_of(backend, channel_of(settings))
    whole = name_of(packet["endpoint"], None)
    topic = name_of(packet["endpoint"], room_of(receivers))
    codec = BusCodec(topic, secret_of(settings))
    for each in controllers:
        message = codec.write(packet, receivers, controller=each)
        if logged is None:
            backend.publish(topic, message)
        else:
            # The processes that serve the namespace have declared whether it is kept.
            logged.publish(topic, message, like=whole)


def is_clustered(settings: Mapping[str, Any]) -> bool:
    """Whether broadcasts go to other processes: ``socketio.cluster``.

    :raises ValueError: when ``socketio.cluster`` is neither true nor false.
    """
    # Each connection asks.
    return settings.get(OPTION) is not None and bool(read_option(settings, OPTION))


def clustered(configs: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Those of some configurations that are clustered.

    One whose option is invalid is not: its clients are told.
    """
    for each in configs:
        try:
            if is_clustered(each):
                yield each
        except ValueError:
            pass


def channel_of(settings: Mapping[str, Any]) -> OwnName:
    """The channel that carries the broadcasts.

    Its name is ``tgext.socketio/cluster``, with ``socketio.cluster_channel`` in the
    place of ``cluster`` when that is set. Channels of the application cannot have such
    a name.

    :raises BackendOptionError: when the option is invalid.
    """
    given = str(settings.get(CHANNEL_OPTION) or "").removeprefix(OWN)
    if not given:
        return CHANNEL
    try:
        # The maximum length of a name includes the prefix.
        check_channel(f"{'-' * len(OWN)}{given}")
    except ValueError as error:
        raise BackendOptionError(CHANNEL_OPTION, str(error)) from None
    return OwnName(OWN + given)


def secret_of(settings: Mapping[str, Any]) -> str:
    """The key that signs broadcasts; empty when they are not signed.

    :raises BackendOptionError: when ``socketio.cluster_secret`` is set to an empty
        value.
    """
    secret = settings.get(SECRET_OPTION)
    if secret is None:
        return ""
    if not isinstance(secret, str) or not secret.strip():
        raise BackendOptionError(SECRET_OPTION, "it is empty; set a text or remove it")
    return secret


def _channels_of(settings: Mapping[str, Any]) -> Channels:
    from .channels import channels_of

    channels = channels_of(settings)
    check_shared(channels.backend)
    return channels


def check_shared(backend: PubSub) -> PubSub:
    """A backend that other processes can have too.

    :raises BackendOptionError: when it is that of one process.
    """
    from anypubsub.backends.memory import MemoryPubSub

    if isinstance(backend, MemoryPubSub):
        raise BackendOptionError(
            OPTION,
            "the backend memory reaches no other process; use redis",
        )
    return backend
