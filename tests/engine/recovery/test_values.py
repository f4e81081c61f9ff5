"""What an application keeps in the session of a connection that is back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine.recovery.values import Values
from tgext.socketio.wire.socketio.reasons import TRANSPORT_CLOSE

from ..conftest import Live
from .servers import Chat, Server


class Roles(Chat):
    def recv_connect(self) -> None: ...

    def on_set(self, role: str) -> None:
        self.session["role"] = role

    def on_drop(self) -> None:
        self.session.pop("role", None)

    def on_role(self) -> Any:
        return self.session.get("role")


class Pair:
    """A client that is in two namespaces, ``/chat`` and ``/other``."""

    def __init__(self, serve: Callable[..., Live]) -> None:
        self.server = Server(serve, chat=Roles)
        self.client: Any = None
        self.pids: dict[str, str] = {}

    def connect(self) -> None:
        self.client = self.server.live.websocket_5()

    def ask(self, endpoint: str) -> bool:
        """Ask for a namespace; returns whether the client is recovered there."""
        before = self.pids.get(endpoint)
        auth = json.dumps({"pid": before}) if before else ""
        self.client.send(f"40{endpoint},{auth}")
        self.pids[endpoint] = self.client.read()["data"]["pid"]
        return self.pids[endpoint] == before

    def call(self, *event: Any) -> Any:
        return (self.client.call("/chat", *event) or [None])[0]

    def lose(self) -> None:
        self.server.live.socket(self.client).kill(reason=TRANSPORT_CLOSE)


@pytest.fixture
def pair(serve: Callable[..., Live]) -> Pair:
    pair = Pair(serve)
    pair.connect()
    pair.ask("/chat")
    pair.ask("/other")
    pair.call("set", "moderator")
    pair.lose()
    pair.connect()
    return pair


@pytest.mark.parametrize("change", [("drop",), ("set", "guest")])
def test_a_second_namespace_changes_no_values(pair: Pair, change: Any) -> None:
    assert pair.ask("/chat")
    assert pair.call("role") == "moderator"
    pair.call(*change)
    after = pair.call("role")
    assert after != "moderator"
    assert pair.ask("/other")
    assert pair.call("role") == after


@pytest.mark.parametrize("change", [("drop",), ("set", "guest")])
@pytest.mark.parametrize("gone", [True, False])
def test_the_namespace_of_a_later_connection_has_no_older_values(
    pair: Pair, change: Any, gone: bool
) -> None:
    assert pair.ask("/chat")
    pair.call(*change)
    after = pair.call("role")
    if gone:
        pair.lose()
    pair.connect()
    assert pair.ask("/other")
    assert pair.ask("/chat")
    assert pair.call("role") == after


def test_what_a_new_client_was_given_stays(pair: Pair) -> None:
    del pair.pids["/chat"]
    assert not pair.ask("/chat")
    pair.call("set", "guest")
    assert pair.ask("/other")
    assert pair.call("role") == "guest"


def test_values_are_restored_in_whichever_namespace_is_first(pair: Pair) -> None:
    assert pair.ask("/other")
    assert pair.ask("/chat")
    assert pair.call("role") == "moderator"


def test_rooms_are_no_values() -> None:
    values, back = Values(), {"rooms": {"a"}}
    values.keep({"rooms": {"b"}, "role": "guest"})
    assert not values.are_in(back)
    values.restore(back)
    assert back == {"rooms": {"a"}, "role": "guest"}
    assert values.are_in(back)
