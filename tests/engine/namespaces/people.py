"""Clients of several users in a namespace with rooms."""

from __future__ import annotations

from typing import Any

from tgext.socketio.engine.hub.index import public_id
from tgext.socketio.engine.mixins import RoomsMixin

from ..clients import Client
from ..conftest import Live
from ..runners import Around
from ..sample_namespaces import Witness


class Club(Witness, RoomsMixin):
    def on_enter(self, room: str) -> None:
        self.join(room)

    def on_rooms(self) -> Any:
        return sorted(self.rooms)

    def on_id(self) -> str:
        return str(self.id)


class Plain(Witness):
    """Without rooms of its own."""


def people(live: Live, *names: str | None, kind: str = "4-websocket") -> list[Client]:
    """Clients that are in the namespace, of these users."""
    clients = []
    for name in names:
        client = live.client(kind)
        runner: Any = Around(lambda function, *args: function(*args))
        runner.user = name
        live.socket(client).runner = runner
        client.join("/chat")
        clients.append(client)
    return clients


def sid_of(live: Live, client: Client) -> str:
    return public_id(live.socket(client).sessid, "/chat")


def namespace_of(live: Live, client: Client) -> Any:
    return live.socket(client)["/chat"]


def fresh(*bases: type) -> Any:
    return type("Fresh", bases or (Club,), {})
