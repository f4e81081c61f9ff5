"""An application with the pages of Socket.IO Admin UI, for tests/live/test_admin_ui.py.

The users ``ada`` and ``bob`` log in with the password ``sesame``; ``ada`` manages.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tg
from tg import MinimalApplicationConfigurator, TGController, expose
from tg.configurator.components.auth import SimpleAuthenticationConfigurationComponent
from tg.predicates import is_user
from users import Users

from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.operation.admin import AdminNamespace

UI = Path(__file__).parents[1] / "adminui/node_modules/@socket.io/admin-ui/ui/dist"

FONTS = re.compile(rb'<link rel="stylesheet" href="https://.*?">')


class Chat(RoomsMixin, SocketIOTGNamespace):
    def on_enter(self, room: str) -> str:
        self.join(room)
        return room

    def on_say(self, text: str) -> str:
        self.emit("heard", text)
        return text


class Quiet(SocketIOTGNamespace):
    """Nobody connects to it."""


class Admin(AdminNamespace):
    allow_only = is_user("ada")


class SocketIO(SocketIOController):
    chat = Chat
    quiet = Quiet
    admin = Admin


class Pages(TGController):
    """The files of the UI. The page asks for fonts of other servers, without them."""

    @expose()
    def _default(self, *path: str) -> bytes:
        # TurboGears takes the endings of the names away.
        name = tg.request.path_info.removeprefix("/ui/") or "index.html"
        content = (UI / name).read_bytes()
        if name == "index.html":
            content = re.sub(
                rb'<link rel="stylesheet" href="https://.*?">', b"", content
            )
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        tg.response.content_type = kind
        return content


class RootController(TGController):
    socketio = SocketIO()
    ui = Pages()

    @expose()
    def index(self) -> str:
        return "a page"


class Globals: ...


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    configurator = MinimalApplicationConfigurator()
    configurator.register(SimpleAuthenticationConfigurationComponent)
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": Globals,
            "sa_auth.enabled": True,
            "sa_auth.cookie_secret": "secret",
            "sa_auth.authmetadata": Users(),
            "sa_auth.post_login_url": "/",
            "sa_auth.post_logout_url": "/",
        }
    )
    application: Callable[..., Any] = configurator.make_wsgi_app(
        dict(global_conf), settings
    )
    return application
