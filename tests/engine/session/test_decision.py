"""The decision about a client, by the namespace and the runner."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.wire.socketio.packet import event_packet

from ..clients import DEADLINE
from ..conftest import Serve
from ..sample_namespaces import Chat, Echo, fresh
from .gates import (
    ENDS,
    Gate,
    Scene,
    expect_nothing_of,
    expect_refusal,
    failing,
    serve_around,
)

# Runners


@pytest.mark.parametrize("step", ["_make", "_greet"])
def test_a_wrapper_that_answers_itself_refuses(
    serve: Serve, kind: str, step: str
) -> None:
    def around(function: Any, *args: Any) -> Any:
        answers = function.__name__ == step and args[-1]["endpoint"] == "/chat"
        return None if answers else function(*args)

    client = serve_around(serve, fresh(Gate, step=""), around).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Connection refused")
    assert client.call("/other", "echo", 1) == [1]


async def too_late(namespace: BaseNamespace) -> None:
    raise ConnectionRefused("nothing awaits this")


@pytest.mark.parametrize("name", ["initialize", "recv_connect"])
def test_a_method_that_nothing_awaits_lets_nobody_in(
    serve: Serve, kind: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve({"/chat": type("Late", (Echo,), {name: too_late}), "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Internal server error")
    assert f"{name} is async def, and nothing awaits it: write def" in caplog.text


@pytest.mark.parametrize("step", ["_make", "_greet"])
def test_a_commit_that_fails_refuses(serve: Serve, kind: str, step: str) -> None:
    def around(function: Any, *args: Any) -> Any:
        result = function(*args)
        if function.__name__ == step and args[-1]["endpoint"] == "/chat":
            raise RuntimeError("serialization failure")
        return result

    namespace = fresh(Gate, step="", initialize=Gate.ask)
    live = serve_around(serve, namespace, around)
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Internal server error")
    assert client.call("/other", "echo", 1) == [1]
    expect_nothing_of(live, namespace, live.socket(client))


# What refuses without an exception


def test_an_acl_without_recv_connect_refuses(serve: Serve, kind: str) -> None:
    namespace = fresh(Gate, step="", get_initial_acl=lambda self: {"on_echo"})
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    text = 'You do not have access to method "recv_connect"'
    expect_refusal(client, kind, text)
    expect_nothing_of(live, namespace, live.socket(client))
    assert client.call("/other", "echo", 1) == [1]


def test_a_recv_connect_that_wants_what_nobody_sends_refuses(
    serve: Serve, kind: str
) -> None:
    class Wanting(BaseNamespace):
        def recv_connect(self, token: str) -> None:  # type: ignore[override]
            raise AssertionError

    client = serve({"/chat": Wanting, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, 'recv_connect misses "token"')


# Applications that catch the exceptions of their handlers


def forgiving(step: str) -> Callable[..., Any]:
    """An override that catches what the step of the package raises."""
    original = getattr(BaseNamespace, step)

    def overridden(self: Any, *args: Any) -> Any:
        try:
            return original(self, *args)
        except BaseException:
            return None

    return overridden


def forgive(namespace: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """An ``exception_handler_decorator`` that catches all."""

    def decorated(*args: Any) -> Any:
        try:
            return function(*args)
        except BaseException:
            return None

    return decorated


OVERRIDES: dict[str, Callable[..., Any]] = {
    "exception_handler_decorator": forgive,
    "process_packet": forgiving("process_packet"),
    "call_method_with_acl": forgiving("call_method_with_acl"),
    "call_method": forgiving("call_method"),
}


@pytest.mark.parametrize("end", list(ENDS))
@pytest.mark.parametrize("override", list(OVERRIDES))
def test_who_is_refused_is_not_let_in_by_whoever_catches_it(
    serve: Serve, kind: str, override: str, end: str
) -> None:
    outcome, told = ENDS[end]
    forgives = {override: OVERRIDES[override], "outcome": staticmethod(outcome)}
    scene = Scene(serve, kind)
    for name, value in forgives.items():
        setattr(scene.namespace, name, value)
    scene.namespace.go_on.set()
    scene.ask()
    expect_refusal(scene.client, kind, told)
    scene.expect_nothing()


@pytest.mark.parametrize("override", ["process_packet", "call_method_with_acl"])
def test_an_acl_refuses_whoever_catches_it(serve: Serve, override: str) -> None:
    namespace = fresh(Gate, step="", get_initial_acl=lambda self: {"on_echo"})
    setattr(namespace, override, OVERRIDES[override])
    client = serve({"/chat": namespace}).client()
    client.send(client.dialect.connect("/chat"))
    text = 'You do not have access to method "recv_connect"'
    expect_refusal(client, "4", text)


def test_a_recv_connect_that_is_called_again_may_let_the_client_in(
    serve: Serve, kind: str
) -> None:
    calls: list[str] = []

    class Stubborn(Echo):
        def call_method(self, method_name: str, *args: Any) -> Any:
            try:
                return super().call_method(method_name, *args)
            except ZeroDivisionError:
                return super().call_method(method_name, *args)

        def recv_connect(self) -> None:
            calls.append("recv_connect")
            if len(calls) == 1:
                raise ZeroDivisionError

    client = serve({"/chat": Stubborn}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]
    assert len(calls) == 2


class Unwritable:
    def __str__(self) -> str:
        raise ValueError


class OwnRefusal(ConnectionRefused):
    """An override of an application that does not call ``super()``."""

    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefused("No", datetime.date(2026, 1, 2)), "No"),
        (ConnectionRefused("No", {"who": {1, 2}}), "No"),
        (ConnectionRefused("No", Unwritable()), "No"),
        (ConnectionRefused(KeyError("ada")), "'ada'"),  # type: ignore[arg-type]
        (ConnectionRefused(b"No"), "b'No'"),  # type: ignore[arg-type]
        (ConnectionRefused(Unwritable()), "Internal server error"),  # type: ignore[arg-type]
        (OwnRefusal(), "Connection refused"),
    ],
    ids=repr,
)
def test_who_is_refused_is_told_whatever_the_words(
    serve: Serve, kind: str, error: ConnectionRefused, told: str
) -> None:
    scene = Scene(serve, kind, outcome=staticmethod(failing(error)))
    scene.namespace.go_on.set()
    scene.ask()
    expect_refusal(scene.client, kind, told)
    scene.expect_nothing()


@pytest.mark.parametrize("through", ["/chat", "/other"])
def test_no_ack_answers_what_was_not_asked(
    serve: Serve, kind: str, through: str
) -> None:
    """Not even in a namespace that the client is in."""
    heard: list[Any] = []

    class Asking(Gate):
        def ask(self) -> None:
            self.emit("question", callback=heard.append)

    live = serve({"/chat": Asking, "/other": Chat})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert Asking.entered.wait(DEADLINE)
    number = next(iter(live.socket(client).ack_callbacks))
    client.send(client.dialect.ack(through, number, ("forged",)))
    gevent.sleep(0.1)
    assert heard == []
    Asking.go_on.set()
    assert client.read()["type"] == "connect"
    assert client.read()["id"] == number
    client.send(client.dialect.ack("/other", number, ("elsewhere",)))
    client.send(client.dialect.ack("/chat", number, ("answer",)))
    assert client.call("/chat", "echo", 1) == [1]
    assert heard == ["answer"]


def test_a_constructor_without_super_refuses_and_is_named(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Orphan(BaseNamespace):
        def __init__(self, environ: Any, ns_name: str, request: Any = None) -> None:
            self.answer = 42

    client = serve({"/chat": Orphan, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Internal server error")
    assert client.call("/other", "echo", 1) == [1]
    assert "Orphan.__init__ does not call super().__init__" in caplog.text


def test_a_namespace_that_answers_its_client_itself_answers_once(
    serve: Serve, kind: str
) -> None:
    class Own(Echo):
        def process_packet(self, packet: Any) -> Any:
            if packet["type"] != "connect":
                return super().process_packet(packet)
            self.socket.send_packet(packet)
            return None

    client = serve({"/chat": Own}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


def test_who_never_asked_hears_nothing(serve: Serve, kind: str) -> None:
    """Also when an application loops over the server's sockets, as old ones do."""
    live = serve({"/chat": Chat, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    for socket in live.server.sockets.values():
        socket.send_packet(event_packet("/chat", "secret", ["salary"]))
    assert client.call("/other", "echo", 1) == [1]
