"""``on_any(self, event, *args)`` handles all events that have no other method."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.namespace import BaseNamespace, event

from ..conftest import Serve


class Catching(BaseNamespace):
    def on_known(self, value: Any) -> Any:
        return ["known", value]

    @event("user:login")
    def log_in(self, user: str) -> Any:
        return ["log_in", user]

    def on_any(self, event: str, *args: Any) -> Any:
        return ["any", event, *args]


class Inherited(Catching):
    def get_initial_acl(self) -> set[str] | None:
        return {"recv_connect", "on_any"}


class ForAny(BaseNamespace):
    """gevent-socketio's: the method of the event ``any``."""

    def on_any(self, first: Any, *args: Any) -> Any:
        return ["the event", first, *args]


@pytest.mark.parametrize(
    ("cls", "name", "args", "answer"),
    [
        (Catching, "known", [1], ["known", 1]),
        (Catching, "user:login", ["ann"], ["log_in", "ann"]),
        (Catching, "unknown", [1, {"a": 2}], ["any", "unknown", 1, {"a": 2}]),
        (Catching, "chat:message", [], ["any", "chat:message"]),
        (Catching, "1", ["x"], ["any", "1", "x"]),
        (Catching, "any", [3], ["any", "any", 3]),
        (Inherited, "unknown", [1], ["any", "unknown", 1]),
        (ForAny, "any", [1, 2], ["the event", 1, 2]),
    ],
)
def test_the_method_of_an_event(
    serve: Serve,
    kind: str,
    cls: type[BaseNamespace],
    name: str,
    args: list[Any],
    answer: list[Any],
) -> None:
    client = serve({"/chat": cls}).client(kind)
    client.join("/chat")
    for _ in range(2):  # the second one finds what the first has left
        assert client.call("/chat", name, *args) == [answer]


@pytest.mark.parametrize(
    ("cls", "name", "error"),
    [
        (Inherited, "known", "method_access_denied"),
        (ForAny, "unknown", "no_such_method"),
        (ForAny, "a-b", "unallowed_event_name"),
    ],
)
def test_it_changes_nothing_else(
    serve: Serve, cls: type[BaseNamespace], name: str, error: str
) -> None:
    client = serve({"/chat": cls}).client("4-websocket")
    client.join("/chat")
    client.emit("/chat", name, 1)
    assert client.event("/chat")[:2] == ["error", error]


def test_what_a_client_sent_with_send_is_a_message(serve: Serve) -> None:
    client = serve({"/chat": Catching}).client("4-websocket")
    client.join("/chat")
    assert client.call("/chat", "message", "hello") == ["hello"]
