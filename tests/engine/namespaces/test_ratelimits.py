"""Rate limits: what exceeds them is refused, and who goes on is disconnected."""

from __future__ import annotations

import gc
import logging
import sys
import weakref
from typing import Any

import pytest

from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.namespaces import ratelimits
from tgext.socketio.engine.namespaces.ratelimits import OFFENCES, rate_limit, read

from ..clients import Client, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, Witness, fresh

#: More than one event in so long a time is always too much.
DAY = "1/day"


class Limited(Witness):
    @rate_limit(DAY)
    def on_one(self, *args: Any) -> str:
        return "done"

    @rate_limit("2/day; 5/month")
    def on_two(self, packet: Any) -> str:
        return "done"

    def on_free(self) -> str:
        return "done"

    @rate_limit(DAY)
    def recv_message(self, data: Any) -> str:
        return "done"


def outcome(client: Client, name: str, *args: Any, endpoint: str = "/chat") -> str:
    """Whether an event was handled; if not, the client was told twice."""
    client.emit(endpoint, name, *args, number=1)
    packet = client.read()
    if packet["type"] == "event":
        assert packet["name"] == "error"
        refused, info = packet["args"]
        assert refused == "rate_limited"
        assert 0 < info["retry_after"] <= 31 * 24 * 3600
        answer = client.read()["args"]
        told = [{"error": {"name": refused, "info": info}}]
        assert answer in (told, [None], [])  # 0.9 has null
        return str(info["limit"])
    assert packet["type"] == "ack"
    return str(packet["args"][0])


def test_a_handler_is_called_as_often_as_its_limit_allows(
    serve: Serve, kind: str
) -> None:
    client = serve({"/chat": fresh(Limited)}).joined(kind)
    assert [outcome(client, "one") for _ in range(3)] == ["done", DAY, DAY]
    two = "2/day; 5/month"
    assert [outcome(client, "two", 5) for _ in range(3)] == ["done", "done", two]
    assert [outcome(client, "free") for _ in range(5)] == ["done"] * 5


def test_the_limit_comes_before_the_arguments_are_checked(serve: Serve) -> None:
    class Strict(Echo):
        @rate_limit(DAY)
        def on_one(self, value: Any) -> None: ...

    client = serve({"/chat": Strict}).joined()
    client.emit("/chat", "one", number=1)
    assert client.event("/chat")[:2] == ["error", "invalid_method_args"]
    client.read()
    assert outcome(client, "one") == DAY


def test_connections_do_not_share_a_limit(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Limited)})
    for _ in range(2):
        client = live.joined(kind)
        assert [outcome(client, "one") for _ in "12"] == ["done", DAY]


def test_connecting_again_to_the_namespace_resets_no_limit(serve: Serve) -> None:
    client = serve({"/chat": fresh(Limited), "/other": Echo}).joined()
    client.join("/other")
    assert outcome(client, "one") == "done"
    client.leave("/chat")
    client.join("/chat")
    assert outcome(client, "one") == DAY


def test_messages_can_be_limited(serve: Serve, kind: str) -> None:
    client = serve({"/chat": fresh(Limited)}).joined(kind)
    assert [outcome(client, "message", "hi") for _ in "12"] == ["done", DAY]


@rate_limit("3/day")
class LimitedClass(Witness, BroadcastMixin):
    def on_a(self) -> str:
        return "done"

    @rate_limit(DAY)
    def on_b(self) -> str:
        return "done"


class Derived(LimitedClass):
    def on_c(self) -> str:
        return "done"


@pytest.mark.parametrize("cls", [LimitedClass, Derived])
def test_the_events_of_a_class_count_together(
    serve: Serve, kind: str, cls: type[BaseNamespace]
) -> None:
    client = serve({"/chat": cls}).joined(kind)
    assert [outcome(client, each) for each in "aabaa"] == (
        ["done", "done", "done", "3/day", "3/day"]
    )


def test_what_is_refused_by_one_limit_counts_for_none(serve: Serve) -> None:
    client = serve({"/chat": LimitedClass}).joined()
    found = [outcome(client, each) for each in "bbbbaaa"]
    assert found == ["done", DAY, DAY, DAY, "done", "done", "3/day"]


def test_arriving_and_leaving_do_not_count(serve: Serve, kind: str) -> None:
    client = serve({"/chat": LimitedClass, "/other": Echo}).client(kind)
    client.join("/other")
    for _ in range(5):
        client.join("/chat")
        client.leave("/chat")
    client.join("/chat")
    assert outcome(client, "a") == "done"


