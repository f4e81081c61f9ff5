"""The runner of a connection's events, and what it does before and after each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine.namespaces.runner import PLAIN

from ..clients import KINDS
from ..conftest import Serve
from ..runners import around
from ..sample_namespaces import Echo, Witness, fresh


def test_all_that_runs_of_a_namespace_runs_in_the_frameworks_context(
    serve: Serve, kind: str
) -> None:
    inside: list[bool] = []

    class Looking(Witness):
        def look(self) -> None:
            seen.append(bool(inside))

        initialize = recv_connect = on_look = look

        def recv_disconnect(self) -> None:
            self.look()
            super().recv_disconnect()

    def context(function: Callable[..., Any], *args: Any) -> Any:
        inside.append(True)
        try:
            return function(*args)
        finally:
            inside.pop()

    seen: list[bool] = []
    live = serve(application=around({"/chat": Looking}, context))
    client = live.client(kind)
    client.join("/chat")
    client.call("/chat", "look")
    live.socket(client).kill()
    assert seen == [True] * 4


def test_a_context_that_cannot_be_made_harms_one_event(serve: Serve, kind: str) -> None:
    broken: list[bool] = []

    def context(function: Callable[..., Any], *args: Any) -> Any:
        if broken:
            raise RuntimeError("the password is sesame")
        return function(*args)

    first, second = fresh(Witness), fresh(Witness)
    live = serve(application=around({"/chat": first, "/game": second}, context))
    client = live.client(kind)
    client.join("/chat")
    client.join("/game")
    broken.append(True)
    client.emit("/chat", "echo", 1)
    assert client.event("/chat") == [
        "error",
        "internal_error",
        "Internal server error",
    ]
    broken.clear()
    assert client.call("/chat", "echo", 1) == [1]
    # The connection ends nevertheless.
    broken.append(True)
    live.socket(client).kill()
    assert live.server.sockets == {}
    assert live.server.rooms.members("/chat") == []


@pytest.mark.parametrize("kind", [each for each in KINDS if each[0] != "4"])
def test_a_context_that_cannot_be_made_at_first_is_told(
    serve: Serve, kind: str
) -> None:
    broken = [True]

    def context(function: Callable[..., Any], *args: Any) -> Any:
        if broken:
            broken.clear()
            raise RuntimeError("the password is sesame")
        return function(*args)

    live = serve(application=around({"": Echo, "/chat": Echo}, context))
    client = live.client(kind, main=False)
    assert client.read()["type"] == "refused"
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


def test_without_a_framework_functions_are_called_as_they_are() -> None:
    assert PLAIN.run(divmod, 7, 2) == (3, 1)
    assert PLAIN.job(divmod) is divmod
    assert PLAIN.run_in_job(lambda: 7) == 7
    error = LookupError("no")

    def fail() -> None:
        raise error

    with pytest.raises(LookupError) as raised:
        PLAIN.run(fail)
    assert raised.value is error
