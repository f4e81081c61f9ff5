"""A WebSocket that waits for input has no greenlet."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
import gevent.event
import gevent.local
import pytest

from tgext.socketio.engine.concurrency.interruption import Interrupted
from tgext.socketio.engine.concurrency.pool import MOST_IDLE
from tgext.socketio.engine.namespaces.base import BaseNamespace

from ..clients import DEADLINE, wait_for
from ..conftest import Live, Serve

Greenlets = Callable[[], list["gevent.Greenlet[..., Any]"]]

KINDS = ["0.9-websocket", "2-websocket", "4-websocket"]

own = gevent.local.local()
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")
go_on = gevent.event.Event()


class Lab(BaseNamespace):
    def on_greenlet(self) -> int:
        return id(gevent.getcurrent())

    def on_keep(self, name: str) -> list[str]:
        found = [getattr(own, "name", ""), variable.get()]
        own.name = name
        variable.set(name)
        return found

    def on_wait(self) -> str:
        assert go_on.wait(DEADLINE)
        return "waited"

    def on_echo(self, data: Any) -> Any:
        return data

    def on_end(self) -> None:
        self.socket.kill()


def joined(live: Live, kind: str = "4-websocket") -> Any:
    client = live.client(kind)
    client.join("/lab")
    return client


@pytest.fixture(autouse=True)
def _closed() -> None:
    go_on.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_clients_that_wait_have_no_greenlets(
    serve: Serve, greenlets: Greenlets, kind: str
) -> None:
    live = serve({"/lab": Lab})
    clients = [live.client(kind) for _ in range(30)]
    for number, client in enumerate(clients):
        client.join("/lab")
        assert client.call("/lab", "echo", number) == [number]
    wait_for(lambda: len(greenlets()) <= MOST_IDLE, "only idle greenlets are left")
    for number, client in enumerate(clients):
        assert client.call("/lab", "echo", number, number=2) == [number]
    assert len(greenlets()) <= MOST_IDLE


def test_events_of_many_clients_share_a_greenlet(serve: Serve) -> None:
    live = serve({"/lab": Lab})
    clients = [joined(live) for _ in range(5)]
    found = {client.call("/lab", "greenlet")[0] for client in clients}
    assert len(found) <= MOST_IDLE


def test_who_waits_delays_nobody_and_its_later_events_come_after(serve: Serve) -> None:
    live = serve({"/lab": Lab})
    waiting, other = joined(live), joined(live)
    waiting.emit("/lab", "wait", number=1)
    waiting.emit("/lab", "echo", "after", number=2)
    for number in range(5):
        assert other.call("/lab", "echo", number, number=number) == [number]
    go_on.set()
    answers = [waiting.read() for _ in range(2)]
    assert [each["args"] for each in answers] == [["waited"], ["after"]]


def test_what_a_handler_keeps_for_its_greenlet_reaches_no_other_client(
    serve: Serve,
) -> None:
    live = serve({"/lab": Lab})
    for name in ("ann", "bob", "eve"):
        assert joined(live).call("/lab", "keep", name) == [["", ""]]


def test_a_client_that_sends_without_end_waits_for_its_turn(serve: Serve) -> None:
    live = serve({"/lab": Lab})
    greedy, other = joined(live), joined(live)
    for number in range(500):
        greedy.emit("/lab", "echo", f"{number}", number=number)
    assert other.call("/lab", "echo", "mine") == ["mine"]
    for number in range(500):
        assert greedy.read()["args"] == [f"{number}"]


@pytest.mark.parametrize("end", ["by the handler", "by the client", "by the server"])
def test_an_end_is_noticed_without_a_greenlet(serve: Serve, end: str) -> None:
    live = serve({"/lab": Lab})
    client = joined(live)
    client.call("/lab", "echo", 1)
    [socket] = live.server.sockets.values()
    if end == "by the handler":
        client.emit("/lab", "end")
    elif end == "by the client":
        client.close()
    else:
        socket.kill()
    wait_for(lambda: not live.server.sockets, "the connection ends")
    wait_for(lambda: not live.server.hub.requests.number, "it is not counted any more")


class Interrupting(BaseNamespace):
    def recv_connect(self) -> None:
        self.emit("question", callback=bool)  # it is read meanwhile
        gevent.sleep(0.02)
        raise Interrupted


@pytest.mark.parametrize("kind", ["0.9-websocket", "2-websocket"])
def test_an_interruption_while_it_is_opened_ends_it(serve: Serve, kind: str) -> None:
    live = serve({"": Interrupting})
    with suppress(AssertionError):
        live.client(kind)  # it is closed before it has joined
    wait_for(lambda: not live.server.sockets, "the connection ends")
    wait_for(lambda: not live.server.hub.requests.number, "it is not counted any more")
