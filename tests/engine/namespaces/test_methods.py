"""The steps from an event to its method, which an application may override."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine.namespaces.base import BaseNamespace

from ..conftest import Serve

STEPS = (
    "process_packet",
    "process_event",
    "call_method_with_acl",
    "is_method_allowed",
    "call_method",
)


def noting(step: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def overridden(self: Any, *args: Any) -> Any:
        self.session.setdefault("steps", []).append(step)
        return original(self, *args)

    return overridden


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_is_overridden_is_taken(serve: Serve, step: str) -> None:
    class Usual(BaseNamespace):
        def on_steps(self) -> Any:
            return self.session.get("steps", [])

    override = {step: noting(step, getattr(BaseNamespace, step))}
    own: Any = type("Own", (Usual,), override)
    live = serve({"/usual": Usual, "/own": own})
    client = live.client()
    for name in ("/usual", "/own"):
        client.join(name)
        client.call(name, "steps")  # the second time, the handler is known
    live.socket(client).session.clear()
    assert client.call("/usual", "steps") == [[]]
    assert client.call("/own", "steps") == [[step]]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_may_be_replaced_while_clients_are_there(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Own(BaseNamespace):
        def on_steps(self) -> Any:
            return self.session.get("steps", [])

    client = serve({"/own": Own}).client()
    client.join("/own")
    assert client.call("/own", "steps") == [[]]
    replaced = noting(step, getattr(BaseNamespace, step))
    monkeypatch.setattr(Own, step, replaced)
    assert client.call("/own", "steps") == [[step]]


def test_a_handler_may_be_replaced_while_clients_are_there(serve: Serve) -> None:
    class Own(BaseNamespace):
        def on_one(self) -> int:
            return 1

        def on_other(self, more: int) -> int:
            return more

    live = serve({"/own": Own})
    client = live.client()
    client.join("/own")
    assert client.call("/own", "one") == [1]
    live.socket(client)["/own"].on_one = lambda: 2  # type: ignore[attr-defined]
    assert client.call("/own", "one") == [2]
    del live.socket(client)["/own"].on_one  # type: ignore[attr-defined]
    Own.on_one = Own.on_other  # type: ignore[assignment]
    client.emit("/own", "one")
    assert client.event("/own") == [
        "error",
        "invalid_method_args",
        'on_other misses "more"',
    ]
    del Own.on_one
    client.emit("/own", "one")
    assert client.event("/own")[:2] == ["error", "no_such_method"]


@pytest.mark.parametrize("length", [98, 99, 200])
def test_long_names_of_events_are_events_too(serve: Serve, length: int) -> None:
    name = "e" * length
    own: Any = type("Own", (BaseNamespace,), {f"on_{name}": lambda self: "here"})
    client = serve({"/own": own}).client()
    client.join("/own")
    assert client.call("/own", name) == ["here"]
    assert client.call("/own", name) == ["here"]


def test_no_more_handlers_are_remembered_than_a_class_may_have(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class with `__getattr__` has a handler for every name that clients send."""

    class Own(BaseNamespace):
        def __getattr__(self, name: str) -> Any:
            if not name.startswith("on_"):
                raise AttributeError(name)
            return lambda: name

    monkeypatch.setattr("tgext.socketio.engine.namespaces.handlers._MOST", 5)
    client = serve({"/own": Own}).client()
    client.join("/own")
    for number in range(20):
        assert client.call("/own", f"a{number}") == [f"on_a{number}"]
