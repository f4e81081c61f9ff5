"""A chat on channels: rooms, names, and who is typing.

From the repository's root, with ``tgext.socketio[pubsub]`` installed::

    python examples/chat.py

and open http://127.0.0.1:8080/ in two windows. With ``tgext.socketio[redis]`` several
processes, also on several machines, share the rooms::

    python examples/chat.py --redis redis://localhost --port 8081
    python examples/chat.py --redis redis://localhost --port 8082
"""

from __future__ import annotations

# Imported before tg, because it patches the standard library.
from tgext.socketio.server import socketio_server_runner

# isort: split
import argparse
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from tg import MinimalApplicationConfigurator, TGController, expose, validate
from tg.validation import TGValidationError

from examples.pingpong import CLIENTS
from tgext.socketio import SocketIOController
from tgext.socketio.pubsub import PubSubTGNamespace

PAGE = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))


class Text:
    """Text of limited length.

    :param most: the maximum number of characters.
    """

    def __init__(self, most: int) -> None:
        self.most = most

    def to_python(self, value: Any, state: object = None) -> str:
        text = value.strip() if isinstance(value, str) else ""
        if not text:
            raise TGValidationError("Say something")
        if len(text) > self.most:
            raise TGValidationError(f"At most {self.most} characters")
        return text


class RoomName:
    """The name of a room: lowercase letters, digits and dashes; others are removed."""

    def to_python(self, value: Any, state: object = None) -> str:
        words = re.findall(r"\w+", value.lower()) if isinstance(value, str) else []
        name = "-".join(words)[:30]
        if not name:
            raise TGValidationError("A room needs a name")
        return name


class Chat(PubSubTGNamespace):
    """One browser's connection. It is in one room at a time."""

    def initialize(self) -> None:
        self.id = secrets.token_urlsafe(6)
        self.name = ""

    @validate({"name": Text(24)})
    def on_enter(self, name: str) -> str:
        """Return an id, by which the browser recognises its own messages."""
        self.name = name
        return self.id

    @validate({"room": RoomName()})
    def subscribe_room(self, room: str) -> str | bool:
        if not self.name:
            return False
        for channel in self.channels:
            if channel != f"room:{room}":
                self.unsubscribe(channel)
        if f"room:{room}" not in self.channels:
            self.tell(f"room:{room}", "joined")
        return f"room:{room}"

    def leave_room(self, channel: str) -> None:
        self.tell(channel, "left")

    @validate({"text": Text(2000)})
    def on_say(self, text: str) -> bool:
        for channel in self.channels:
            self.tell(channel, "said", text=text)
        return bool(self.channels)

    def on_typing(self, typing: bool) -> None:
        for channel in self.channels:
            self.tell(channel, "typing", typing=bool(typing))

    def tell(self, channel: str, kind: str, **more: Any) -> None:
        who = {"id": self.id, "name": self.name}
        self.publish(channel, {"kind": kind, "who": who, "at": time.time(), **more})


class SocketIO(SocketIOController):
    chat = Chat


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type="text/html; charset=utf-8")
    def index(self) -> str:
        client = CLIENTS["4"]
        return PAGE.substitute(script=client.script, integrity=client.integrity)


class Globals:
    """TurboGears' ``app_globals``, where the channels are kept."""


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    """The application factory of PasteDeploy."""
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {"root_controller": RootController(), "app_globals": Globals}
    )
    application: Callable[..., Any] = configurator.make_wsgi_app(
        dict(global_conf), settings
    )
    return application


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default="8080")
    parser.add_argument("--redis", metavar="URL", help="such as redis://localhost")
    options = parser.parse_args()
    form = "%(asctime)s %(levelname)s [%(name)s] %(message)s"
    logging.basicConfig(level=logging.INFO, format=form)
    settings = {}
    if options.redis:
        settings = {"anypubsub.backend": "redis", "anypubsub.host": options.redis}
    app = make_app({}, **settings)
    socketio_server_runner(app, {}, host=options.host, port=options.port)


if __name__ == "__main__":
    main()
