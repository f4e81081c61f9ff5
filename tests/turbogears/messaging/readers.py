"""Clients that recover, with rooms and channels, and what is published for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from gevent.event import Event
from tg import MinimalApplicationConfigurator, TGController, request_local

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.pubsub import PubSubTGNamespace, publish
from tgext.socketio.wire.socketio.packet import event_packet

from .listeners import listener, packets
from .test_recovery import Member


class Reading(RoomsMixin, PubSubTGNamespace):
    recovery = True

    #: Awaited by `recv_connect`, by the text in the auth payload.
    gates: ClassVar[dict[str, Event]] = {}
    asking: ClassVar[list[str]] = []

    def recv_connect(self) -> None:
        name = (self.auth or {}).get("name", "")
        for channel in (self.auth or {}).get("drop", ()):
            self.unsubscribe(channel)
        if name in self.gates:
            self.asking.append(name)
            self.gates[name].wait()

    def subscribe_any(self, name: str) -> str:
        return name

    def on_enter(self, room: str) -> None:
        self.join(room)

    def on_exit(self, room: str) -> None:
        self.leave(room)

    def on_channels(self) -> list[str]:
        heard: list[str] = self.channels
        return heard


class Kept(Reading):
    history = 5
    rewind = 2
    pubblication_position = True
    pubblication_channel = True


class Plain(Reading):
    recovery = False


class Globals: ...


class Readers:
    """A server whose clients recover, and a witness of what it has heard."""

    def __init__(self, serve: Callable[..., Live], cls: Any, **settings: Any) -> None:
        class SocketIO(SocketIOController):
            chat = cls
            plain = Plain

        class RootController(TGController):
            socketio = SocketIO()

        cls.gates.clear()
        cls.asking.clear()
        configurator = MinimalApplicationConfigurator()
        configurator.update_blueprint(
            {"root_controller": RootController(), "app_globals": Globals, **settings}
        )
        wsgi = configurator.make_wsgi_app({}, {})
        self.config = request_local.config.current_conf()
        self.live = serve(application=wsgi, resource="socketio")
        self._witnesses: dict[str, Any] = {}

    @property
    def channels(self) -> Any:
        return channels_of(self.config)

    @property
    def journal(self) -> Any:
        found = [
            each
            for rooms in self.live.server.hub.all_rooms
            for each in rooms.journals.values()
        ]
        [journal] = found
        return journal

    def join(self, **auth: Any) -> Reader:
        return Reader(self.live, **auth).connected()

    def publish(self, channel: str, *messages: Any) -> None:
        """Publish, and wait until this process has heard it."""
        witness = self._witnesses.get(channel)
        if witness is None:
            witness = self._witnesses[channel] = listener()
            self.channels.subscribe(channel, witness)
        count = len(packets(witness)) + len(messages)
        for each in messages:
            publish(channel, each, self.config)
        wait_for(lambda: len(packets(witness)) == count, "it is heard")

    def say(self, room: str | None, text: Any) -> None:
        """Send an event to a room."""
        [rooms] = [each for each in self.live.server.hub.all_rooms if each.journals]
        rooms.broadcast(event_packet("/chat", "said", [text]), room)

    def close(self) -> None:
        self.live.close_clients()
        for channel, witness in self._witnesses.items():
            self.channels.unsubscribe(channel, witness)
        self.live.server.stop(timeout=1)
        assert len(self.channels) == 0, "a channel is heard for nobody"


class Reader(Member):
    """A client that keeps what it has received."""

    def __init__(self, *args: Any, **auth: Any) -> None:
        super().__init__(*args, **auth)
        self.heard: list[Any] = []
        self.offsets: list[str] = []
        self.positions: list[Any] = []

    def connected(self) -> Reader:
        super().connected()
        return self

    def back(self) -> Reader:
        return self.asks().connected()

    def asks(self) -> Reader:
        return Reader(self.live, self.pid, self.offset, **self.auth)

    def cut(self) -> Reader:
        super().cut()
        return self

    def _take(self, packet: Any) -> None:
        *args, self.offset = packet["args"]
        self.offsets.append(self.offset)
        self.heard.append(args[0])
        self.positions.append(args[1:])

    def read(self, count: int = 1) -> list[Any]:
        """The next messages."""
        for _ in range(count):
            self._take(self.client.read())
        return self.heard[-count:]

    def call(self, *event: Any) -> Any:
        """Emit an event, and take its ack; events before it are received, too."""
        self.client.emit("/chat", *event, number=1)
        while (packet := self.client.read())["type"] != "ack":
            self._take(packet)
        return packet["args"][0] if packet["args"] else None

    def hear(self, *channels: str) -> Reader:
        for each in channels:
            assert self.call("subscribe", "any", each) == each
        return self


@contextmanager
def publishing_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch, readers: Readers, channel: str, message: Any
) -> Iterator[None]:
    """Publish when the log was read for a new subscriber, before it is sent that."""
    log = readers.channels.histories.log_for()
    latest = log.latest

    def publish_first(*args: Any) -> Any:
        found = latest(*args)
        readers.publish(channel, message)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(log, "latest", publish_first)
        yield
