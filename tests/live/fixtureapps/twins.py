"""The applications of ``twins.ini``.

Each has a town, users, a controller of its own at ``/socket.io`` and, as a pluggable
application would bring it, a second one at ``/annex/live``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tg
from tg import FullStackApplicationConfigurator, TGController, expose, request
from tg.configuration.auth import TGAuthMetadata

from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.pubsub import PubSubTGNamespace, publish


class Chat(RoomsMixin, BroadcastMixin, PubSubTGNamespace):
    def on_where(self) -> list[Any]:
        """What the configuration and the URLs of the application are."""
        return [tg.config["town"], self.request.script_name, tg.url("/page")]

    def on_who(self) -> str | None:
        identity = request.identity
        return identity and identity["repoze.who.userid"]

    def on_enter(self, room: str) -> list[str]:
        self.join(room)
        return sorted(self.session["rooms"])

    def on_tell_room(self, room: str, text: str) -> None:
        self.emit_to_room(room, "heard", text)

    def on_shout(self, text: str) -> None:
        self.broadcast_event("heard", text)

    def on_publish(self, channel: str, text: str) -> None:
        self.publish(channel, text)

    def subscribe_news(self) -> None:
        """Everybody may."""


class SocketIO(SocketIOController):
    chat = Chat


class Live(SocketIOController):
    chat = Chat


class Annex(TGController):
    live = Live()

    @expose(content_type="text/plain")
    def announce(self, text: str) -> str:
        Live.namespace("/chat").emit("heard", text)
        return "announced"


class RootController(TGController):
    socket_io = SocketIO()
    annex = Annex()

    @expose(content_type="text/plain")
    def index(self) -> str:
        return str(tg.config["town"])

    @expose(content_type="text/plain")
    def announce(self, text: str) -> str:
        SocketIO.namespace("/chat").emit("heard", text)
        return "announced"

    @expose(content_type="text/plain")
    def announce_to_all(self, text: str) -> str:
        SocketIOController.namespace("/chat").emit("heard", text)
        return "announced"

    @expose(content_type="text/plain")
    def publish(self, text: str) -> str:
        publish("news", text)
        return "published"


class Users(TGAuthMetadata):
    """The users of a town; the password of each is the name of the town."""

    def __init__(self, town: str, users: str) -> None:
        self._town = town
        self._users = users.split()

    def authenticate(self, environ: Any, identity: Mapping[str, Any]) -> str | None:
        user: str = identity["login"]
        return (
            user if user in self._users and identity["password"] == self._town else None
        )

    def get_user(self, identity: Any, userid: str) -> str | None:
        return userid if userid in self._users else None

    def get_groups(self, identity: Any, userid: str) -> list[str]:
        return []

    def get_permissions(self, identity: Any, userid: str) -> list[str]:
        return []


class Globals:
    """``tg.app_globals``, which keeps the backend of the channels."""


def make_app(
    global_conf: Mapping[str, str], town: str, users: str, **settings: str
) -> Callable[..., Any]:
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": Globals,
            "town": town,
            "sa_auth.enabled": True,
            "sa_auth.authmetadata": Users(town, users),
            "sa_auth.post_login_url": "/",
            "serve_static": False,
        }
    )
    return configurator.make_wsgi_app(dict(global_conf), settings)


def urlmap(
    loader: Any, global_conf: Mapping[str, str], **paths: str
) -> Callable[..., Any]:
    """Applications below paths, as ``egg:Paste#urlmap`` serves them."""
    applications = {path: loader.get_app(name) for path, name in paths.items()}

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        for path, each in applications.items():
            if environ["PATH_INFO"].startswith(f"{path}/"):
                environ["SCRIPT_NAME"] += path
                environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(path)
                return each(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such town"]

    return application
