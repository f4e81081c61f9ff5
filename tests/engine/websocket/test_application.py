"""Applications of plain WebSockets, when their connection has ended."""

from __future__ import annotations

import logging
from socket import SHUT_WR
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.websocket.group import Group
from tgext.socketio.engine.websocket.wsgi import WebSocket

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..plain import serving


def test_an_application_that_does_not_notice_the_end_is_interrupted(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def wait(websocket: WebSocket) -> None:
        group.add(websocket)
        notes.append("begun")
        try:
            Event().wait()
        finally:
            group.add(websocket)
            notes.append("ended")

    notes: list[str] = []
    group = Group()
    live = serve(application=serving(wait), shutdown_timeout=0.1)
    client = live.websocket("/")
    wait_for(lambda: notes, "the application runs")
    assert len(group) == 1
    with caplog.at_level(logging.WARNING):
        client.close()
        wait_for(lambda: len(notes) == 2, "the application ends")
    assert len(group) == 0
    assert live.server.hub.registry.interrupted == 1
    requests = live.server.hub.requests
    wait_for(lambda: not requests.number, "the connection is given back")
    texts = [each.getMessage() for each in caplog.records]
    assert [each.partition(":")[0] for each in texts] == [
        "The application of a WebSocket was interrupted"
    ]


@pytest.mark.parametrize("how", ["another receives", "another closes"])
def test_an_application_is_interrupted_though_another_greenlet_knows_of_the_end(
    serve: Serve, how: str
) -> None:
    def wait(websocket: WebSocket) -> None:
        websockets.append(websocket)
        reader = gevent.spawn(list, websocket)
        try:
            Event().wait()
        finally:
            gevent.sleep(0.01)  # it cleans up, and is not interrupted again
            reader.join()
            notes.append("ended")

    websockets: list[WebSocket] = []
    notes: list[str] = []
    live = serve(application=serving(wait), shutdown_timeout=0.1)
    client = live.websocket("/")
    wait_for(lambda: websockets, "the application runs")
    if how == "another closes":
        websockets[0].close(4000, "kicked")
        assert client.receive_close() == 4000
    client.close()
    wait_for(lambda: notes, "the application ends")
    assert live.server.hub.registry.interrupted == 1
    requests = live.server.hub.requests
    wait_for(lambda: not requests.number, "the connection is given back")


def test_who_was_busy_when_another_closed_is_told_as_none(serve: Serve) -> None:
    """So the rest of the method runs, whatever ended the connection."""

    def take(websocket: WebSocket) -> None:
        websockets.append(websocket)
        received.append(websocket.receive())
        assert go_on.wait(DEADLINE)
        received.append(websocket.receive())

    websockets: list[WebSocket] = []
    received: list[Any] = []
    go_on = Event()
    live = serve(application=serving(take))
    client = live.websocket("/")
    client.send("hello")
    wait_for(lambda: received, "the application is busy")
    websockets[0].close(4000, "kicked")
    assert client.receive_close() == 4000
    go_on.set()
    wait_for(lambda: len(received) == 2, "it is told")
    assert received == ["hello", None]


def test_an_application_that_was_told_of_the_end_may_take_its_time(
    serve: Serve,
) -> None:
    def store(websocket: WebSocket) -> None:
        assert websocket.receive() is None
        told.set()
        assert go_on.wait(DEADLINE)
        notes.append("stored")

    notes: list[str] = []
    told, go_on = Event(), Event()
    live = serve(application=serving(store), shutdown_timeout=0.05)
    live.websocket("/").close()
    assert told.wait(DEADLINE)
    gevent.sleep(0.2)
    go_on.set()
    wait_for(lambda: notes, "the application ends")
    assert live.server.hub.registry.interrupted == 0


def test_what_came_before_the_end_is_received_and_answered(serve: Serve) -> None:
    """The peer may have closed only its own side."""

    def answer(websocket: WebSocket) -> None:
        for message in websocket:
            gevent.sleep(0.02)
            websocket.send(message)

    live = serve(application=serving(answer))
    client = live.websocket("/")
    for each in "abc":
        client.send(each)
    client.sock.shutdown(SHUT_WR)
    assert [client.receive() for _ in range(3)] == list("abc")
