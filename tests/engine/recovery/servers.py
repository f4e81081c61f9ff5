"""Servers whose clients recover, without a framework."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tgext.socketio.engine import socketio_manage
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.namespaces.runner import PlainRunner
from tgext.socketio.engine.recovery.journal import Journal

from ..conftest import Live
from .records import ListRecord


class Chat(BaseNamespace):
    recovery = True

    def recv_connect(self) -> None:
        self.emit("welcome", self.recovered)

    def on_ask(self) -> None:
        self.emit("asked", callback=lambda: None)


class Unlogged(BaseNamespace):
    recovery = "something of the application's"

    def recv_connect(self) -> None:
        self.emit("welcome", self.recovered)


class Server:
    """A server whose namespaces have a log."""

    def __init__(
        self, serve: Callable[..., Live], chat: type[Chat] = Chat, **options: Any
    ) -> None:
        self.record = ListRecord()
        self.user: str | None = None  # of those that connect next
        namespaces = {"/chat": chat, "/other": chat, "/unlogged": Unlogged}

        def application(environ: dict[str, Any], start: Any) -> list[bytes]:
            if "socketio" in environ:
                socket = environ["socketio"]
                socket.runner = runner = PlainRunner()
                runner.user = self.user
                hub = socket.hub
                rest = hub.timers, hub.settings.recovery_window, 1000
                hub.rooms.make_journal = partial(make, hub.rooms, self.record, *rest)
                socketio_manage(environ, namespaces)
            start("200 OK", [])
            return [b""]

        self.live = serve(application=application, **options)

    def connect(
        self, pid: str = "", offset: Any = None, endpoint: str = "/chat"
    ) -> tuple[Any, Any]:
        client = self.live.websocket_5()
        auth = json.dumps({"pid": pid, "offset": offset}) if pid else ""
        client.send(f"40{endpoint},{auth}")
        return client, client.read()["data"].get("pid")

    @property
    def journal(self) -> Any:
        return self.live.server.hub.rooms.journals["/chat"]


def make(rooms: Any, record: Any, *args: Any) -> Journal:
    timers, window, most, endpoint = args
    return Journal(endpoint, rooms, record, timers, window, most)
