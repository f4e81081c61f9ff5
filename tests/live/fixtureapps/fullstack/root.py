"""The pages of the application."""

from __future__ import annotations

from typing import Any

import gevent
import tg
from tg import TGController, expose
from tg.i18n import set_lang

from fullstack import observation
from fullstack.sockets import SocketIO, gate, user_name
from tgext.socketio import SocketIOController


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type="text/plain")
    def index(self) -> str:
        return "full stack"

    @expose("json")
    def who(self) -> dict[str, Any]:
        return {"user": user_name()}

    @expose(content_type="text/plain")
    def login(self, **kwargs: Any) -> str:
        return "log in"

    post_login = post_logout = index

    @expose("json")
    def usage(self) -> dict[str, int]:
        """The numbers of connected clients and of database connections in use."""
        return {
            "clients": len(SocketIOController.namespace("/notes").sockets),
            "pool": tg.app_globals.sa_engine.pool.size(),
            "used": tg.app_globals.sa_engine.pool.checkedout(),
        }

    @expose("json")
    def recall(self, name: str) -> dict[str, Any]:
        return {"value": tg.session.get(name)}

    @expose("json")
    def remember(self, name: str, value: str) -> dict[str, Any]:
        tg.session[name] = value
        tg.session.save()
        return {"value": value}

    @expose("json")
    def cached(self, content: str) -> dict[str, Any]:
        cache = tg.cache.get_cache("notes")
        return {"value": cache.get_value("first", createfunc=lambda: content)}

    @expose("json")
    def forget(self) -> dict[str, Any]:
        tg.session.delete()
        return {}

    @expose("json")
    def speak(self, language: str) -> dict[str, Any]:
        set_lang(language)
        return {"language": language}

    @expose("json")
    def announce(self, content: str, room: str = "") -> dict[str, Any]:
        notes = SocketIO.namespace("/notes")
        if room:
            notes.emit_to_room(room, "announced", content)
        else:
            notes.emit("announced", content)
        return {}

    @expose("json")
    def announce_later(self, content: str) -> dict[str, Any]:
        gevent.spawn(SocketIO.namespace("/notes").emit, "announced", content)
        return {}

    @expose("json")
    def go_on(self) -> dict[str, Any]:
        gate.set()
        return {}

    @expose("json")
    def observed(self) -> dict[str, Any]:
        return {"observed": observation.observed, "reports": observation.reports}
