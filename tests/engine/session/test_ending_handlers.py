"""Handlers that still run when their connection has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.namespace import BaseNamespace

from ..clients import DEADLINE, Client, kinds, wait_for
from ..conftest import Serve
from ..sample_namespaces import fresh
from .members import Member, gone, reset


class Endless(Member):
    """Handlers that do not return by themselves."""

    def on_wait(self) -> None:
        self.notes.append("begun")
        try:
            Event().wait()
        finally:
            self.notes.append("ended")

    def on_careless(self) -> None:
        self.notes.append("begun")
        while not self.go_on.is_set():
            try:
                self.go_on.wait()
            except BaseException:
                self.notes.append("caught")


@pytest.mark.parametrize("how", ["reset", "closed", "kicked", "killed by another"])
def test_a_handler_whose_client_has_gone_is_interrupted(
    serve: Serve, kind: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = fresh(Endless)
    options = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.2}
    live = serve({"/chat": namespace}, shutdown_timeout=0.1, **options)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.notes, "the handler runs")
    socket = live.socket(client)
    with caplog.at_level(logging.WARNING):
        if how == "kicked":
            socket.disconnect()
        elif how == "killed by another":
            socket.kill()
        else:
            gone(client, how)
        wait_for(lambda: namespace.left, "the namespace is told")
        wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    assert len(namespace.left) == 1
    assert live.server.hub.registry.interrupted == 1
    wait_for(lambda: not live.server.hub.registry.endings, "nothing runs")
    requests = live.server.hub.requests
    wait_for(lambda: not requests.number, "the connection is given back")
    texts = [each.getMessage() for each in caplog.records]
    assert [each.partition(":")[0] for each in texts] == [
        "Event wait of namespace /chat was interrupted"
    ]
    assert "shutdown_timeout, 0.1 s" in texts[0]


def test_a_handler_that_ends_in_time_is_not_interrupted(serve: Serve) -> None:
    namespace = fresh(Member)
    live = serve({"/chat": namespace}, heartbeat_interval=0.1)
    client = live.client()
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    reset(client)
    wait_for(lambda: namespace.left, "the namespace is told")
    assert len(live.server.hub.registry.endings) == 1
    namespace.go_on.set()
    live.expect_nothing_left()
    assert live.server.hub.registry.interrupted == 0
    assert not live.server.hub.registry.endings


def test_a_handler_that_cannot_be_ended_is_reported_once(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = fresh(Endless)
    live = serve({"/chat": namespace}, shutdown_timeout=0.1)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "careless")
    wait_for(lambda: namespace.notes, "the handler runs")
    with caplog.at_level(logging.ERROR):
        live.socket(client).kill()
        wait_for(lambda: not live.server.hub.registry.endings, "it is given up")
    assert namespace.notes == ["begun", "caught"]
    assert live.server.sockets == {}
    assert ["cannot be ended" in each.getMessage() for each in caplog.records] == [True]
    namespace.go_on.set()
    requests = live.server.hub.requests
    wait_for(lambda: not requests.number, "the connection is given back")


@pytest.mark.parametrize("kind", kinds("websocket"))
def test_a_silent_client_is_noticed_while_a_handler_runs(
    serve: Serve, kind: str
) -> None:
    """Its connection is open, but the client has gone."""
    namespace = fresh(Endless)
    options = {"heartbeat_interval": 0.1, "heartbeat_timeout": 0.2}
    live = serve({"/chat": namespace}, shutdown_timeout=0.1, **options)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.left, "the namespace is told")
    assert namespace.left == ["ping timeout"]
    wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    assert live.server.hub.registry.interrupted == 1


@pytest.mark.parametrize("kind", kinds("websocket"))
@pytest.mark.parametrize("end", [reset, lambda client: client.websocket.close()])
def test_the_end_behind_more_than_is_kept_is_noticed(
    serve: Serve, kind: str, end: Callable[[Client], None]
) -> None:
    namespace = fresh(Endless)
    live = serve(
        {"/chat": namespace},
        shutdown_timeout=0.1,
        heartbeat_interval=0.1,
        max_message_size=500,
    )
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.notes, "the handler runs")
    note = client.dialect.event("/chat", "note", ("x" * 400,), None)
    client.send(*[note] * 50)
    end(client)
    wait_for(lambda: namespace.left, "the namespace is told")
    wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    live.expect_nothing_left()


def test_a_server_that_stops_interrupts_handlers(serve: Serve, kind: str) -> None:
    namespace = fresh(Endless)
    live = serve({"/chat": namespace}, shutdown_timeout=0.1)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.notes, "the handler runs")
    live.server.stop()
    wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    assert namespace.left == ["server shutting down"]
    wait_for(lambda: not live.server.hub.registry.endings, "nothing runs")


def test_a_handler_of_polling_is_interrupted_after_the_upgrade(serve: Serve) -> None:
    """What came by polling is handled before what comes by the WebSocket."""
    namespace = fresh(Endless)
    live = serve({"/chat": namespace}, shutdown_timeout=0.1)
    client = live.polling_5()
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.notes, "the handler runs")
    target = f"/socket.io/?EIO=4&transport=websocket&sid={client.sid}"
    websocket = live.websocket(target)
    websocket.send("2probe")
    assert websocket.receive() == "3probe"
    websocket.send("5")
    transport = live.socket(client)
    wait_for(lambda: transport.transport.name == "websocket", "it is upgraded")  # type: ignore[union-attr]
    websocket.close()
    wait_for(lambda: namespace.left, "the namespace is told")
    wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    client.gets.close()
    client.posts.close()


def test_a_base_namespace_ends_as_any(serve: Serve) -> None:
    class Plain(BaseNamespace):
        def on_go(self) -> None:
            self.socket.disconnect()
            assert self.spawn(Event().wait).dead

    live = serve({"/chat": Plain})
    client = live.client()
    client.join("/chat")
    client.emit("/chat", "go")
    wait_for(lambda: not live.server.sockets, "the connection ends")


class Looping(Member):
    """Handlers and jobs that send for ever, as programs for gevent-socketio have."""

    def on_loop(self) -> None:
        self.loop()

    def on_loop_in_job(self) -> None:
        self.spawn(self.loop)

    def on_loop_in_job_of_socket(self) -> None:
        self.socket.spawn(self.loop)

    def on_loop_careful(self) -> None:
        """Goes on after errors, such as one of sending."""
        while True:
            try:
                self.loop()
            except Exception:
                self.notes.append("caught")

    def loop(self) -> None:
        try:
            while True:
                self.emit("tick")
                gevent.sleep(0.01)
        finally:
            self.notes.append("ended")


#: Which of them comes first depends on how long the handler takes to begin.
PINGS = ("2", "2::")


@pytest.mark.parametrize("how", ["reset", "closed", "silent"])
@pytest.mark.parametrize(
    "event", ["loop", "loop careful", "loop in job", "loop in job of socket"]
)
def test_a_loop_ends_with_its_client(
    serve: Serve, kind: str, how: str, event: str
) -> None:
    namespace = fresh(Looping)
    options = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.3}
    live = serve({"/chat": namespace}, shutdown_timeout=0.1, **options)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", event)
    text = client.receive()
    while text in PINGS:
        text = client.receive()
    assert client.dialect.read(text)["name"] == "tick"
    socket = live.socket(client)
    if how != "silent":
        gone(client, how)
    wait_for(lambda: namespace.left, "the namespace is told")
    wait_for(lambda: namespace.notes, "the loop ends")
    assert (len(namespace.left), namespace.notes) == (1, ["ended"])
    wait_for(lambda: not live.server.sockets, "the connection is forgotten")
    assert socket.jobs == namespace.made[0].jobs == []
    wait_for(lambda: not live.server.hub.registry.endings, "nothing runs")


def test_nothing_is_kept_of_a_client_that_is_told_to_go(
    serve: Serve, kind: str
) -> None:
    """Its connection ends while the last of its namespaces is left."""
    live = serve({"/chat": Endless}, shutdown_timeout=10 * DEADLINE)
    client = live.client(kind)
    client.join("/chat")
    live.socket(client).disconnect()
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    wait_for(lambda: not live.server.hub.registry.endings, "nothing is left of it")
