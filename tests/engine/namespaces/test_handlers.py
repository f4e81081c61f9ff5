"""The arguments of handlers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial, update_wrapper, wraps
from types import MethodType
from typing import Any

import pytest

from tgext.socketio.engine.namespace import BaseNamespace, allowed_event_name_regex
from tgext.socketio.engine.namespaces.handlers import Handler, Handlers

from ..conftest import Serve


def doubled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as applications have them."""

    @wraps(function)
    def wrapper(self: Any, *args: Any) -> Any:
        return 2 * function(self, *args)

    return wrapper


def adding(function: Callable[..., Any]) -> Callable[..., Any]:
    """Calls with one argument more than the client sends, such as a database."""

    @wraps(function)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, "added", *args, **kwargs)

    return wrapper


def dropping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Takes one argument more than the method, such as a token."""

    @wraps(function)
    def wrapper(self: Any, token: str, one: Any) -> Any:
        return function(self, one) if token == "sesame" else "wrong token"

    return wrapper


def emptying(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(self: Any) -> Any:
        return function(self, 1, 2)

    return wrapper


def with_packet(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(self: Any, packet: Any) -> Any:
        return function(self, *packet["args"])

    return wrapper


class ByObject:
    """A decorator that is an object."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        update_wrapper(self, function)

    def __call__(self, namespace: Any, one: Any) -> Any:
        return self.function(namespace, one, "more")

    def __get__(self, namespace: Any, cls: type) -> Any:
        return self if namespace is None else MethodType(self, namespace)


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

    @adding
    def on_adding(self, added: Any, one: Any) -> Any:
        return [added, one]

    @dropping
    def on_dropping(self, one: Any) -> Any:
        return [one]

    @emptying
    def on_emptying(self, one: Any, two: Any) -> Any:
        return [one, two]

    @dropping
    @adding
    def on_both(self, added: Any, one: Any) -> Any:
        return [added, one]

    @with_packet
    def on_packet_inside(self, one: Any, two: Any) -> Any:
        return [one, two]

    @adding
    def on_packet_outside(self, added: Any, packet: Any) -> Any:
        return [added, packet]

    @ByObject
    def on_object(self, one: Any, more: Any) -> Any:
        return [one, more]

    @lru_cache  # noqa: B019
    def on_cached(self, one: Any) -> Any:
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
        ("adding", [1], ["added", 1]),
        ("dropping", ["sesame", 1], [1]),
        ("dropping", ["simsim", 1], "wrong token"),
        ("emptying", [], [1, 2]),
        ("both", ["sesame", 1], ["added", 1]),
        ("packet_inside", [1, 2], [1, 2]),
        ("packet_outside", [1], ["added", 1]),
        ("object", [1], [1, "more"]),
        ("cached", [1], [1]),
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
        ("dropping", [1], 'on_dropping misses "one"'),
        ("dropping", [1, 2, 3], "on_dropping takes 2 arguments, 3 were given"),
        ("emptying", [1, 2], "on_emptying takes 0 arguments, 2 were given"),
        ("object", [1, 2], "on_object takes 1 argument, 2 were given"),
        ("cached", [], 'on_cached misses "one"'),
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


def test_what_a_decorator_does_not_check_fails_in_the_method(serve: Serve) -> None:
    """The method misses an argument, and the traceback is in the log."""
    client = serve({"/chat": Arguments}).client()
    client.join("/chat")
    client.emit("/chat", "decorated")
    assert client.event("/chat")[:2] == ["error", "internal_error"]
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


@pytest.mark.parametrize("name", ["os.system", "a-b", "é", "chat\n", " a", "", "1"])
def test_an_overridden_step_may_check_the_names_of_events(
    serve: Serve, name: str
) -> None:
    """Applications copied the check of gevent-socketio, with its ``match``."""

    class Checking(BaseNamespace):
        def process_event(self, packet: Any) -> Any:
            allowed = allowed_event_name_regex.match(packet["name"])
            return ["called", packet["name"]] if allowed else "refused"

    client = serve({"/chat": Checking}).client()
    client.join("/chat")
    assert client.call("/chat", name) == ["refused"]
    assert client.call("/chat", "say it") == [["called", "say it"]]
