"""Plain events skip steps that do nothing; applications do not notice it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tg
from tg import MinimalApplicationConfigurator, TGController, predicates, require

from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace

Serve = Callable[..., Live]


class Lab(SocketIOTGNamespace):
    def on_ask(self, value: Any) -> Any:
        return value


class SocketIO(SocketIOController):
    lab = Lab


class RootController(TGController):
    socketio = SocketIO()


def answers(told: str) -> Callable[..., Any]:
    def step(self: Any, *args: Any) -> Any:
        return told

    return step


def refuse(*args: Any) -> bool:
    return False


def decorate(self: Any, method: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: ["decorated", method(*args)]


@pytest.fixture
def client(serve: Serve) -> Any:
    """A client whose namespace has handled an event directly."""
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    application = configurator.make_wsgi_app({}, {})
    client = serve(application=application, resource="socketio").websocket_5()
    client.join("/lab")
    assert client.call("/lab", "ask", 1) == [1]
    return client


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("process_event", answers("by process_event"), ["by process_event"]),
        ("call_method_with_acl", answers("by the ACL"), ["by the ACL"]),
        ("call_method", answers("by call_method"), ["by call_method"]),
        ("exception_handler_decorator", decorate, [["decorated", 1]]),
        ("on_ask", answers("by another"), ["by another"]),
    ],
)
def test_a_step_may_be_replaced_while_clients_are_there(
    client: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: Any,
    answer: list[Any],
) -> None:
    monkeypatch.setattr(Lab, name, value, raising=False)
    assert client.call("/lab", "ask", 1) == answer


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_method_allowed", refuse),
        ("allow_only", predicates.not_anonymous(msg="not you")),
        ("on_ask", require(predicates.not_anonymous())(lambda self, value: value)),
    ],
)
def test_access_may_be_taken_while_clients_are_there(
    client: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    monkeypatch.setattr(Lab, name, value)
    client.emit("/lab", "ask", 1, number=9)
    error, denied, reason = client.event("/lab")
    assert [error, denied] == ["error", "method_access_denied"]
    packet = client.read()
    if packet["type"] == "disconnect":  # a client that may not stay gets the reason
        packet = client.read()
    assert packet["args"] == [{"error": {"name": denied, "info": reason}}]


@pytest.fixture
def hooked() -> Iterator[list[Any]]:
    """The arguments of a hook that is registered while clients are connected."""
    calls: list[Any] = []

    def hook(remainder: Any, params: Any) -> None:
        calls.append(params)

    tg.hooks.register("before_call", hook)
    yield calls
    tg.hooks.disconnect("before_call", hook)


def test_a_hook_may_be_registered_while_clients_are_there(
    client: Any, hooked: list[Any]
) -> None:
    assert client.call("/lab", "ask", 2) == [2]
    assert hooked == [{"value": 2}]
