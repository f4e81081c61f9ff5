"""The limits of what the process keeps for one client: bytes, rooms, pending acks."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.engine.hub.account import (
    Account,
    Bounds,
    LimitExceeded,
    cost,
)
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.wire.errors import MessageTooBig

from ..clients import wait_for
from ..conftest import Serve
from ..sample_namespaces import Chat, Echo, fresh

NUMBERS = {"max_rooms": 3}


# Bytes


@pytest.mark.parametrize("message", ["", b"", "3", "x" * 1000, "\U0001f600" * 1000])
def test_a_message_costs_what_it_takes(message: str | bytes) -> None:
    """A queued message is an object, the tuple that holds it, and a place."""
    assert cost(message) >= message.__sizeof__() + 56 + 8
    assert cost(message) < message.__sizeof__() + 128


steps = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), st.integers(0, 2_000_000)),
        st.tuples(st.just("release"), st.integers(0, 20)),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=40,
)


@given(steps)
def test_an_account_is_the_sum_of_what_is_kept(steps: list[tuple[str, int]]) -> None:
    bounds = Bounds(100_000, 4 * 100_000, NUMBERS)
    account = Account(bounds)
    kept: list[int] = []
    closed = False
    for step, value in steps:
        if step == "charge":
            if not closed and sum(kept) + value > bounds.most:
                with pytest.raises(MessageTooBig, match="max_message_size"):
                    account.charge(value)
            else:
                account.charge(value)
                kept.append(value)
        elif step == "release" and kept:
            account.release(kept.pop(value % len(kept)))
        elif step == "close":
            account.close()
            closed = True
        assert account.size == (0 if closed else sum(kept))
        assert account.full is (account.size > bounds.unread)
    assert account.closed is closed


def test_a_client_waits_before_its_connection_ends() -> None:
    for size in (1, 500, 1_000_000):
        bounds = Bounds(size, 4 * size, NUMBERS)
        # One more message, whose characters take four bytes each.
        assert bounds.unread + 4 * size + 1000 < bounds.most


# Numbers


def test_one_thing_more_than_there_may_be_is_refused() -> None:
    account = Account(Bounds(1000, 4 * 1000, NUMBERS))
    account.check("max_rooms", 2)
    with pytest.raises(LimitExceeded, match=r"^max_rooms: a client has 3 already"):
        account.check("max_rooms", 3)


def test_as_many_rooms_as_are_allowed_and_one_more(serve: Serve, kind: str) -> None:
    """In all namespaces of a connection together; joining again does not count."""
    live = serve({"/chat": Chat, "/more": Chat}, max_rooms=3)
    client = live.client(kind)
    client.join("/chat")
    client.join("/more")
    for endpoint, room in (("/chat", "a"), ("/chat", "b"), ("/more", "a")):
        assert client.call(endpoint, "join", room) in ([None], [])
    assert client.call("/chat", "join", "a") in ([None], [])
    client.emit("/more", "join", "b")
    assert client.event("/more")[:2] == ["error", "internal_error"]
    assert live.server.rooms.members("/more", "b") == []
    # Leaving a room makes room for another one, and so does leaving a namespace.
    assert client.call("/chat", "leave", "a") in ([None], [])
    assert client.call("/more", "join", "b") in ([None], [])
    client.leave("/more")
    for room in ("c", "d"):
        assert client.call("/chat", "join", room) in ([None], [])
    assert client.call("/chat", "echo", 1) == [1]


def test_rooms_of_namespaces_that_were_left_are_forgotten(serve: Serve) -> None:
    """A client that joins and leaves in a loop leaves nothing behind."""
    live = serve({"/chat": Chat, "/": Echo})
    client = live.websocket_5()
    client.join("/chat")
    session: Any = live.socket(client).session
    for number in range(5):
        for room in range(10):
            client.emit("/chat", "join", f"{number} {room}")
        assert client.call("/chat", "echo", 1) == [1]
        assert len(session["rooms"]) == 10
        client.leave("/chat")
        client.join("/chat")
    assert session["rooms"] == set()
    assert live.server.rooms.statistics().rooms == 1


class Asking(BaseNamespace):
    answers: list[Any]

    def on_ask(self, times: int) -> None:
        for _ in range(times):
            self.emit("question", callback=self.answers.append)

    def on_call(self) -> str:
        for _ in range(3):
            self.emit("question", callback=self.answers.append)
        with pytest.raises(LimitExceeded, match="max_pending_acks"):
            self.call("question")
        with pytest.raises(LimitExceeded, match="max_pending_acks"):
            self.emit("question", callback=self.answers.append, timeout=1.0)
        return str(len(self.socket.ack_callbacks))

    def on_echo(self, value: Any) -> Any:
        return value


def test_a_call_is_refused_likewise(serve: Serve) -> None:
    live = serve({"/chat": fresh(Asking, answers=[])}, max_pending_acks=3)
    client = live.websocket_5()
    client.join("/chat")
    client.emit("/chat", "call", number=9)
    packets = [client.read() for _ in range(4)]
    assert [each["type"] for each in packets] == ["event"] * 3 + ["ack"]
    assert packets[3]["args"] == ["3"]


def test_as_many_acks_as_a_client_may_owe_and_one_more(serve: Serve, kind: str) -> None:
    namespace = fresh(Asking, answers=[])
    live = serve({"/chat": namespace}, max_pending_acks=3)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "ask", 4)
    packets = [client.read() for _ in range(4)]
    # The fourth question was not sent, and its ack is not awaited.
    assert [each["name"] for each in packets] == ["question"] * 3 + ["error"]
    assert packets[3]["args"][0] == "internal_error"
    client.ack("/chat", packets[1]["id"], "fine")
    wait_for(lambda: namespace.answers == ["fine"], "the ack is handled")
    client.emit("/chat", "ask", 1)
    assert client.event("/chat") == ["question"]
    socket = live.socket(client)
    assert len(socket.ack_callbacks) == 3
    client.close()
    wait_for(lambda: socket.account.closed, "the connection ends")
    assert socket.ack_callbacks == {}


# Jobs


class Spawning(BaseNamespace):
    def on_spawn(self) -> str:
        self.spawn(gevent.sleep, 60)
        return "spawned"

    def on_end(self) -> str:
        self.kill_local_jobs()
        return "ended"

    def on_call(self) -> Any:
        return self.call("question")


def test_as_many_jobs_as_a_connection_may_have_and_one_more(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Spawning, "/more": Spawning}, max_jobs=3)
    client = live.client(kind)
    for endpoint in ("/chat", "/more"):
        client.join(endpoint)
    socket = live.socket(client)
    for endpoint in ("/chat", "/more", "/chat"):
        assert client.call(endpoint, "spawn") == ["spawned"]
    client.emit("/more", "spawn", number=4)
    client.failure("/more", "internal_error", "Internal server error")
    # An ack is handled in another greenlet, which is not a job of the application.
    client.emit("/chat", "call", number=5)
    packet = client.read()
    assert packet["name"] == "question"
    client.ack("/chat", packet["id"], "fine")
    assert client.read()["args"] == ["fine"]
    assert client.call("/chat", "end") == ["ended"]
    wait_for(lambda: not socket["/chat"].jobs, "they have ended")
    assert client.call("/more", "spawn") == ["spawned"]
    jobs = list(socket["/more"].jobs)
    client.close()
    wait_for(lambda: all(each.dead for each in jobs), "the connection ends")
