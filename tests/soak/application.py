"""The application of the soak test, with figures of its own process."""

from __future__ import annotations

import atexit
import gc
import signal
import traceback
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from time import thread_time
from types import FrameType
from typing import Any

import gevent
import lab
from gevent.hub import Hub
from tg import MinimalApplicationConfigurator, TGController, config, expose, request

from tgext.socketio import SocketIOController
from tgext.socketio.engine.io.output import SocketOutbox
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.namespaces.acks import AckTimeout, ConnectionLost
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.transports import Transport
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.engine.websocket.stream import FrameStream
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.pubsub import PubSubTGNamespace
from tgext.socketio.websocket import websocket

#: Classes of which no object may be left when all clients have gone.
OF_CLIENTS = (Socket, BaseNamespace, Transport, SocketOutbox, FrameStream)


#: The server of this process, from its first client on. The garbage collector does not
#: list it: it ignores what was there when the server started.
serving: set[SocketIOServer] = set()

#: Why clients left.
left: Counter[str] = Counter()


class Chat(RoomsMixin, BroadcastMixin, PubSubTGNamespace):
    def initialize(self) -> None:
        serving.add(self.socket.server)

    def recv_disconnect(self) -> None:
        left[str(self.disconnect_reason)] += 1
        self.disconnect(silent=True)

    def subscribe_news(self) -> None: ...

    def subscribe_own(self, name: str) -> str:
        return f"own-{name}"

    def subscribe_private(self, number: int) -> str:
        return f"private-{number}"

    def on_echo(self, *values: Any) -> Any:
        return values

    def on_enter(self, room: str) -> str:
        self.join(room)
        return room

    def on_tell(self, room: str, words: str) -> str:
        self.emit_to_room(room, "told", words)
        return "told"

    def on_say(self, channel: str, words: str) -> str:
        self.publish(channel, words)
        return "said"

    def on_shout(self, words: str) -> str:
        self.broadcast_event("shouted", words)
        return "shouted"

    def on_ask_me(self) -> Any:
        """Sends the client a call, and returns its ack, if there is one."""
        try:
            return self.call("asked", timeout=20.0)
        except (AckTimeout, ConnectionLost):
            return None  # the client may have been killed

    def on_ask_later(self, count: int) -> str:
        """Emits events with callbacks, and does not wait for the acks."""
        for _ in range(count):
            self.emit("asked", callback=print)
        return "asked"

    def on_work(self, seconds: float) -> str:
        gevent.sleep(seconds)
        return "done"

    def on_talk(self, count: int, size: int) -> str:
        for _ in range(count):
            self.emit("words", "x" * size)
        return "talked"


#: Seconds of the processor: between two looks at what runs, and for which somebody has
#: waited for long.
LOOKS, LONG = 0.02, 0.3

#: How many functions of the stack are noted.
DEPTH = 8


class Waits:
    """How long a greenlet that is ready has to wait for its turn.

    In seconds of the processor: other processes of the machine do not count.
    """

    def __init__(self) -> None:
        self._longest = 0.0
        self._before = 0.0
        #: What ran when somebody had waited for long, by how often it was seen.
        self.seen: Counter[str] = Counter()

    def run(self) -> None:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, LOOKS, LOOKS)
        # Python handles no signals at its end.
        atexit.register(signal.setitimer, signal.ITIMER_PROF, 0)
        self._before = thread_time()
        while True:
            gevent.sleep(0.005)
            now = thread_time()
            self._longest = max(self._longest, now - self._before)
            self._before = now

    def _look(self, number: int, frame: FrameType | None) -> None:
        """Note what runs, if it has run for long."""
        if thread_time() - self._before > LONG:
            stack = traceback.extract_stack(frame)[-DEPTH:]
            places = (f"{Path(each.filename).name}:{each.lineno}" for each in stack)
            self.seen[" ".join(places)] += 1

    def take(self) -> float:
        """The longest since the last call."""
        longest, self._longest = self._longest, 0.0
        return longest


waits = Waits()


def figures() -> dict[str, int]:
    """What the server counts of itself; nothing before its first client."""
    if not serving:
        return {}
    (server,) = serving
    sockets = list(server.sockets.values())
    return {
        "sessions": len(sockets),
        "websockets": len(server.websockets),
        "requests": server.hub.requests.number,
        "timers": len(server.hub.timers),
        "rooms": sum(each.statistics().rooms for each in server.hub.all_rooms),
        "lingering": len(server.hub.lingering),
        "addresses": len(server.hub.registry.places.per_address),
        "acks": sum(len(each.ack_callbacks) for each in sockets),
        "unsent": sum(each.transport.outbox.size for each in sockets if each.transport),
    }


def busy() -> list[gevent.Greenlet[..., Any]]:
    """The greenlets, without those of the pool that wait for work."""
    idle = {worker for server in serving for worker in server.hub.pool.idle}
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, gevent.Greenlet) and not (each.dead or each in idle)
    ]


class SocketIO(SocketIOController):
    chat = Chat
    lab = lab.Lab


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def index(self) -> str:
        return "soak"

    @expose()
    @websocket
    def raw(self) -> None:
        for message in request.websocket:
            request.websocket.send(message)

    @expose("json")
    def reasons(self) -> dict[str, int]:
        return dict(left)

    @expose("json")
    def longest_wait(self) -> dict[str, float]:
        """The longest that a client had to wait since the last request, in seconds."""
        return {"seconds": waits.take()}

    @expose("json")
    def what_ran(self) -> dict[str, list[list[Any]]]:
        """What ran while somebody waited for long, most often first."""
        return {"seen": [list(each) for each in waits.seen.most_common(40)]}

    @expose("json")
    def figures(self) -> dict[str, int]:
        """What the server counts of itself."""
        return figures()

    @expose("json")
    def counts(self) -> dict[str, int]:
        """These, and the numbers of client objects in this process."""
        gc.collect()
        counts = Counter(
            kind.__name__
            for each in gc.get_objects()
            for kind in OF_CLIENTS
            if isinstance(each, kind)
        )
        assert isinstance(gevent.get_hub(), Hub)
        counts.update(greenlets=len(busy()), channels=len(channels_of(config)))
        return {**counts, **figures()}

    @expose("json")
    def where(self) -> dict[str, list[str]]:
        """What each greenlet does."""
        return {
            "greenlets": [
                "".join(traceback.format_stack(each.gr_frame)) for each in busy()
            ]
        }


def make_app(global_config: Mapping[str, str], **settings: str) -> Any:
    gevent.spawn(waits.run)
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "renderers": ["json"],
            "default_renderer": "json",
        }
    )
    return configurator.make_wsgi_app(dict(global_config), settings)
