"""The metrics of one process at one time."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from gevent.event import Event

from tests.engine.clients import wait_for
from tests.engine.conftest import Live, Serve
from tests.engine.sample_namespaces import Echo
from tests.turbogears.messaging.clusters import Start
from tests.turbogears.messaging.conftest import redis, start
from tgext.socketio.drivers import applications
from tgext.socketio.engine.namespaces.mixins import RoomsMixin
from tgext.socketio.operation import snapshot
from tgext.socketio.operation.gathering import write
from tgext.socketio.operation.snapshot import Snapshot, name_of_process, take

__all__ = ["redis", "start"]


class Rooms(RoomsMixin, Echo):
    def on_enter(self, *rooms: str) -> str:
        for each in rooms:
            self.join(each)
        return "in"


def taken(live: Live) -> Snapshot:
    return take([live.server.hub])


def value(snapshot: Snapshot, name: str, *labels: str) -> Any:
    found = [each for own, each in snapshot.values[name] if own == list(labels)]
    assert len(found) == 1, snapshot.values[name]
    return found[0]


def test_the_process_is_named_by_its_host_and_its_id() -> None:
    host, _, number = name_of_process().rpartition(":")
    assert host
    assert int(number) == os.getpid()


def test_rooms_and_namespaces_are_counted(serve: Serve) -> None:
    live = serve({"": Echo, "/chat": Rooms}, resource="socketio")
    one, two = live.joined(), live.joined()
    one.join("")
    assert one.call("/chat", "enter", "a", "b") == ["in"]
    assert two.call("/chat", "enter", "b") == ["in"]
    found = taken(live)
    assert value(found, "namespace_connections", "/chat") == 2
    assert value(found, "namespace_connections", "/") == 1
    assert value(found, "rooms", "/chat") == 2
    assert found.values["connections"] == [(["3.x/4.x", "websocket"], 2)]


def test_output_that_is_not_read_is_counted(serve: Serve) -> None:
    live = serve({"/chat": Echo}, max_outbox=50_000_000, resource="socketio")
    client = live.joined()
    live.socket(client)["/chat"].emit("large", "x" * 8_000_000)
    assert value(taken(live), "outbox_bytes") > 100_000
    assert client.event("/chat")[0] == "large"
    assert value(taken(live), "outbox_bytes") == 0


class Leaving(Echo):
    """Its clients take long to leave."""

    go_on = Event()

    def recv_disconnect(self) -> None:
        self.go_on.wait()
        super().recv_disconnect()


def test_what_was_sent_and_received_never_becomes_less(serve: Serve) -> None:
    live = serve({"/chat": Leaving}, resource="socketio")
    client = live.joined()
    socket = live.socket(client)
    assert client.call("/chat", "echo", 1) == [1]
    before = value(taken(live), "messages", "received")
    assert before
    client.close()
    wait_for(lambda: socket.ended, "it leaves")
    assert value(taken(live), "messages", "received") >= before
    Leaving.go_on.set()
    wait_for(lambda: not live.server.sockets, "it has left")
    assert value(taken(live), "messages", "received") >= before


def test_users_are_counted_once_and_not_by_their_names(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = serve({"/chat": Echo}, resource="socketio")
    users = iter(["manager", "editor", "manager", "\ud800", None])
    for user in users:
        socket = live.socket(live.joined())
        monkeypatch.setattr(type(socket.runner), "user", None, raising=False)
        socket.runner = type("Known", (type(socket.runner),), {"user": user})()
    found = taken(live)
    assert len(found.users) == 3
    assert "manager" not in json.dumps(write(found))


def test_a_process_tells_of_its_broker(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = start()
    own = node.config["tg.app_globals"]
    among = [each for each in applications if each.config["tg.app_globals"] is own]
    monkeypatch.setattr(snapshot, "applications", among)
    client = node.join()
    client.emit("/chat", "enter", "a room")
    found = taken(node.live)
    assert value(found, "broker_up") == 1
    assert value(found, "broker_lost") == 0
    assert value(found, "topics") >= 1
    assert value(found, "peers") == 0
    assert 0 <= value(found, "broker_lag_seconds") < 60
