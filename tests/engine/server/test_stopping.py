"""A server that stops: how its connections end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from ..clients import (
    DEADLINE,
    Client,
    PollingClient,
    WebSocketClient,
    kinds,
    wait_for,
)
from ..conftest import Serve
from ..sample_namespaces import Holding, Witness, fresh
from .test_server import HANDSHAKES


def expect_goodbye(client: Client, kind: str) -> None:
    """Expect a goodbye after which the client reconnects by itself.

    A disconnect packet would forbid it.
    """
    assert client.receive() == ("7:::1+0" if kind.startswith("0.9") else "1")
    if isinstance(client, WebSocketClient):
        assert client.websocket.receive_close() == 1001
        client.websocket.send_close(1001)
        client.websocket.expect_end()


def test_clients_are_told_that_the_server_stops(serve: Serve, kind: str) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.join("/chat")
    stopping = gevent.spawn(live.server.stop)
    expect_goodbye(client, kind)
    stopping.get(timeout=DEADLINE)
    assert namespace.left == ["server shutting down"]
    assert live.server.sockets == {}


def test_an_event_that_is_handled_may_end_and_none_begins(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace})
    client, idle = live.client(kind), live.client(kind)
    client.join("/chat")
    idle.join("/chat")
    packets = [
        client.dialect.event("/chat", name, args, number)
        for number, (name, args) in enumerate([("hold", ()), ("note", ("late",))])
    ]
    client.send(*packets)
    assert namespace.entered.wait(DEADLINE)
    stopping = gevent.spawn(live.server.stop)
    expect_goodbye(idle, kind)
    assert not stopping.ready()
    namespace.go_on.set()
    answer = client.read()
    assert (answer["type"], answer["number"]) == ("ack", 0)
    expect_goodbye(client, kind)
    stopping.get(timeout=DEADLINE)
    assert namespace.notes == []
    assert namespace.left == ["server shutting down"] * 2


def test_a_handler_that_waits_for_an_ack_gets_it(serve: Serve, kind: str) -> None:
    class Asking(Witness):
        def on_ask(self) -> Any:
            return self.call("question", timeout=DEADLINE)

    namespace = fresh(Asking)
    live = serve({"/chat": namespace})
    client, idle = live.client(kind), live.client(kind)
    client.join("/chat")
    idle.join("/chat")
    client.emit("/chat", "ask", number=7)
    question = client.read()
    stopping = gevent.spawn(live.server.stop)
    expect_goodbye(idle, kind)
    client.ack("/chat", question["id"], "answer")
    answer = client.read()
    assert (answer["number"], answer["args"]) == (7, ["answer"])
    expect_goodbye(client, kind)
    stopping.get(timeout=DEADLINE)


def test_who_still_handles_an_event_in_the_end_is_told_all_the_same(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, shutdown_timeout=0.1)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "hold", number=1)
    assert namespace.entered.wait(DEADLINE)
    stopping = gevent.spawn(live.server.stop)
    assert client.receive() == ("7:::1+0" if kind.startswith("0.9") else "1")
    stopping.get(timeout=DEADLINE)
    assert live.server.closed
    assert namespace.left == ["server shutting down"]
    namespace.go_on.set()
    with suppress(OSError, HTTPException):
        client.close()  # its connections have been closed


@pytest.mark.parametrize("kind", kinds("websocket"))
def test_who_is_told_twice_waits_no_longer(serve: Serve, kind: str) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, shutdown_timeout=DEADLINE)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "hold", number=1)
    assert namespace.entered.wait(DEADLINE)
    first = gevent.spawn(live.server.stop)
    wait_for(lambda: live.server.stopping, "the server stops")
    second = gevent.spawn(live.server.stop)
    assert client.receive() == ("7:::1+0" if kind.startswith("0.9") else "1")
    second.get(timeout=DEADLINE)
    assert not first.ready()
    namespace.go_on.set()
    client.close()
    first.get(timeout=DEADLINE)


@pytest.mark.parametrize("kind", kinds("polling"))
def test_a_poll_that_waits_is_answered_when_the_server_stops(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": fresh(Witness)})
    client = live.client(kind)
    client.join("/chat")
    assert isinstance(client, PollingClient)
    poll = live.waiting_poll(client)
    live.server.stop()
    expected = "7:::1+0" if kind.startswith("0.9") else "1"
    assert poll.get(timeout=DEADLINE) == [expected]


def test_a_server_that_stops_waits_for_handlers_and_opens_no_sessions(
    serve: Serve,
) -> None:
    namespace = fresh(Holding, recv_disconnect=Holding.hold)
    live = serve({"/chat": namespace})
    client = live.websocket_5()
    client.join("/chat")
    http = live.http()
    assert http.get("/").text == "a page"
    stopping = gevent.spawn(live.server.stop)
    assert namespace.entered.wait(DEADLINE)
    for target in HANDSHAKES:
        reply = live.http().get(target)
        assert reply.status == 503
    # Pages are answered to the end, on connections that then close.
    assert http.get("/").text == "a page"
    assert not stopping.ready()
    namespace.go_on.set()
    client.websocket.drain()
    client.close()
    stopping.get(timeout=DEADLINE)


def test_a_handler_that_never_ends_does_not_keep_the_server(serve: Serve) -> None:
    namespace = fresh(Holding, recv_disconnect=Holding.hold)
    live = serve({"/chat": namespace})
    client = live.websocket_5()
    client.join("/chat")
    live.server.stop(timeout=0.1)
    assert live.server.closed
    namespace.go_on.set()


def test_a_client_that_does_not_answer_does_not_keep_the_server(serve: Serve) -> None:
    live = serve({}, shutdown_timeout=0.2)
    clients = [live.client(each) for each in ("0.9-websocket", "4-websocket")]
    live.server.stop()
    assert live.server.closed
    for client in clients:
        assert isinstance(client, WebSocketClient)
        client.websocket.drain()


def test_pages_that_have_begun_are_answered_and_no_others(serve: Serve) -> None:
    begun, go_on = Event(), Event()

    def slow(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        begun.set()
        assert go_on.wait(DEADLINE)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"a slow page"]

    live = serve(application=slow)
    http = live.http()
    page = gevent.spawn(http.get, "/")
    assert begun.wait(DEADLINE)
    stopping = gevent.spawn(live.server.stop)

    def refused() -> bool:
        with socket.socket() as late:
            return bool(late.connect_ex(("127.0.0.1", live.port)))

    wait_for(refused, "no connection is accepted")
    assert not stopping.ready()
    go_on.set()
    reply = page.get(timeout=DEADLINE)
    assert reply.text == "a slow page"
    # The server would not answer another request.
    assert reply.headers["Connection"] == "close"
    stopping.get(timeout=DEADLINE)


def test_a_connection_is_closed_whose_answer_ends_after_the_server_stopped(
    serve: Serve,
) -> None:
    begun, go_on = Event(), Event()

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        start("200 OK", [("Content-Length", "8")])
        yield b"its "
        begun.set()
        assert go_on.wait(DEADLINE)
        yield b"page"

    live = serve(application=application)
    raw = live.raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert begun.wait(DEADLINE)
    live.server.stop_listening()
    go_on.set()
    assert raw.receive_reply().text == "its page"
    raw.expect_end()
