"""Administrators, as the UI of Socket.IO is one: they keep what they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from tg import MinimalApplicationConfigurator, TGController
from tg.appwrappers.base import ApplicationWrapper
from tg.predicates import is_user

from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.operation.admin import AdminNamespace

#: Events that come every two seconds, whatever happens.
STATS = "server_stats"


class Chat(RoomsMixin, BroadcastMixin, SocketIOTGNamespace):
    def on_enter(self, room: Any) -> None:
        self.join(room)

    def on_exit(self, room: Any) -> None:
        self.leave(room)

    def on_say(self, *words: Any) -> None:
        self.emit("heard", *words)

    def on_shout(self, *words: Any) -> None:
        self.broadcast_event("shouted", *words)

    def on_count(self) -> int:
        return self.socket_by_id(self.id).count()


class Admin(AdminNamespace):
    allow_only = is_user("ada")


class Globals: ...


class Identify(ApplicationWrapper):
    """Users are named in the query of their handshake."""

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        [user] = parse_qs(environ["QUERY_STRING"]).get("user", [None])
        if user is not None:
            environ["repoze.who.identity"] = {"repoze.who.userid": user}
            environ["repoze.what.credentials"] = {"repoze.what.userid": user}
        return self.next_handler(controller, environ, context)


def application(settings: Any = None, **namespaces: type[SocketIOTGNamespace]) -> Any:
    """An application with administrators."""
    namespaces = {"chat": Chat, "admin": Admin, **namespaces}
    controller: Any = type("SocketIO", (SocketIOController,), namespaces)
    root = type("RootController", (TGController,), {"socketio": controller()})
    configurator = MinimalApplicationConfigurator()
    configurator.register_application_wrapper(Identify)
    configurator.update_blueprint(
        {"root_controller": root(), "app_globals": Globals, **(settings or {})}
    )
    return configurator.make_wsgi_app({}, {})


class Watcher:
    """An administrator in a browser, with the UI's protocol."""

    def __init__(self, live: Live, user: str = "ada", endpoint: str = "/admin") -> None:
        self.client = live.websocket_5(query=f"user={user}")
        self._endpoint = endpoint
        self.client.join(endpoint)
        #: All events but statistics, in their order.
        self.told: list[list[Any]] = []
        self.features = self.next("config")[1]["supportedFeatures"]

    def next(self, *names: str) -> list[Any]:
        """The next event of these names; the others before it are kept, too."""
        while True:
            packet = self.client.read()
            event = [packet.get("name", packet["type"]), *packet.get("args", ())]
            if event[0] != STATS:
                self.told.append(event)
            if event[0] in names:
                return event

    def until(self, condition: Callable[[], bool]) -> None:
        """Read on until something holds."""
        while not condition():
            self.next(*EVENTS)

    def do(self, *event: Any) -> None:
        self.client.emit(self._endpoint, *event)

    @property
    def shown(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The sockets that the UI shows by now, by namespace and id."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for name, *args in self.told:
            if name == "all_sockets":
                found = {(each["nsp"], each["id"]): dict(each) for each in args[0]}
            elif name == "socket_connected":
                found.setdefault((args[0]["nsp"], args[0]["id"]), dict(args[0]))
            elif name == "socket_disconnected":
                found.pop((args[0], args[1]), None)
            elif name == "socket_updated":
                found.get((args[0]["nsp"], args[0]["id"]), {}).update(args[0])
            elif name in ("room_joined", "room_left"):
                socket = found.get((args[0], args[2]))
                if socket is not None:
                    rooms = [each for each in socket["rooms"] if each != args[1]]
                    joined = name == "room_joined"
                    socket["rooms"] = [*rooms, args[1]] if joined else rooms
        return found

    def rooms(self, nsp: str = "/chat") -> list[list[Any]]:
        """The rooms of each socket of a namespace, as the UI shows them."""
        found = self.shown.items()
        return sorted(sorted(each["rooms"]) for (name, _), each in found if name == nsp)

    def ids(self, nsp: str = "/chat") -> list[str]:
        return [sid for name, sid in self.shown if name == nsp]


EVENTS = (
    *("all_sockets", "socket_connected", "socket_updated", "socket_disconnected"),
    *("room_joined", "room_left", "event_received", "event_sent", STATS, "error"),
)
