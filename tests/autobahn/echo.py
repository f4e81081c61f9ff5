"""The server of the fuzzing client: two methods that send back each message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tg import MinimalApplicationConfigurator, TGController, expose, request

from tgext.socketio.websocket import websocket

#: The largest message of the suite has 16 MiB.
LARGEST = 16 * 1024 * 1024


def send_back() -> None:
    for message in request.websocket:
        request.websocket.send(message)


class RootController(TGController):
    @expose()
    def index(self) -> str:
        return "echo"

    @expose()
    @websocket(max_message_size=LARGEST)
    def plain(self) -> None:
        send_back()

    @expose()
    @websocket(max_message_size=LARGEST, compression=True)
    def deflate(self) -> None:
        send_back()


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    return configurator.make_wsgi_app(dict(global_conf), settings)
