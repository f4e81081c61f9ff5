"""The servers of a cluster, all of them in the process of the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.engine.conftest import Live
from tgext.socketio import SocketIOTGNamespace
from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.pubsub import PubSubTGNamespace


class Chat(RoomsMixin, BroadcastMixin, SocketIOTGNamespace):
    def on_enter(self, room: str) -> None:
        self.join(room)

    def on_shout(self, *words: Any) -> None:
        self.broadcast_event("shouted", *words)

    def on_show(self, words: Any) -> None:
        self.broadcast_event_not_me("shown", words, b"a picture")

    def on_shout_to_others(self, *words: Any) -> None:
        self.broadcast_event_not_me("shouted", *words)

    def on_tell_room(self, room: str, *words: Any) -> None:
        self.emit_to_room(room, "told", *words)


class Table(RoomsMixin, BroadcastMixin, SocketIOTGNamespace):
    """The example of ``docs/rooms.rst``."""

    def on_sit(self, number: Any) -> None:
        self.join(number)
        self.emit_to_room(number, "sat", self.id)

    def on_move(self, number: int, move: str) -> None:
        self.emit_to_room([number, "everything"], "moved", move, except_="delayed")

    def on_warn(self) -> None:
        self.broadcast_event("restarts soon", local=True)


class Spy(PubSubTGNamespace):
    def subscribe_any(self, name: str) -> str:
        return name

    def on_publish(self, name: str, message: Any) -> None:
        self.publish(name, message)


class Globals: ...


class Node:
    """A server of a cluster, with an application of its own."""

    def __init__(self, live: Live, config: Any) -> None:
        self.live = live
        self.config = config

    def join(self, kind: str = "4-websocket", endpoint: str = "/chat") -> Any:
        client = self.live.client(kind)
        client.join(endpoint)
        return client

    @property
    def rooms(self) -> Rooms:
        """Those of the first controller that has clients, after those of the server."""
        return self.live.server.hub.all_rooms[:2][-1]

    @property
    def backend(self) -> Any:
        """What carries its broadcasts."""
        return channels_of(self.config).backend

    @property
    def bus(self) -> Any:
        return self.rooms.bus


Start = Callable[..., Node]
