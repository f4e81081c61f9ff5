"""Echoes and numbers, for clients that are served by several workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tg import MinimalApplicationConfigurator, TGController, expose

from tests.engine import upgraders
from tgext.socketio import SocketIOController, SocketIOTGNamespace

from .shared_lab import count_what_is_handed_over


class Chat(SocketIOTGNamespace):
    def on_pid(self) -> int:
        return os.getpid()


class Numbers(upgraders.Numbers, SocketIOTGNamespace):
    """Sends numbers, and takes those of its client."""


class SocketIO(SocketIOController):
    chat = Chat
    numbers = Numbers


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def index(self) -> str:
        return "workers"

    @expose()
    def pid(self) -> str:
        return str(os.getpid())


class Globals:
    """Where the channels are kept."""


def make_app(
    global_conf: Mapping[str, str], shared: str, **settings: str
) -> Callable[..., Any]:
    """The application.

    :param shared: a folder for what all processes share.
    """
    count_what_is_handed_over(Path(shared) / "handed-over")
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {"root_controller": RootController(), "app_globals": Globals}
    )
    application: Callable[..., Any] = configurator.make_wsgi_app(
        dict(global_conf), settings
    )
    return application
