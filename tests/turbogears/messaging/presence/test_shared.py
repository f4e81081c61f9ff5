"""The presence of a controller, in servers that share a Redis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController, expose

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import PresenceMixin, SocketIOController, SocketIOTGNamespace
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.messaging.presence.shared import presence_of, present_elsewhere

from .receivers import NotedRooms


def test_rooms_have_one_presence() -> None:
    rooms, others = NotedRooms(), NotedRooms()
    presence = presence_of(rooms, {})
    assert presence_of(rooms, {}) is presence
    assert presence_of(others, {}) is not presence


class Chat(SocketIOTGNamespace, PresenceMixin):
    presence_linger = 1.0

    def presence_key(self) -> str:
        return str(self.session["user"])

    def on_come(self, user: str, room: Any = None) -> None:
        self.session["user"] = user
        self.track(room, node=self.environ["SERVER_PORT"])

    def on_who(self, room: Any = None) -> list[str]:
        return sorted(self.present(room))


class SocketIO(SocketIOController):
    chat = Chat


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


Start = Callable[..., Live]


@pytest.fixture
def options(redis: RedisServer) -> dict[str, Any]:
    return {
        "anypubsub.backend": "redis",
        "anypubsub.host": redis.url,
        "socketio.cluster": "true",
        "socketio.cluster_secret": "a secret",
    }


@pytest.fixture
def start(
    serve: Callable[..., Live], redis: RedisServer, options: dict[str, Any]
) -> Iterator[Start]:
    """Starts servers, each with an application of its own."""
    started: list[Live] = []

    def make() -> Live:
        class Globals: ...

        class RootController(TGController):
            socketio = SocketIO()

            @expose("json")
            def who(self, room: str = "") -> dict[str, Any]:
                return SocketIO.namespace("/chat").present(room or None)

        configurator = MinimalApplicationConfigurator()
        blueprint = {"root_controller": RootController(), "app_globals": Globals}
        configurator.update_blueprint({**blueprint, **options})
        wsgi = configurator.make_wsgi_app({}, {})
        started.append(serve(application=wsgi, resource="socketio"))
        return started[-1]

    yield make
    for each in started:
        each.close_clients()
        each.server.stop(timeout=1)
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed any more")
    assert redis.client.keys("*presence*/*") == [], "no table is left"


class Guest:
    """A client that does not look at its events."""

    def __init__(self, live: Live) -> None:
        self.client = live.joined()

    def ask(self, name: str, *args: Any) -> Any:
        self.client.emit("/chat", name, *args, number=5)
        while (packet := self.client.read())["type"] != "ack":
            pass
        return packet["args"][0]

    def until(self, expected: list[str], room: Any = None) -> None:
        wait_for(lambda: self.ask("who", room) == expected, f"{expected} are there")


def test_all_processes_see_who_is_present(start: Start) -> None:
    here, there = start(), start()
    ann, bob = Guest(here), Guest(there)
    ann.ask("come", "ann")
    bob.ask("come", "bob")
    ann.ask("come", "ann", 7)
    for each in (ann, bob):
        each.until(["ann", "bob"])
        each.until(["ann"], 7)
        assert each.ask("who", "7") == []
    late = Guest(start())
    assert late.ask("who") == ["ann", "bob"], "it knows all before its first answer"
    ann.client.close()
    for each in (bob, late):
        each.until(["bob"])


def test_a_user_with_tabs_in_two_processes_is_one_member(start: Start) -> None:
    here, there = start(), start()
    tabs = [Guest(each) for each in (here, there)]
    for each in tabs:
        each.ask("come", "ann")
    page = here.http()
    wait_for(lambda: len(json.loads(page.get("/who").text)["ann"]) == 2, "two entries")
    assert tabs[0].ask("who") == ["ann"]
    tabs[1].client.close()
    wait_for(lambda: len(json.loads(page.get("/who").text)["ann"]) == 1, "one is left")
    entries = json.loads(page.get("/who").text)["ann"]
    assert entries == [{"node": str(here.port)}]


def test_clients_are_told_of_those_of_other_processes(start: Start) -> None:
    here, there = start(), start()
    ann, bob = Guest(here), Guest(there)
    ann.ask("come", "ann")
    name, state, room = ann.client.event("/chat")
    assert (name, list(state), room) == ("presence_state", ["ann"], None)
    bob.ask("come", "bob")
    name, event, room = ann.client.event("/chat")
    assert (name, list(event["joins"]), room) == ("presence_diff", ["bob"], None)
    assert event["leaves"] == {}


def test_pages_and_scripts_without_clients_read_it_from_redis(
    start: Start, options: dict[str, Any], redis: RedisServer
) -> None:
    here, empty = start(), start()
    ann = Guest(here)
    ann.ask("come", "ann", "lobby")
    told = {"ann": [{"node": str(here.port)}]}
    page = empty.http()
    wait_for(lambda: json.loads(page.get("/who?room=lobby").text) == told, "a page")
    assert page.get("/who").text == "{}"
    names = [f"{SocketIO.__module__}.{SocketIO.__qualname__}"]
    lobby = ("/chat", "lobby")
    for controllers, expected in ((names, told), ([""], told), (["another"], {})):
        assert present_elsewhere(controllers, lobby, options) == expected
    everywhere = SocketIOController.namespace("/chat", options)
    assert everywhere.present("lobby") == told
    other_secret = {**options, "socketio.cluster_secret": "another"}
    assert present_elsewhere([""], lobby, other_secret) == {}


def test_a_broker_that_cannot_tell_is_an_error() -> None:
    settings = {"anypubsub.backend": "memory", "socketio.cluster": "true"}
    with pytest.raises(LookupError, match="the broker is not Redis"):
        present_elsewhere([""], ("/chat", None), settings)
    settings = {"anypubsub.backend": "redis", "anypubsub.port": "1"}
    with pytest.raises(BrokerUnavailable):
        present_elsewhere([""], ("/chat", None), settings)
