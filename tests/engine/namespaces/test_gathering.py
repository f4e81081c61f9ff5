"""Acks that all sockets of a room are asked for."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent
import pytest
from gevent import Greenlet

from tgext.socketio.engine.namespaces.gathering import Answer, Answers
from tgext.socketio.engine.namespaces.targets import Target

from ..clients import DEADLINE, Client
from ..conftest import Live, Serve
from .people import Club, fresh, namespace_of, sid_of

MIXED = ["0.9-websocket", "0.9-xhr-polling", "2-websocket", "4-websocket", "4-polling"]


def in_the_lobby(live: Live, *kinds: str) -> list[Client]:
    clients = [live.client(kind) for kind in kinds]
    for client in clients:
        client.join("/chat")
        client.call("/chat", "enter", "lobby")
    return clients


def ask(live: Live, client: Client, room: str, seconds: float = DEADLINE) -> Any:
    """Ask a room in another greenlet."""
    target: Target = namespace_of(live, client).room(room)
    return gevent.spawn(target.emit, "question", "how many?", ack=seconds)


def question(client: Client) -> int:
    """The number of the ack that a client is asked for."""
    packet = client.read()
    assert [packet["name"], *packet["args"]] == ["question", "how many?"]
    number: int = packet["id"]
    return number


def expect_no_acks(live: Live) -> None:
    assert not any(len(each.acks) for each in live.server.sockets.values())
    gc.collect()
    left = [each for each in gc.get_objects() if isinstance(each, Answer)]
    assert left == []


def test_all_answers_of_a_room_are_gathered(serve: Serve) -> None:
    live = serve({"/chat": fresh()})
    clients = in_the_lobby(live, *MIXED)
    asking = ask(live, clients[0], "lobby")
    given: list[tuple[Any, ...]] = [(), (1,), (None,), (1, "two"), ({"a": [1]},)]
    for client, args in zip(clients, given, strict=True):
        client.ack("/chat", question(client), *args)
    ids = [sid_of(live, each) for each in clients]
    expected = [None, 1, None, (1, "two"), {"a": [1]}]
    found = asking.get()
    assert found == Answers(dict(zip(ids, expected, strict=True)), [])
    expect_no_acks(live)


def test_who_does_not_answer_is_missing(
    serve: Serve, kind: str, greenlets: Callable[[], list[Greenlet[..., Any]]]
) -> None:
    live = serve({"/chat": fresh()})
    quick, slow = in_the_lobby(live, "4-websocket", kind)
    before = len(greenlets())
    asking = ask(live, quick, "lobby", 0.05)
    late = question(slow)
    found = asking.get()
    assert found.missing[-1] == sid_of(live, slow)
    assert found.answers == {}
    expect_no_acks(live)
    assert len(greenlets()) == before
    slow.ack("/chat", late, 1)  # too late: it has no effect
    assert slow.call("/chat", "echo", 1) == [1]


def test_who_has_gone_is_missing_at_once(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh()})
    stays, leaves, closes = in_the_lobby(live, "4-websocket", kind, kind)
    ids = [sid_of(live, each) for each in (stays, leaves, closes)]
    asking = ask(live, stays, "lobby")
    for client in (leaves, closes):
        question(client)
    leaves.leave("/chat")
    live.socket(closes).kill()
    stays.ack("/chat", question(stays), "here")
    assert asking.get() == Answers({ids[0]: "here"}, ids[1:])
    expect_no_acks(live)


def test_a_handler_asks_the_room_that_its_client_is_in(serve: Serve, kind: str) -> None:
    class Asking(Club):
        def on_ask(self) -> Any:
            return self.room("lobby").emit("question", "how many?", ack=True).answers

    live = serve({"/chat": Asking})
    asks, other = in_the_lobby(live, kind, "4-websocket")
    asks.emit("/chat", "ask", number=9)
    asks.ack("/chat", question(asks), 1)
    other.ack("/chat", question(other), 2)
    packet = asks.read()
    assert packet["type"] == "ack"
    assert packet["args"] == [{sid_of(live, asks): 1, sid_of(live, other): 2}]


def test_nobody_is_asked_in_an_empty_room(serve: Serve) -> None:
    live = serve({"/chat": fresh()})
    [client] = in_the_lobby(live, "4-websocket")
    assert ask(live, client, "hall").get() == Answers({}, [])


def test_who_cannot_be_asked_is_missing_and_the_others_answer(serve: Serve) -> None:
    """Bytes are not for 0.9 clients, and a client has too many acks pending."""
    live = serve({"/chat": fresh()}, max_pending_acks=1)
    old, busy, good = in_the_lobby(live, "0.9-websocket", "4-websocket", "4-websocket")
    namespace_of(live, busy).emit("wait", callback=print)
    target = namespace_of(live, good).room("lobby")
    asking = gevent.spawn(target.emit, "question", b"a", ack=DEADLINE)
    good.ack("/chat", good.read()["id"], "b")
    ids = [sid_of(live, each) for each in (old, busy, good)]
    assert asking.get() == Answers({ids[2]: "b"}, ids[:2])
    assert busy.event("/chat") == ["wait"]
    for client in (old, busy):
        assert client.call("/chat", "echo") == []


def test_an_event_of_the_clients_own_is_not_waited_for(serve: Serve) -> None:
    """``connect`` is sent to 0.9 clients only."""
    live = serve({"/chat": fresh()})
    old, new = in_the_lobby(live, "0.9-websocket", "4-websocket")
    target = namespace_of(live, old).room("lobby")
    asking = gevent.spawn(target.emit, "connect", ack=DEADLINE)
    old.ack("/chat", old.read()["id"], "old")
    found = asking.get()
    assert found == Answers({sid_of(live, old): "old"}, [sid_of(live, new)])
    expect_no_acks(live)


def pausing(items: Iterable[Any]) -> Iterator[Any]:
    """Lets others run for long after the first."""
    for each in items:
        yield each
        gevent.sleep(DEADLINE)


@pytest.mark.parametrize("while_asking", [True, False])
def test_a_caller_that_is_interrupted_leaves_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, while_asking: bool
) -> None:
    if while_asking:
        monkeypatch.setattr(f"{Answers.__module__}.in_turns", pausing)
    live = serve({"/chat": fresh()})
    [client] = in_the_lobby(live, "4-websocket")
    asking = ask(live, client, "lobby")
    question(client)
    asking.kill()
    expect_no_acks(live)


def test_a_native_thread_asks_and_acts(serve: Serve) -> None:
    live = serve({"/chat": fresh()})
    [client] = in_the_lobby(live, "4-websocket")
    target = namespace_of(live, client).room("lobby")
    pool = gevent.get_hub().threadpool
    asking = pool.spawn(target.emit, "question", "how many?", ack=DEADLINE)
    client.ack("/chat", question(client), 1)
    assert asking.get() == Answers({sid_of(live, client): 1}, [])
    assert pool.apply(target.count) == 1
    pool.apply(target.join, ("hall",))
    assert client.call("/chat", "rooms") == [["hall", "lobby"]]


def test_a_thousand_cost_no_greenlet_each(
    serve: Serve, greenlets: Callable[[], list[Greenlet[..., Any]]]
) -> None:
    live = serve({"/chat": fresh()})
    clients = in_the_lobby(live, *["4-websocket"] * 20)
    before = len(greenlets())
    asking = ask(live, clients[0], "lobby")
    numbers = [question(each) for each in clients]
    assert len(greenlets()) == before + 1
    for client, number in zip(clients, numbers, strict=True):
        client.ack("/chat", number, 1)
    assert len(asking.get().answers) == 20
    expect_no_acks(live)
