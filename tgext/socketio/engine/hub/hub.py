"""What the connections of one server share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from ...wire.limits import Limits
from ...wire.socketio.generations import GENERATIONS, SOCKETIO_5, Generation
from ..concurrency.heartbeat import Wheel
from ..concurrency.pool import Pool
from ..io.backlog import OutputBounds
from ..io.batcher import Batcher
from .account import Bounds
from .counts import Counts
from .lingering import Lingering
from .mocks import MockRooms
from .options import PER_CONNECTION
from .registry import Registry
from .requests import Requests
from .rooms import Rooms
from .settings import OPTIONS, Settings

#: Those of all servers of this process.
hubs: WeakSet[Hub] = WeakSet()


class Hub:
    """What the connections of one server share. They know the hub, not the server.

    :param settings: the options of the server.
    :param server: the server as applications of gevent-socketio see it,
        ``socket.server``.

    :ivar settings: as given.
    :ivar timers: one timer wheel for all connections.
    :ivar pool: handles what WebSockets have received.
    :ivar batcher: coalesces the output of all connections.
    :ivar rooms: the members of each namespace and room, of the clients whose
        application has no rooms of its own: see :meth:`rooms_of`.
    :ivar registry: the sessions and the plain WebSockets.
    :ivar counts: what happened, for those who operate the server.
    :ivar lingering: the last packets of polling connections that ended.
    :ivar parting: WebSockets that ended, whose clients may still read what was sent.
    :ivar requests: the requests in progress; a server that stops waits for them.
    :ivar limits: the bounds of messages, for decoders.
    :ivar bounds: the bounds of what is kept for one connection, for its account.
    :ivar output_bounds: the bounds of what waits to be sent to one client.
    """

    def __init__(self, settings: Settings | None = None, server: Any = None) -> None:
        settings = settings or Settings()
        self.settings = settings
        self.server = server
        self.timers = Wheel()
        self.pool = Pool()
        self.batcher = Batcher()
        self.rooms: Rooms = Rooms(self.batcher)
        self._rooms: dict[object, Rooms] = {}
        self.registry = Registry(settings, self.timers)
        self.counts = Counts()
        #: What watches the events of connections, if anybody wants that; see
        #: `session.watching`.
        self.watches: dict[object, Any] = {}
        self.lingering = Lingering(self.timers)
        self.parting = Lingering(self.timers)
        self.requests = Requests()
        self.limits = Limits(
            settings.max_message_size,
            settings.max_attachments,
            settings.max_attachments_size,
        )
        self.bounds = Bounds(
            settings.max_message_size,
            self.limits.attachments_size,
            {
                name: getattr(settings, name)
                for name, option in OPTIONS.items()
                if option.kind is PER_CONNECTION
            },
        )
        self.output_bounds = OutputBounds(
            settings.max_outbox, settings.slow_timeout, self.timers
        )
        hubs.add(self)
        self._transports: dict[Generation, list[str]] = {
            generation: [
                each for each in generation.transports if each in settings.transports
            ]
            for generation in GENERATIONS
        }

    def rooms_of(self, application: object) -> Rooms:
        """The rooms of one application, which no client of another one is in.

        :param application: any hashable value; equal values share their rooms.
        """
        rooms = self._rooms.get(application)
        if rooms is None:
            rooms = self._rooms[application] = Rooms(self.batcher)
        return rooms

    @property
    def all_rooms(self) -> list[Rooms]:
        """The rooms of all applications, and those of the server."""
        return [self.rooms, *self._rooms.values()]

    def heartbeat_timeout(self, generation: Generation) -> float:
        """Seconds in which a client of a generation must answer a ping."""
        return self.settings.heartbeat_timeout or generation.heartbeat_timeout

    @property
    def ping_timeout(self) -> float:
        """Seconds in which the peer of a plain WebSocket must answer a ping."""
        return self.heartbeat_timeout(SOCKETIO_5)

    def transports_of(self, generation: Generation) -> Sequence[str]:
        """The transports that clients of a generation can use."""
        return self._transports[generation]


class MockHub(Hub):
    """The hub of a server that is a mock: it has one application, that of the test."""

    def rooms_of(self, application: object) -> Rooms:
        """The rooms of the server."""
        return self.rooms


def hub_of(server: Any) -> Hub:
    """The hub of a server.

    A server without one gets a hub with default settings. gevent-socketio's sockets use
    nothing of their server, so tests of its applications pass any object, or a mock.
    """
    hub = getattr(server, "hub", None)
    if not isinstance(hub, Hub):
        hub = server.hub = MockHub(server=server)
        hub.rooms = MockRooms(hub.batcher, server)
    return hub
