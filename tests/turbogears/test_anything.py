"""Exceptions of any class, in all places where the application's code runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tg import (
    MinimalApplicationConfigurator,
    TGController,
    expose,
    request,
    require,
    validate,
)
from tg.predicates import Predicate
from tg.validation import TGValidationError

from tests.engine.clients import Client, wait_for
from tests.engine.concurrency.test_failures import RAISED
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController
from tgext.socketio.pubsub import PubSubTGNamespace
from tgext.socketio.websocket import websocket

Make = Callable[[], BaseException]

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture(params=RAISED, ids=lambda make: type(make()).__name__)
def make(request: pytest.FixtureRequest) -> Make:
    result: Make = request.param
    return result


@pytest.fixture
def live(serve: Callable[..., Live], make: Make) -> Live:
    return serve(application=application(make), resource="socketio")


class Refusing:
    def to_python(self, value: Any, *args: Any) -> Any:
        raise TGValidationError("no")


def application(make: Make) -> Any:
    """An application whose parts raise when a test asks for it."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise make()

    class Unmet(Predicate):
        message = "no"

        def evaluate(self, environ: Any, credentials: Any) -> None:
            fail()

    class Validator:
        to_python = staticmethod(fail)

    class Value:
        __json__ = fail

    class Lab(PubSubTGNamespace):
        def on_echo(self, value):
            return value

        def process_event(self, packet):
            return fail() if packet["name"] == "step" else super().process_event(packet)

        @require(Unmet())
        def on_predicate(self):
            pass

        @validate({"value": Validator()})
        def on_validator(self, value=None):
            pass

        @validate({"value": Refusing()}, error_handler=fail)
        def on_error_handler(self, value=None):
            pass

        def on_ack(self):
            return Value()

        def on_emit(self):
            self.emit("news", Value())

        def on_emit_later(self):
            self.emit_on_commit("news", Value())

        def on_error(self):
            self.error("wrong", Value())

        def __getattr__(self, name):
            return (
                fail()
                if name == "on_attribute"
                else object.__getattribute__(self, name)
            )

        subscribe_room = fail

        def subscribe_left(self):
            pass

        leave_left = recv_message = fail

    class Guarded(PubSubTGNamespace):
        allow_only = Unmet()

    class Listed(PubSubTGNamespace):
        get_initial_acl = fail

    class Required(PubSubTGNamespace):
        @require(Unmet())
        def recv_connect(self):
            pass

    class Validated(PubSubTGNamespace):
        @validate({"value": Validator()})
        def recv_connect(self, value=None):
            pass

    class SocketIO(SocketIOController):
        lab, guarded, listed = Lab, Guarded, Listed
        required, validated = Required, Validated

    class RootController(TGController):
        socketio = SocketIO()

        @expose()
        def page(self):
            fail()

        @expose()
        @websocket
        def opened(self):
            fail()

        @expose()
        @require(Unmet())
        @websocket
        def predicate(self):
            pass

        @expose()
        @validate({"value": Validator()})
        @websocket
        def validator(self, value=None):
            pass

        @expose()
        def fine(self):
            return "fine"

        @expose()
        @websocket
        def spoken(self):
            for _ in request.websocket:
                fail()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    return configurator.make_wsgi_app({}, {})


def failures(caplog: pytest.LogCaptureFixture) -> int:
    """The tracebacks in the log."""
    return sum(record.exc_info is not None for record in caplog.records)


def ask(client: Client, name: str, *args: Any) -> list[tuple[str, Any]]:
    """The answers to an event, the ack last."""
    client.emit("/lab", name, *args, number=7)
    told: list[tuple[str, Any]] = []
    while not told or told[-1][0] != "ack":
        packet = client.read()
        told.append((packet["type"], packet["args"]))
    return told


EVENTS = [
    ("step",),
    ("predicate",),
    ("validator", 1),
    ("error handler", 1),
    ("ack",),
    ("emit",),
    ("emit later",),
    ("error",),
    ("attribute",),
    ("subscribe", "room"),
    ("unsubscribe", "left"),
]


def test_in_an_event(live: Live, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    client, other = live.client(kind), live.client(kind)
    client.join("/lab")
    other.join("/lab")
    assert ask(client, "subscribe", "left") == [("ack", ["left"])]
    info = ["internal_error", "Internal server error"]
    failed = {"error": dict(zip(("name", "info"), info, strict=True))}
    ack = None if kind.startswith("0.9") else failed
    for number, (name, *args) in enumerate(EVENTS, 1):
        assert ask(client, name, *args) == [("event", info), ("ack", [ack])], name
        assert failures(caplog) == number, name
    client.emit("/lab", "message", "hello")
    assert client.event("/lab") == ["error", *info]
    assert failures(caplog) == len(EVENTS) + 1
    assert client.call("/lab", "echo", 1) == [1]
    assert ask(client, "subscribe", "left") == [("ack", ["left"])]
    live.socket(client).kill()
    assert failures(caplog) == len(EVENTS) + 2
    assert other.call("/lab", "echo", 1) == [1]


def test_an_exception_on_the_way_in_refuses(
    live: Live, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = live.client(kind)
    client.join("/lab")
    for number, name in enumerate(("guarded", "listed", "required", "validated"), 1):
        client.send(client.dialect.connect(f"/{name}"))
        assert client.read()["type"] == "refused", name
        assert failures(caplog) == number, name
        assert f"/{name}" not in live.socket(client)
    assert client.call("/lab", "echo", 1) == [1]


@pytest.mark.parametrize("path", ["/page", "/opened", "/predicate", "/validator"])
def test_in_a_page(live: Live, path: str, caplog: pytest.LogCaptureFixture) -> None:
    if path == "/opened":
        client = live.websocket(path)
        assert client.receive_close() == 1011
    else:
        headers = {} if path == "/page" else UPGRADE
        assert live.http().get(path, headers=headers).status == 500
    wait_for(lambda: failures(caplog), "the log")
    assert live.http().get("/fine").text == "fine"
    assert failures(caplog) == 1


def test_in_a_plain_websocket(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    client = live.websocket("/spoken")
    client.send("hello")
    assert client.receive_close() == 1011
    wait_for(lambda: failures(caplog), "the log")
    assert live.http().get("/fine").text == "fine"
    assert failures(caplog) == 1
