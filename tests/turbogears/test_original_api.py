"""Tests in the style of applications of the original: they must keep working."""

from __future__ import annotations

import json
import random
from typing import Any
from unittest.mock import MagicMock

import pytest
from tg import (
    MinimalApplicationConfigurator,
    TGController,
    predicates,
    require,
    validate,
)
from tg.validation import TGValidationError
from webtest import TestApp

from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.pubsub import PubSubTGNamespace

from . import apps
from .apps import make_app, mount, post


class NoFireBall:
    def to_python(self, value: Any, *args: Any, **kw: Any) -> Any:
        kind = value["type"]
        if kind == "auto":
            return {"type": random.choice(["ping"])}
        if kind == "bad":
            raise TGValidationError("Invalid Type")
        return value


class PingPong(SocketIOTGNamespace):
    def on_ping(self, attack):
        if attack["type"] == "fireball":
            for _ in range(10):
                self.emit("pong", {"sound": "bang!"})
        else:
            self.emit("pong", {"sound": "pong"})

    @validate({"attack": NoFireBall()})
    def on_safe_ping(self, attack):
        self.emit("pong", attack)

    def ping_error(self, attack):
        self.emit("ping_error", {"attack": attack})

    @validate({"attack": NoFireBall()}, error_handler=ping_error)
    def on_handled_ping(self, attack):
        self.emit("pong", attack)

    @require(predicates.not_anonymous())
    def on_authenticated(self):
        self.emit("ok", {"sound": "pong"})

    @require(None)
    def on_nopred(self):
        self.emit("ok")


def event(name: str, *args: Any) -> dict[str, Any]:
    return {"endpoint": "/test", "type": "event", "name": name, "args": args}


@pytest.mark.parametrize(
    ("name", "attack", "sent"),
    [
        ("ping", "ping", [event("pong", {"sound": "pong"})]),
        ("ping", "fireball", [event("pong", {"sound": "bang!"})] * 10),
        ("safe ping", "ping", [event("pong", {"type": "ping"})]),
        ("safe ping", "auto", [event("pong", {"type": "ping"})]),
        ("handled_ping", "auto", [event("pong", {"type": "ping"})]),
        (
            "handled_ping",
            "bad",
            [event("ping_error", {"attack": {"type": "bad"}})],
        ),
    ],
)
def test_events_reach_their_methods(
    name: str, attack: str, sent: list[dict[str, Any]]
) -> None:
    assert post(PingPong, name, {"type": attack}).sent == sent


def test_errors_go_through_the_socket_as_they_did() -> None:
    posted = post(PingPong, "safe ping", {"type": "bad"})
    posted.socket.error.assert_called_once_with(
        "invalid_method_args",
        {"attack": "Invalid Type"},
        msg_id=None,
        endpoint="/test",
        quiet=False,
    )


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing", ("no_such_method", 'The method "on_missing" was not found')),
        (
            "authenticated",
            (
                "method_access_denied",
                'You do not have access to method "on_authenticated"',
            ),
        ),
        (
            "nopred",
            ("method_access_denied", 'You do not have access to method "on_nopred"'),
        ),
        (
            "no-such",
            (
                "unallowed_event_name",
                "name must only contains alpha numerical characters",
            ),
        ),
    ],
)
def test_errors_are_worded_as_they_were(name: str, error: tuple[str, str]) -> None:
    assert post(PingPong, name).errors == [error]


def test_a_user_may_what_an_anonymous_one_may_not() -> None:
    assert post(PingPong, "authenticated", user="ada").sent == [
        event("ok", {"sound": "pong"})
    ]


def test_the_namespace_is_in_the_environment() -> None:
    posted = post(PingPong, "ping", {"type": "ping"})
    assert isinstance(posted.namespace, PingPong)
    assert posted.namespace.ns_name == "/test"
    assert posted.namespace.socket is posted.socket


@pytest.mark.parametrize(
    ("path", "environ"),
    [
        ("/socketio/test", {"mocksocketio": "false"}),
        ("/socketio/none", {}),
        ("/socketio/", {}),
    ],
)
def test_neither_a_page_nor_a_socket_is_a_bad_request(
    path: str, environ: dict[str, Any]
) -> None:
    app = TestApp(make_app(mount(PingPong)))
    app.request(path, environ=environ, body=json.dumps({}).encode(), status=400)


def test_the_log_says_what_a_bad_request_lacks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "tgext.socketio")
    app = TestApp(make_app(mount(PingPong)))
    app.request("/socketio/x%0Ay", environ={"mocksocketio": "false"}, status=400)
    [line] = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("tgext.socketio")
    ]
    assert line.startswith("Refused GET /socketio/x\\ny of ")
    assert "socketio_resource" in line


class MockServer:
    """The server of the original's tests."""

    def __init__(self) -> None:
        self.sockets: dict[str, Any] = {}

    def get_socket(self, socket_id: str = "") -> Any:
        return self.sockets.get(socket_id)


class Everything(PubSubTGNamespace, RoomsMixin, BroadcastMixin):
    def on_all(self):
        self.join("lobby")
        self.emit_to_room("lobby", "hello")
        self.broadcast_event("hello")
        self.broadcast_event_not_me("hello")
        self.emit("question", callback=print)
        self.spawn(self.emit, "later").join()
        self.emit("rooms", sorted(self.session["rooms"]))
        self.leave("lobby")
        self.disconnect()

    def subscribe_news(self):
        pass


