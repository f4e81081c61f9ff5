"""The arguments of handlers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest

from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.namespaces.handlers import Handler, Handlers

from ..conftest import Serve


def doubled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as applications have them."""

    @wraps(function)
    def wrapper(self: Any, *args: Any) -> Any:
        return 2 * function(self, *args)

    return wrapper


class Arguments(BaseNamespace):
    def on_none(self) -> str:
        return "none"

    def on_one(self, one: Any) -> Any:
        return [one]

    def on_two(self, one: Any, two: Any) -> Any:
        return [one, two]

    def on_some(self, one: Any, two: Any = "default") -> Any:
        return [one, two]

    def on_any(self, one: Any, *more: Any) -> Any:
        return [one, *more]

    def on_keyword(self, one: Any, *, two: Any = "default") -> Any:
        return [one, two]

    @staticmethod
    def on_static(one: Any) -> Any:
        return [one]

    @classmethod
    def on_class(cls, one: Any) -> Any:
        return [cls.__name__, one]

    @doubled
    def on_decorated(self, one: Any) -> Any:
        return [one]

    def on_packet(self, packet: Any) -> Any:
        return packet

    def on_packet_and_more(self, packet: Any, more: Any) -> Any:
        return [packet, more]


@pytest.mark.parametrize(
    ("event", "args", "answer"),
    [
        ("none", [], "none"),
        ("one", [None], [None]),
        ("two", [1, 2], [1, 2]),
        ("some", [1], [1, "default"]),
        ("some", [1, 2], [1, 2]),
        ("any", [1], [1]),
        ("any", [1, 2, 3, 4], [1, 2, 3, 4]),
        ("keyword", [1], [1, "default"]),
        ("static", [1], [1]),
        ("class", [1], ["Arguments", 1]),
        ("decorated", [1], [1, 1]),
        ("packet_and_more", [1, 2], [1, 2]),
    ],
)
def test_arguments_that_fit_are_handed_over(
    serve: Serve, event: str, args: list[Any], answer: Any
) -> None:
    client = serve({"/chat": Arguments}).client()
    client.join("/chat")
    assert client.call("/chat", event, *args) == [answer]


@pytest.mark.parametrize(
    ("event", "args", "problem"),
    [
        ("none", [1], "on_none takes 0 arguments, 1 were given"),
        ("one", [], 'on_one misses "one"'),
        ("one", [1, 2], "on_one takes 1 argument, 2 were given"),
        ("two", [], 'on_two misses "one", "two"'),
        ("two", [1], 'on_two misses "two"'),
        ("two", [1, 2, 3], "on_two takes 2 arguments, 3 were given"),
        ("some", [], 'on_some misses "one"'),
        ("some", [1, 2, 3], "on_some takes 2 arguments, 3 were given"),
        ("any", [], 'on_any misses "one"'),
        ("keyword", [1, 2], "on_keyword takes 1 argument, 2 were given"),
        ("decorated", [], 'on_decorated misses "one"'),
        ("packet_and_more", [1], 'on_packet_and_more misses "more"'),
    ],
)
def test_arguments_that_do_not_fit_are_answered_with_what_is_wrong(
    serve: Serve, event: str, args: list[Any], problem: str
) -> None:
    client = serve({"/chat": Arguments}).client()
    client.join("/chat")
    client.emit("/chat", event, *args)
    assert client.event("/chat") == ["error", "invalid_method_args", problem]
    assert client.call("/chat", "one", 1) == [[1]]


@pytest.mark.parametrize("args", [[], [1], [1, {"a": 2}]])
def test_a_lone_argument_called_packet_is_the_whole_packet(
    serve: Serve, kind: str, args: list[Any]
) -> None:
    client = serve({"/chat": Arguments}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "packet", *args, number=3) == [
        {
            "type": "event",
            "endpoint": "/chat",
            "name": "packet",
            "args": args,
            "id": 3,
            "ack": "data",
        }
    ]


def test_a_handler_set_on_an_instance_is_seen(serve: Serve) -> None:
    """What is cached for a class must not hide an attribute of an instance."""

    class Changing(BaseNamespace):
        def on_sum(self, one: int) -> int:
            return one

        def on_change(self) -> None:
            self.on_sum = lambda one, two: one + two  # type: ignore[method-assign,misc,assignment]

    live = serve({"/chat": Changing})
    changed, other = live.client(), live.client()
    for client in (changed, other):
        client.join("/chat")
        assert client.call("/chat", "sum", 1) == [1]
    changed.emit("/chat", "change")
    assert changed.call("/chat", "sum", 1, 2) == [3]
    assert other.call("/chat", "sum", 1) == [1]


def test_no_more_are_remembered_than_a_class_may_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A class with `__getattr__` has a handler for every name that clients send."""
    monkeypatch.setattr("tgext.socketio.engine.namespaces.handlers._MOST", 5)
    known = Handlers(Handler)
    for number in range(20):
        method = partial(divmod, number)
        assert known.of(f"on_a{number}", method).function is method
        assert len(known) <= 5
