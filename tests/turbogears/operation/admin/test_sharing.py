"""Administrators see the sockets of all processes, and act on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.messaging.sealed import BusMessageError
from tgext.socketio.operation.admin.console import Console
from tgext.socketio.operation.admin.reporter import Reporter
from tgext.socketio.operation.admin.sharing import Sharing

from ..watching import STATS, Watcher, application

Start = Callable[[], Live]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def start(serve: Callable[..., Live], redis: RedisServer) -> Iterator[Start]:
    settings = {
        "anypubsub.backend": "redis",
        "anypubsub.host": redis.url,
        "socketio.cluster": "true",
    }
    started: list[Live] = []

    def start() -> Live:
        started.append(serve(application=application(settings), resource="socketio"))
        return started[-1]

    yield start
    for live in started:
        live.close_clients()
        live.server.stop(timeout=1)
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed any more")


def test_two_processes(start: Start) -> None:
    here, there = start(), start()
    ann, bob = here.joined(), there.joined("2-polling")
    for client in (ann, bob):
        client.call("/chat", "enter", "lobby")
    ada = Watcher(here)
    ada.until(lambda: ada.rooms() == [["lobby"], ["lobby"]])
    bob.call("/chat", "enter", "attic")
    ada.until(lambda: ada.rooms() == [["attic", "lobby"], ["lobby"]])
    bob.emit("/chat", "say", "hello")
    assert ada.next("event_received")[3] == ["say", "hello"]
    assert bob.event("/chat") == ["heard", "hello"]
    # An administrator who comes later, in another process, sees the same.
    second = Watcher(there)
    second.until(lambda: second.rooms() == ada.rooms())
    processes = set()
    while len(processes) < 2:
        stats = second.next(STATS)[1]
        processes.add((stats["clientsCount"], stats["pollingClientsCount"]))
    assert processes == {(2, 0), (2, 1)}
    # And acts on the sockets of the other one.
    second.do("emit", "/chat", "attic", "news")
    assert bob.event("/chat") == ["news"]
    second.do("leave", "/chat", "lobby")
    ada.until(lambda: ada.rooms() == [[], ["attic"]])
    second.do("_disconnect", "/chat", True)
    for client in (ann, bob):
        assert client.read()["type"] == "disconnect"
    for each in (ada, second):
        each.until(lambda each=each: each.rooms() == [])


def test_a_process_that_goes_takes_its_sockets_along(start: Start) -> None:
    here, there = start(), start()
    there.joined().call("/chat", "enter", "lobby")
    here.joined()
    ada = Watcher(here)
    ada.until(lambda: ada.rooms() == [[], ["lobby"]])
    there.close_clients()
    there.server.stop(timeout=1)
    ada.until(lambda: ada.rooms() == [[]])


class NoPeers:
    """Takes what a process would tell the others."""

    def __init__(self) -> None:
        self.heard: dict[str, Callable[[str, Any], object]] = {}
        self.told: list[Any] = []
        self.gone: list[Any] = []

    def on(self, kind: str, told: Callable[[str, Any], object]) -> None:
        self.heard[kind] = told

    def tell(self, kind: str, data: Any, to: str = "") -> None:
        self.told.append((kind, data, to))


SOCKET = {
    "id": "a",
    "nsp": "/chat",
    "clientId": "c",
    "transport": "polling",
    "rooms": [],
    "handshake": {"time": "now"},
}


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"kind": "unknown", "content": []},
        {"kind": "stats", "content": []},
        *(
            {"kind": "changes", "content": [change]}
            for change in (
                None,
                [],
                [["socket_connected"]],
                ["all_sockets", []],
                ["all_sockets"],
                ["config", {}],
                ["socket_connected", {**SOCKET, "handshake": {}}, "now"],
                ["socket_connected", {**SOCKET, "id": 1}, "now"],
                ["socket_connected", SOCKET],
                ["socket_updated", {"transport": "websocket"}],
                ["room_joined", "/chat", None, "a", "now"],
                ["event_sent", "/chat", "a", "news", "now"],
            )
        ),
    ],
)
def test_invalid_reports(data: Any) -> None:
    peers: Any = NoPeers()
    console = Console(10, True)
    Sharing("x", peers, Reporter(dict, None), console)
    reader: Any = object()
    feed = console.add(reader)
    console.discard(reader)
    with pytest.raises(BusMessageError):
        peers.heard["admin report x"]("peer", data)
    assert not len(feed)