@pytest.mark.parametrize("server", [MockServer, MagicMock])
def test_the_socket_of_a_test_needs_no_server_of_ours(server: Any) -> None:
    mock = server()
    socket = Socket(mock, {})
    socket.error = MagicMock()  # type: ignore[method-assign]
    socket.send_packet = MagicMock()  # type: ignore[method-assign]
    namespace = Everything({"socketio": socket}, "/test")
    namespace.process_packet(event("all"))
    sent = [call.args[0] for call in socket.send_packet.call_args_list]
    assert [each.get("name", each["type"]) for each in sent] == [
        "question",
        "later",
        "rooms",
        "disconnect",
    ]
    assert sent[2]["args"] == (["/test_lobby"],)
    assert not socket.error.called


def test_a_channel_is_heard_with_the_server_of_the_original_s_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apps, "Server", MockServer)
    posted = post(Publisher, "subscribe", "news")
    assert posted.errors == []
    assert posted.namespace.channels == ["the news"]
    posted.namespace.unsubscribe("the news")


class Publisher(PubSubTGNamespace):
    def subscribe_news(self):
        return "the news"

    def on_announce(self):
        self.publish("the news", "hello")


def test_channels_are_heard_by_joining_the_first_job() -> None:
    posted = post(Publisher, "subscribe", "news")
    namespace = posted.namespace
    listening = namespace.jobs[0]
    listening.join(0)
    packet = {"type": "event", "name": "announce", "endpoint": "", "args": []}
    namespace.process_packet(packet)
    listening.join(0)
    posted.socket.send_packet.assert_called_once_with(
        {**event("pubblication"), "args": ("hello",)}
    )
    namespace.kill_local_jobs()


class Chat(PubSubTGNamespace):
    """As in the original's example of a chat."""

    def subscribe_room(self, number):
        self.session["channel"] = f"room-{number}"
        self.emit("userid", f"u-{len(self.socket.server.sockets)}")
        return self.session["channel"]

    def on_user_message(self, message):
        self.publish(self.session["channel"], {"message": message})


@pytest.mark.parametrize("kind", ["0.9-websocket", "0.9-xhr-polling"])
def test_the_original_s_chat(serve: Any, kind: str) -> None:
    class Root(TGController):
        class SocketIO(SocketIOController):
            chat = Chat

        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": Root()})
    application = configurator.make_wsgi_app({}, {})
    live = serve(application=application, resource="socketio")
    clients = [live.client(kind) for _ in range(3)]
    for number, client in zip("112", clients, strict=True):
        client.join("/chat")
        client.emit("/chat", "subscribe", "room", number)
        assert client.event("/chat") == ["userid", "u-3"]
    one, two, elsewhere = clients
    one.emit("/chat", "user_message", "hello")
    two.emit("/chat", "user_message", "hi")
    elsewhere.emit("/chat", "user_message", "alone")
    for client in (one, two):
        heard = [client.event("/chat") for _ in range(2)]
        assert sorted(message["message"] for _, message in heard) == ["hello", "hi"]
        assert {name for name, _ in heard} == {"pubblication"}
    assert elsewhere.event("/chat") == ["pubblication", {"message": "alone"}]


def test_exception_handler_decorator_gets_the_values_by_name() -> None:
    class Decorated(SocketIOTGNamespace):
        def exception_handler_decorator(self, method):
            def wrap(*args, **kwargs):
                self.emit("wrapped", kwargs["attack"])

            return wrap

        @validate({"attack": NoFireBall()})
        def on_ping(self, attack):
            self.emit("never")

    assert post(Decorated, "ping", {"type": "ping"}).sent == [
        event("wrapped", {"type": "ping"})
    ]


def test_exception_handler_decorator_wraps_no_error_handler() -> None:
    class Decorated(SocketIOTGNamespace):
        def exception_handler_decorator(self, method):
            self.emit("wrapped", method.__name__)
            return method

        def no_fireball(self, attack):
            self.emit("error handler", attack)

        @validate({"attack": NoFireBall()}, error_handler=no_fireball)
        def on_ping(self, attack):
            self.emit("pong")

        def on_plain(self, *args):
            self.emit("plain", *args)

    assert post(Decorated, "ping", {"type": "ping"}).sent == [
        event("wrapped", "on_ping"),
        event("pong"),
    ]
    assert post(Decorated, "ping", {"type": "bad"}).sent == [
        event("error handler", {"type": "bad"})
    ]
    # Without validators, gevent-socketio calls it: by position.
    assert post(Decorated, "plain", 1, 2).sent == [
        event("wrapped", "on_plain"),
        event("plain", 1, 2),
    ]


def test_the_original_s_names_are_where_they_were() -> None:
    from tgext.socketio.namespace import (
        SocketIOTGNamespace as Again,
    )
    from tgext.socketio.namespace import (
        UnsupportedTGVersionException,
    )
    from tgext.socketio.server import (
        DebugModeForbiddenException,
        socketio_server_runner,
    )

    assert Again is SocketIOTGNamespace
    assert issubclass(SocketIOController, object)
    assert issubclass(UnsupportedTGVersionException, Exception)
    assert issubclass(DebugModeForbiddenException, Exception)
    assert callable(socketio_server_runner)
