"""The application of tests/live/test_locks.py: values that take long to make.

Whoever makes a value waits until ``/go`` is visited. ``/started`` and ``/made`` tell
how many have asked for a value, and how many were made.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent.event
import tg
from tg import FullStackApplicationConfigurator, TGController, expose

from tgext.socketio import SocketIOController, SocketIOTGNamespace

#: Seconds until a maker gives up.
PATIENCE = 60

started: list[str] = []
made: list[str] = []
go = gevent.event.Event()


def value(kind: str) -> str:
    """A value of ``tg.cache``, which is made when it is not there."""
    data = tg.config["cache_dir"]
    cache = tg.cache.get_cache(
        f"values-{kind}", type=kind, data_dir=data, url=f"sqlite:///{data}/cache.db"
    )
    started.append(kind)
    found: str = cache.get("value", createfunc=lambda: _make(kind))
    return found


def _make(kind: str) -> str:
    assert go.wait(PATIENCE)
    made.append(kind)
    return f"{kind} {len(made)}"


def visit() -> str:
    """A visit of the session, which nobody else may write meanwhile."""
    started.append("session")
    tg.session.lock()
    try:
        assert go.wait(PATIENCE)
        tg.session.save()
        return "visited"
    finally:
        tg.session.unlock()


def lock(function: str) -> str:
    """What is done while a file is locked."""
    started.append(function)
    with Path(tg.config["cache_dir"], "locked").open("w") as file:
        getattr(fcntl, function)(file, fcntl.LOCK_EX)
        assert go.wait(PATIENCE)
        return function


class Values(SocketIOTGNamespace):
    def on_value(self, kind: str) -> str:
        return value(kind)

    def on_lock(self, function: str) -> str:
        return lock(function)


class SocketIO(SocketIOController):
    values = Values


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type="text/plain")
    def index(self) -> str:
        return "values"

    @expose(content_type="text/plain")
    def value(self, kind: str) -> str:
        return value(kind)

    @expose(content_type="text/plain")
    def lock(self, function: str) -> str:
        return lock(function)

    @expose(content_type="text/plain")
    def remember(self) -> str:
        tg.session["colour"] = "red"
        tg.session.save()
        return ""

    @expose(content_type="text/plain")
    def visit(self) -> str:
        return visit()

    @expose(content_type="text/plain")
    def started(self) -> str:
        return str(len(started))

    @expose(content_type="text/plain")
    def go(self) -> str:
        go.set()
        return ""


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {"root_controller": RootController(), "renderers": ["json"], "i18n": False}
    )
    app: Callable[..., Any] = configurator.make_wsgi_app(dict(global_conf), settings)
    return app
