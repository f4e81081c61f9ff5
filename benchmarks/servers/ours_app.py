"""tgext.socketio as an application uses it: a minimal TurboGears, served by gearbox.

Started by run.py, or by hand: `PYTHONPATH=. gearbox serve -c ours.ini http_port=PORT`
"""

from __future__ import annotations

from typing import Any

from tg import (
    MinimalApplicationConfigurator,
    TGController,
    expose,
    request,
    require,
    validate,
)
from tg.predicates import Predicate
from tg.validation import Convert

from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.pubsub import PubSubTGNamespace
from tgext.socketio.websocket import websocket


class Bench(SocketIOTGNamespace, BroadcastMixin, RoomsMixin):
    def on_echo(self, data: Any) -> Any:
        self.emit("echoed", data)
        return data

    def on_ask(self, data: Any) -> Any:
        return data

    def on_shout(self, data: Any) -> None:
        self.broadcast_event("heard", data)

    def on_enter(self, room: str) -> bool:
        self.join(room)
        return True

    def on_say(self, room: str, data: Any) -> None:
        self.emit_to_room(room, "heard", data)


class Recovered(Bench):
    recovery = True


class FromHere(Predicate):
    message = "not from this machine"

    def evaluate(self, environ: dict[str, Any], credentials: Any) -> None:
        if environ["REMOTE_ADDR"] != "127.0.0.1":
            self.unmet()


class Checked(SocketIOTGNamespace):
    @require(FromHere())
    @validate({"data": Convert(str)})
    def on_echo(self, data: str) -> str:
        self.emit("echoed", data)
        return data


class Channels(PubSubTGNamespace):
    def subscribe_bench(self) -> bool:
        return True

    def on_publish(self, data: Any) -> None:
        self.publish("bench", data)


class History(Channels):
    history = 100


class Sockets(SocketIOController):
    bench = Bench
    channels = Channels
    checked = Checked
    history = History
    recovered = Recovered


class RootController(TGController):
    socketio = Sockets()

    @expose()
    @websocket
    def raw(self) -> None:
        connection = request.websocket
        for message in connection:
            connection.send(message)


def make_app(global_config: dict[str, str], **settings: str) -> Any:
    """The application factory that ours.ini names."""
    if not settings["anypubsub.host"]:
        del settings["anypubsub.host"]  # the memory backend does not know the option
    root = RootController()
    if settings.pop("has_metrics") == "True":
        from tgext.socketio.operation.metrics import BearerToken, MetricsController

        root.metrics = MetricsController(BearerToken("a secret of 16 characters"))
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": root})
    return configurator.make_wsgi_app(global_config, settings)
