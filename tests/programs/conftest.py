"""Plays a program in a way, and keeps what gevent-socketio does with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any
from unittest import mock

import gevent
import pytest

from tests.engine import clients
from tests.engine.conftest import Serve, _timeout, greenlets, serve, unhandled

from .differences import Logs
from .stage import Notes, Stage
from .ways import ORACLE, ORACLES_KIND, RESOURCES, application, load

__all__ = ["_timeout", "greenlets", "serve", "unhandled"]

Play = Callable[[Stage], None]


@contextmanager
def gevent_socketio(app: Any) -> Iterator[Any]:
    """A server of gevent-socketio's fork, in this process."""
    # Python 3.11 removed the function that the fork asks for a handler's arguments.
    getargspec = getattr(inspect, "getargspec", inspect.getfullargspec)
    asked = mock.patch.object(inspect, "getargspec", getargspec, create=True)
    spawned: list[gevent.Greenlet[..., Any]] = []
    gevent.Greenlet.add_spawn_callback(spawned.append)
    server: Any = import_module("socketio.server").SocketIOServer(
        ("127.0.0.1", 0),
        app,
        resource=RESOURCES[ORACLE],
        policy_server=False,
        log=None,
    )
    try:
        with asked:
            server.start()
            yield server
    finally:
        server.stop(timeout=0)
        gevent.Greenlet.remove_spawn_callback(spawned.append)
        gevent.killall(spawned)  # its heartbeats


def perform(
    play: Play, port: int, kind: str, forget: Callable[[str], None]
) -> dict[str, list[str]]:
    """Play, and say what was logged."""
    with Notes() as notes, closing(Stage(port, kind, notes, forget)) as stage:
        play(stage)
        return stage.logs()


def perform_with_gevent_socketio(name: str, play: Play) -> Logs:
    program = load(name, ORACLE)
    with gevent_socketio(application(program, ORACLE)) as server:

        def forget(sid: str) -> None:
            # As when its heartbeat has not come for a minute.
            server.sockets[sid].kill(detach=True)

        with mock.patch.object(clients, "RESOURCE", f"/{RESOURCES[ORACLE]}"):
            return perform(play, server.server_port, ORACLES_KIND, forget)


@pytest.fixture(scope="session")
def oracle() -> Callable[[str, Play], Logs]:
    """What gevent-socketio does; each program is played once."""
    known: dict[str, Logs] = {}

    def ask(name: str, play: Play) -> Logs:
        if name not in known:
            known[name] = perform_with_gevent_socketio(name, play)
        return known[name]

    return ask


@pytest.fixture
def perform_here(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Logs]:
    """Plays a program in one of :data:`.ways.WAYS`, with options of the server."""

    def play_it(name: str, play: Play, way: str, **options: Any) -> Logs:
        host, kind = way.split(", ")
        resource = RESOURCES[host]
        monkeypatch.setattr(clients, "RESOURCE", f"/{resource}")
        app = application(load(name, host), host)
        live = serve(application=app, resource=resource, **options)
        return perform(play, live.port, kind, lambda sid: None)

    return play_it
