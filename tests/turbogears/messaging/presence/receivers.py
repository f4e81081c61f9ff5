"""Rooms whose receivers note what they are sent."""

from __future__ import annotations

import json
from typing import Any

from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.wire.socketio.packet import Packet


class Watcher:
    """A client of the namespace ``/chat``, and what it knows from what it was told."""

    ended = False

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any, Any]] = []
        #: The members by room; None in the place of them before the state.
        self.known: dict[Any, Any] = {}

    def hear(self, name: str, event: Any, room: Any) -> None:
        self.heard.append((name, event, room))
        if name == "presence_state":
            assert room not in self.known, "the state comes once"
            self.known[room] = dict(event)
            return
        assert not event["joins"].keys() & event["leaves"].keys()
        self.known[room].update(event["joins"])
        for user in event["leaves"]:
            del self.known[room][user]


class NotedRooms(Rooms):
    """Rooms that give packets to :class:`Watcher`."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.packets = 0

    def deliver_to(self, sockets: Any, packet: Packet) -> None:
        event, room = json.loads(json.dumps(packet["args"]))
        self.packets += 1
        for each in sockets:
            each.hear(packet["name"], json.loads(json.dumps(event)), room)