def test_arriving_can_be_limited(serve: Serve) -> None:
    class Guarded(Echo):
        @rate_limit(DAY)
        def recv_connect(self) -> None: ...

    live = serve({"/chat": Guarded, "/other": Echo})
    client = live.joined()
    client.join("/other")
    client.leave("/chat")
    client.send("40/chat,")
    assert client.receive().startswith("44/chat,")


def test_who_goes_on_is_disconnected(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    namespace = fresh(Limited)
    live = serve({"/chat": namespace})
    client = live.joined(kind)
    socket = live.socket(client)
    # The first is allowed, and so many may exceed the limit.
    for number in range(OFFENCES.amount + 1):
        client.emit("/chat", "one")
        if number:
            assert client.event("/chat")[:2] == ["error", "rate_limited"]
    assert socket.connected
    client.emit("/chat", "one")
    assert client.event("/chat")[:2] == ["error", "rate_limited"]
    wait_for(lambda: socket.ended, "the client is disconnected")
    wait_for(lambda: namespace.left == ["server namespace disconnect"], "it left")
    [line] = [each.getMessage() for each in caplog.records]
    assert "@rate_limit('1/day') of on_one" in line
    assert socket.log_name in line


def test_a_server_limits_the_events_of_each_connection(
    serve: Serve, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = serve({"/chat": fresh(Limited), "/other": Echo}, max_events_per_second=3)
    client = live.joined(kind)
    client.join("/other")
    clock = Clock(monkeypatch)
    found = [outcome(client, "free") for _ in "1234"]
    assert found == ["done", "done", "done", "3/second"]
    assert outcome(client, "echo", 1, endpoint="/other") == "3/second"
    clock.now += 1
    assert outcome(client, "echo", 1, endpoint="/other") == "1"


def test_the_operator_is_told_which_option_it_was(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    live = serve({"/chat": fresh(Limited)}, max_events_per_second=1)
    client = live.joined()
    Clock(monkeypatch)
    for _ in range(OFFENCES.amount + 2):
        client.emit("/chat", "free")
    wait_for(lambda: not live.server.sockets, "the client is disconnected")
    [line] = [each.getMessage() for each in caplog.records]
    assert line.endswith("max_events_per_second is 1")


class Clock:
    """The clock of the limits, which stands still."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(ratelimits, "clock", lambda: self.now)


class OfUser:
    """A runner whose connection has a user."""

    def __init__(self, runner: Any, user: str | None) -> None:
        self._runner = runner
        self.user = user

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)


class Shared(Echo):
    @rate_limit(DAY, by="user")
    def on_one(self) -> str:
        return "done"


def join_as(live: Live, user: str | None) -> Client:
    client: Client = live.joined()
    socket = live.socket(client)
    runner: Any = OfUser(socket.runner, user)
    socket.runner = runner
    return client


def test_the_connections_of_a_user_can_share_a_limit(serve: Serve) -> None:
    live = serve({"/chat": fresh(Shared)})
    first, second, other = (join_as(live, user) for user in ("ann", "ann", "bob"))
    assert outcome(first, "one") == "done"
    assert outcome(second, "one") == DAY
    assert outcome(other, "one") == "done"
    first.close()
    second.close()
    assert outcome(join_as(live, "ann"), "one") == DAY
    for _ in range(2):
        assert outcome(join_as(live, None), "one") == "done"


@pytest.mark.usefixtures("small_heap")
def test_what_is_used_is_forgotten_with_the_connection(serve: Serve) -> None:
    live = serve({"/chat": fresh(Limited)})
    client = live.joined()
    assert outcome(client, "one") == "done"
    socket = weakref.ref(live.socket(client))
    client.close()
    wait_for(lambda: gc.collect() or socket() is None, "the session is forgotten")


@pytest.mark.parametrize(
    "text", ["", "20", "20/moment", "0/second", "-1/second", 20, None]
)
def test_what_is_no_limit(text: Any) -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        rate_limit(text)


def test_only_namespaces_have_a_limit_of_their_own() -> None:
    with pytest.raises(TypeError, match="Any is no namespace class"):
        rate_limit(DAY)(type("Any", (), {}))


def test_whose_limit_it_is() -> None:
    by: Any = "address"
    with pytest.raises(ValueError, match="address"):
        rate_limit(DAY, by=by)


def test_the_notation_is_that_of_the_library() -> None:
    assert [tuple(each) for each in read("5 per 2 minutes, 9/hour")] == (
        [(5, 120.0), (9, 3600.0)]
    )


def test_without_the_library_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "limits", None)
    with pytest.raises(ImportError, match=r"tgext.socketio\[limits\]"):
        rate_limit(DAY)
