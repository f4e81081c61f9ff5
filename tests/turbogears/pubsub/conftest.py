"""An application with channels, on a server."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
import tg
from tg import MinimalApplicationConfigurator, TGController, expose, require, validate
from tg.predicates import not_anonymous
from tg.validation import Convert

from tests.engine.conftest import Live
from tgext.socketio import SocketIOController
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.pubsub import PubSubTGNamespace, publish


def passing(function: Any) -> Any:
    """A decorator of an application."""

    @wraps(function)
    def wrapper(self: Any, *args: Any) -> Any:
        return function(self, *args)

    return wrapper


class Rooms(PubSubTGNamespace):
    subscribe_nothing = "no method"

    def initialize(self) -> None:
        self.left: list[Any] = []

    def subscribe_news(self) -> None: ...

    def subscribe_news_of_today(self) -> bool:
        return True

    def subscribe_room(self, number: str) -> str:
        return f"room-{number}"

    def subscribe_count(self, number: int) -> int:
        return number

    def subscribe_closed(self) -> bool:
        return False

    def subscribe_packet(self, packet: Any) -> str:
        return "packet " + " ".join(packet["args"])

    def subscribe_silent(self) -> str:
        return ""

    @require(not_anonymous())
    def subscribe_members(self) -> str:
        return "members"

    @validate({"number": Convert(int, "Must be a number")})
    def subscribe_table(self, number: Any) -> str:
        return f"table {number + 1}"

    def no_seat(self, number: Any) -> None:
        self.emit("no seat", number)

    @validate({"number": Convert(int, "Must be a number")}, error_handler=no_seat)
    def subscribe_seat(self, number: Any) -> None: ...

    def subscribe_broken(self) -> None:
        raise RuntimeError("broken")

    def subscribe_leaving(self) -> None:
        self.disconnect()

    @passing
    def leave_room(self, channel: str) -> None:
        self.left.append(channel)

    @passing
    def leave_news(self) -> None:
        self.left.append("news")

    def on_left(self) -> list[Any]:
        return self.left

    def on_say(self, channel: str, message: Any) -> None:
        self.publish(channel, message)

    def on_heard(self) -> list[str]:
        return self.channels

    def on_drop(self, channel: str) -> None:
        self.unsubscribe(channel)

    def on_user_message(self, message: Any) -> None:
        self.publish("news", message)


class Named(Rooms):
    pubblication_channel = True


class SocketIO(SocketIOController):
    chat = Rooms
    named = Named


class Globals: ...


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def announce(self, text: str) -> str:
        publish("news", text)
        return "announced"


class App:
    """A TurboGears application, and its configuration."""

    def __init__(self, **options: Any) -> None:
        configurator = MinimalApplicationConfigurator()
        configurator.update_blueprint(
            {
                "root_controller": RootController(),
                "app_globals": Globals,
                **options,
            }
        )
        self.wsgi = configurator.make_wsgi_app({}, {})
        self.config = tg.request_local.config.current_conf()

    @property
    def channels(self) -> Any:
        return channels_of(self.config)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def live(serve: Callable[..., Live], app: App) -> Any:
    return serve(application=app.wsgi, resource="socketio")


def connect(live: Live, kind: str = "4-websocket", endpoint: str = "/chat") -> Any:
    client = live.client(kind)
    client.join(endpoint)
    return client


def subscribe(client: Any, *args: Any, endpoint: str = "/chat") -> Any:
    [answer] = client.call(endpoint, "subscribe", *args)
    return answer
