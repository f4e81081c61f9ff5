"""A chat: rooms that remember what was said, who is here, and who is typing.

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
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any

from tg import MinimalApplicationConfigurator, TGController, expose, validate
from tg.validation import TGValidationError

from examples.pages import CLIENTS, Pages
from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.presence import PresenceMixin
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


class Chat(PubSubTGNamespace, RoomsMixin, PresenceMixin):
    """A tab's connection, which is in one room at a time.

    Each room is a channel, whose messages are kept. ``session['who']`` is the person in
    front of the tab.
    """

    #: The number of messages that are kept of each room, and for how many seconds.
    history, history_ttl = 500, 7 * 24 * 3600.0
    #: How many of them the page is sent when it enters a room.
    rewind = 50
    #: Each has its position. The page that was away asks for what came after its last.
    pubblication_position = True
    #: Who was away for a short time is still in the room, with the same `session`.
    recovery = True
    #: Seconds after which who closed the page has left.
    presence_linger = 5.0

    @validate({"name": Text(24), "key": Text(99)})
    def on_enter(self, name: str, key: str) -> str:
        """Return an id, by which the browser recognises its own messages.

        :param key: a secret of the browser, the same in all its tabs.
        """
        who = {"id": sha256(key.encode()).hexdigest()[:12], "name": name}
        self.session["who"] = who
        return who["id"]

    @validate({"room": RoomName()})
    def subscribe_room(self, room: str) -> str | bool:
        if "who" not in self.session:
            return False
        for other in self.rooms:
            if other != room:
                self.leave(other)
                self.unsubscribe(f"room:{other}")
        self.join(room)
        self.track(room, name=self.session["who"]["name"])
        return f"room:{room}"

    def presence_key(self) -> str:
        """The tabs of one browser are one person."""
        return str(self.session["who"]["id"])

    @validate({"text": Text(2000)})
    def on_say(self, text: str) -> bool:
        message = {"who": self.session.get("who"), "at": time.time(), "text": text}
        for channel in self.channels:
            self.publish(channel, message)
        return bool(self.channels)

    def on_typing(self, typing: bool) -> None:
        """Tell the others. It is not kept, nor sent to who is slow."""
        who = self.session.get("who")
        for room in self.rooms:
            self.emit_to_room(room, "typing", who, bool(typing), volatile=True)


class SocketIO(SocketIOController):
    chat = Chat


START = "python examples/chat.py --client-directory client"


class RootController(TGController):
    pages = Pages()
    socketio = SocketIO()

    @expose(content_type="text/html; charset=utf-8")
    def index(self) -> str:
        return PAGE.substitute(client=CLIENTS["4"].tag(START))


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
    parser.add_argument("--client-directory", help="has the client file, see pages.py")
    options = parser.parse_args()
    form = "%(asctime)s %(levelname)s [%(name)s] %(message)s"
    logging.basicConfig(level=logging.INFO, format=form)
    settings = {}
    if options.client_directory:
        settings["client_directory"] = options.client_directory
    if options.redis:
        settings |= {"anypubsub.backend": "redis", "anypubsub.host": options.redis}
        settings["socketio.cluster"] = "true"
    app = make_app({}, **settings)
    socketio_server_runner(app, {}, host=options.host, port=options.port)


if __name__ == "__main__":
    main()
