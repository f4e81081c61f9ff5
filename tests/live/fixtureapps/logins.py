"""Logins and sessions, in any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tg
from tg import MinimalApplicationConfigurator, TGController, expose
from tg.configurator.components.auth import SimpleAuthenticationConfigurationComponent
from tg.configurator.components.session import SessionConfigurationComponent
from users import Users

from tgext.socketio import SocketIOController, SocketIOTGNamespace


class Lab(SocketIOTGNamespace):
    def on_who(self) -> Any:
        identity = tg.request.identity
        return identity and identity["repoze.who.userid"]


class SocketIO(SocketIOController):
    lab = Lab


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def index(self) -> str:
        tg.session["visited"] = True
        tg.session.save()
        return "a page"

    @expose()
    def look(self) -> str:
        return str(tg.session.get("visited"))

    @expose()
    def renew(self) -> str:
        tg.session.invalidate()
        tg.session.save()
        return "another session"


class Globals: ...


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    configurator = MinimalApplicationConfigurator()
    configurator.register(SessionConfigurationComponent)
    configurator.register(SimpleAuthenticationConfigurationComponent)
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": Globals,
            "session.enabled": True,
            "session.type": "cookie",
            "session.validate_key": "a secret",
            "sa_auth.enabled": True,
            "sa_auth.cookie_secret": "secret",
            "sa_auth.authmetadata": Users(),
            "sa_auth.post_login_url": "/look",
            "sa_auth.post_logout_url": "/look",
        }
    )
    application: Callable[..., Any] = configurator.make_wsgi_app(
        dict(global_conf), settings
    )
    return application
