"""An application of the tests: a queue of tickets, with all that clients meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tg
from gevent.event import Event
from tg import MinimalApplicationConfigurator, TGController, abort, expose, validate
from tg.validation import Convert

from tgext.socketio import SocketIOController, SocketIOTGNamespace, rate_limit
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.presence import PresenceMixin
from tgext.socketio.pubsub import PubSubTGNamespace
from tgext.socketio.websocket import websocket


def user() -> str | None:
    return tg.request.environ.get("REMOTE_USER")


class Main(SocketIOTGNamespace):
    def on_echo(self, *args: Any) -> Any:
        return args


class Queue(SocketIOTGNamespace, RoomsMixin, BroadcastMixin):
    """Not open to mallory, and knows who is behind each connection."""

    recovery = True
    #: Set when a handler that waits may go on.
    go_on = Event()

    def recv_connect(self) -> None:
        if user() == "mallory":
            abort(403, "not mallory")
        self.emit("welcome", user())

    def recv_disconnect(self) -> None:
        self.broadcast_event("left", user(), self.disconnect_reason)

    def on_claim(self, number: int) -> tuple[int, str | None]:
        self.broadcast_event_not_me("claimed", number, user())
        return number, user()

    def on_echo(self, *args: Any) -> Any:
        return args

    @validate({"number": Convert(int)})
    def on_count(self, number: int) -> int:
        return number + 1

    def recv_message(self, data: Any) -> Any:
        self.send(data, json=not isinstance(data, str))
        return ["heard", data]

    recv_json = recv_message

    def on_fail(self) -> None:
        raise RuntimeError("broken")

    def on_wait(self) -> str:
        self.go_on.wait()
        return f"waited as {user()}"

    def on_ask(self) -> Any:
        return self.call("question", 6, timeout=5)

    def on_bye(self) -> None:
        self.disconnect()

    def on_cookie(self, name: str) -> str | None:
        return tg.request.cookies.get(name)

    def on_auth(self) -> Any:
        return self.auth

    def on_query(self) -> str:
        return str(self.environ["QUERY_STRING"])

    @rate_limit("1/minute")
    def on_seldom(self) -> str:
        return "now"


class Here(SocketIOTGNamespace, PresenceMixin):
    presence_linger = 30
    recovery = True

    def recv_connect(self) -> None:
        self.track()


class News(PubSubTGNamespace):
    history = 10
    rewind = 1

    def subscribe_sports(self) -> None: ...

    def on_write(self, text: str) -> None:
        self.publish("sports", text)


class SocketIO(SocketIOController):
    global_namespace = Main
    queue = Queue
    here = Here
    news = News

    @expose()
    @websocket(subprotocols=["chat"])
    def live(self, **params: str) -> None:
        for message in tg.request.websocket:
            if message == "close":
                tg.request.websocket.close(4001, "enough")
                return
            tg.request.websocket.send(message)


class Root(TGController):
    socketio = SocketIO()

    @expose()
    def tell(self, word: str) -> str:
        SocketIO.namespace("/queue").emit("told", word)
        return "told"

    @expose()
    def remember(self, word: str) -> str:
        tg.response.set_cookie("word", word)
        return "remembered"


class Globals: ...


def make_app(**options: Any) -> Callable[..., Any]:
    configurator = MinimalApplicationConfigurator()
    blueprint = {"root_controller": Root(), "app_globals": Globals, **options}
    configurator.update_blueprint(blueprint)
    return configurator.make_wsgi_app({}, {})
