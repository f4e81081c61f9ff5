"""An application with channels and rooms, for tests with several processes."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from tg import MinimalApplicationConfigurator, TGController, config, expose

from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.pubsub import PubSubTGNamespace, publish


class Chat(RoomsMixin, BroadcastMixin, PubSubTGNamespace):
    def subscribe_news(self) -> None: ...

    def subscribe_private(self, number: int) -> str:
        return f"private-{number}"

    def subscribe_any(self, name: str) -> str:
        return name

    def on_say(self, channel: str, message: Any) -> str:
        self.publish(channel, message)
        return "said"

    def on_enter(self, room: str) -> str:
        self.join(room)
        return room

    def on_pid(self) -> int:
        return os.getpid()

    def on_id(self) -> str:
        return str(self.id)

    def on_survey(self, room: str, seconds: float) -> Any:
        answers, missing = self.room(room).emit("question", ack=seconds)
        return {"answers": answers, "missing": missing}

    def on_move(self, room: str, other: str) -> int:
        """The number of those who were in a room and are in the other now."""
        self.room(room).join(other)
        return self.room(other).count()

    def on_send_away(self, room: str) -> str:
        self.room(room).disconnect("sent away")
        return "done"

    def on_tell_room(self, room: str, *words: Any) -> str:
        self.emit_to_room(room, "told", *words)
        return "told"

    def on_shout(self, *words: Any) -> str:
        self.broadcast_event("shouted", *words)
        return "shouted"

    def on_shout_bytes(self, digits: str) -> str:
        self.broadcast_event("shouted", bytes.fromhex(digits))
        return "shouted"

    def on_shout_to_others(self, *words: Any) -> str:
        self.broadcast_event_not_me("shouted", *words)
        return "shouted"


class SocketIO(SocketIOController):
    chat = Chat


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def index(self) -> str:
        return "channels"

    @expose()
    def pid(self) -> str:
        return str(os.getpid())

    @expose()
    def publish(self, channel: str, message: str) -> str:
        """``published``, or the error."""
        try:
            publish(channel, message)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return "published"

    @expose()
    def emit(self, text: str, room: str = "") -> str:
        handle = SocketIO.namespace("/chat")
        if room:
            handle.emit_to_room(room, "paged", text)
        else:
            handle.emit("paged", text)
        return "emitted"

    @expose()
    def work(self, text: str) -> str:
        """Publish and emit from threads of gevent's pool."""
        handle = SocketIO.namespace("/chat")

        def job(number: int) -> None:
            publish("news", f"{text} {number}")
            handle.emit("paged", f"{text} {number}")

        pool = gevent.get_hub().threadpool
        for number in range(10):
            pool.apply(job, (number,))
        return "worked"

    @expose("json")
    def state(self) -> dict[str, int]:
        gc.collect()
        greenlets = [each for each in gc.get_objects() if is_running(each)]
        return {
            "greenlets": len(greenlets),
            "channels": len(channels_of(config)),
        }


def is_running(item: Any) -> bool:
    # `isinstance` would call TurboGears' proxies, which are among the items.
    return issubclass(type(item), gevent.Greenlet) and not item.dead


class Globals: ...


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    logging.captureWarnings(True)
    root: Any = RootController()
    if "metrics_token" in settings:
        from tgext.socketio.operation.metrics import BearerToken, MetricsController

        root.metrics = MetricsController(BearerToken(settings["metrics_token"]))
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": root, "app_globals": Globals})
    application: Callable[..., Any] = configurator.make_wsgi_app(
        dict(global_conf), settings
    )
    return application
