"""Who is here: users and anonymous clients, in a namespace and in its rooms."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import gevent
import pytest
from tg import MinimalApplicationConfigurator, TGController, expose

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.pages import block
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.hub.account import LimitExceeded
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.engine.namespaces.base import ConnectionRefused
from tgext.socketio.messaging.presence.shared import begun_presence
from tgext.socketio.presence import PresenceMixin


class Chat(SocketIOTGNamespace, RoomsMixin, PresenceMixin):
    presence_linger = 0.2

    def on_track(self, room: Any, info: dict[str, Any]) -> None:
        self.track(room, **info)

    def on_untrack(self, room: Any = None) -> None:
        self.untrack(room)

    def on_enter(self, room: Any) -> None:
        self.join(room)

    def on_exit(self, room: Any) -> None:
        self.leave(room)

    def on_who(self, room: Any = None) -> Any:
        return self.present(room)

    def on_fail(self, call: str, *args: Any) -> str:
        try:
            getattr(self, call)(*args)
        except (TypeError, ValueError, LimitExceeded) as error:
            return type(error).__name__
        return ""


class Online(Chat):
    """Everybody is present from the beginning."""

    def recv_connect(self) -> None:
        self.track(status="new")

    def presence_info(self) -> dict[str, Any]:
        return {"name": "somebody", "status": "unknown"}


class Quiet(SocketIOTGNamespace, RoomsMixin): ...


def application(**namespaces: type[SocketIOTGNamespace]) -> Any:
    """An application whose users are named in the query of their handshake."""
    controller: Any = type("SocketIO", (SocketIOController,), namespaces)

    class RootController(TGController):
        socketio = controller()

        @expose("json")
        def who(self, room: str = "") -> dict[str, Any]:
            return controller.namespace("/chat").present(room or None)

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    wsgi = configurator.make_wsgi_app({}, {})

    def identify(environ: dict[str, Any], start_response: Any) -> Any:
        user = parse_qs(environ["QUERY_STRING"]).get("user")
        if user:
            environ["repoze.who.identity"] = {"repoze.who.userid": user[0]}
        return wsgi(environ, start_response)

    return identify


class Guest:
    """A client in a namespace: events may come before the answers to its own."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._events: list[list[Any]] = []
        self.client.join("/chat")

    def ask(self, name: str, *args: Any) -> Any:
        """Emit an event, and take its ack."""
        self.client.emit("/chat", name, *args, number=7)
        while (packet := self.client.read())["type"] != "ack":
            self._events.append([packet["name"], *packet["args"]])
        return packet["args"][0]

    def event(self) -> list[Any]:
        """The next event."""
        if self._events:
            return self._events.pop(0)
        heard: list[Any] = self.client.event("/chat")
        return heard

    def heard(self) -> list[list[Any]]:
        """The events that came before the last answer, and were not taken."""
        return list(self._events)

    def who(self, room: Any = None) -> Any:
        """Who is present, as the client asks."""
        return self.ask("who", room)

    def close(self) -> None:
        self.client.close()


class Place:
    """A server with one namespace, and its clients."""

    def __init__(self, live: Live) -> None:
        self.live = live

    def enter(self, user: str = "") -> Guest:
        return Guest(self.live.websocket_5(query=f"user={user}" if user else ""))

    @property
    def presence(self) -> Any:
        rooms = self.live.server.hub.all_rooms
        found = [begun_presence(each) for each in rooms]
        [presence] = [each for each in found if each is not None]
        return presence


Start = Callable[..., Place]


@pytest.fixture
def start(serve: Callable[..., Live]) -> Start:
    def make(namespace: type[SocketIOTGNamespace] = Chat, **options: Any) -> Place:
        live = serve(
            application=application(chat=namespace), resource="socketio", **options
        )
        return Place(live)

    return make


def until_present(client: Guest, expected: Any, room: Any = None) -> None:
    wait_for(lambda: client.who(room) == expected, f"{expected} are present")


def test_clients_get_the_state_and_then_differences(start: Start) -> None:
    place = start(Online)
    ann = place.enter("ann")
    entry = {"name": "somebody", "status": "new"}
    assert ann.event() == ["presence_state", {"ann": [entry]}, None]
    bob = place.enter("bob")
    both = {"ann": [entry], "bob": [entry]}
    assert bob.event() == ["presence_state", both, None]
    joins = {"joins": {"bob": [entry]}, "leaves": {}}
    assert ann.event() == ["presence_diff", joins, None]
    bob.close()
    leaves = {"joins": {}, "leaves": {"bob": [entry]}}
    assert ann.event() == ["presence_diff", leaves, None]
    assert ann.who() == {"ann": [entry]}


def test_a_user_with_three_tabs_is_one_member_with_three_entries(start: Start) -> None:
    place = start()
    tabs = [place.enter("ann") for _ in range(3)]
    for number, each in enumerate(tabs):
        each.ask("track", None, {"tab": number})
    assert tabs[0].who() == {"ann": [{"tab": 0}, {"tab": 1}, {"tab": 2}]}
    tabs[1].close()
    until_present(tabs[0], {"ann": [{"tab": 0}, {"tab": 2}]})


def test_a_second_call_changes_what_is_told(start: Start) -> None:
    place = start()
    ann, bob = place.enter("ann"), place.enter("bob")
    for status in ("here", "away"):
        ann.ask("track", "lobby", {"status": status})
    assert bob.who("lobby") == {"ann": [{"status": "away"}]}
    assert bob.who() == {}


def test_a_reload_is_no_leave(start: Start) -> None:
    class Patient(Chat):
        presence_linger = 30.0

    place = start(Patient)
    bob = place.enter("bob")
    bob.ask("track", "lobby", {})
    assert bob.event() == ["presence_state", {"bob": [{}]}, "lobby"]
    ann = place.enter("ann")
    ann.ask("track", "lobby", {"page": 1})
    joins = {"joins": {"ann": [{"page": 1}]}, "leaves": {}}
    assert bob.event() == ["presence_diff", joins, "lobby"]
    ann.close()
    wait_for(lambda: len(place.live.server.sockets) == 1, "ann has left")
    assert bob.who("lobby") == {"ann": [{"page": 1}], "bob": [{}]}
    ann = place.enter("ann")
    ann.ask("track", "lobby", {"page": 2})
    joins = {"joins": {"ann": [{"page": 2}]}, "leaves": {}}
    assert bob.event() == ["presence_diff", joins, "lobby"]


def test_who_does_not_come_back_leaves(start: Start) -> None:
    place = start()
    ann, bob = place.enter("ann"), place.enter("bob")
    ann.ask("track", None, {})
    bob.ask("track", None, {})
    ann.close()
    until_present(bob, {"bob": [{}]})
    bob.close()
    wait_for(lambda: place.presence.statistics() == (0, 0, 0), "nothing is left")


def test_anonymous_clients_are_members_of_their_own(start: Start) -> None:
    class Patient(Chat):
        presence_linger = 30.0

    place = start(Patient)
    one, other = place.enter(), place.enter()
    for each in (one, other):
        each.ask("track", None, {"name": "guest"})
    assert list(one.who().values()) == [[{"name": "guest"}]] * 2
    session_ids = set(place.live.server.sockets)
    assert not session_ids & one.who().keys()
    other.close()
    wait_for(lambda: len(one.who()) == 1, "nobody waits for an anonymous client")


def test_an_application_says_who_is_who(start: Start) -> None:
    class Named(Chat):
        def presence_key(self) -> str:
            return f"{self.session['nick']}"

        def on_name(self, nick: str) -> None:
            self.session["nick"] = nick

    place = start(Named)
    client = place.enter()
    client.ask("name", "zoe")
    client.ask("track", 1, {})
    assert client.who(1) == {"zoe": [{}]}
    assert client.who("1") == {}


def test_who_is_in_the_room_hears_of_it(start: Start) -> None:
    place = start()
    ann, watcher, outside = place.enter("ann"), place.enter(), place.enter()
    ann.ask("track", "lobby", {})
    assert ann.event() == ["presence_state", {"ann": [{}]}, "lobby"]
    watcher.ask("enter", "lobby")
    assert watcher.event() == ["presence_state", {"ann": [{}]}, "lobby"]
    ann.ask("untrack", "lobby")
    leaves = {"joins": {}, "leaves": {"ann": [{}]}}
    assert watcher.event() == ["presence_diff", leaves, "lobby"]
    assert watcher.who("lobby") == {}
    # Neither did the client that is not in the room, nor the one that has left.
    for each in (ann, outside):
        assert each.who("lobby") == {}
        assert each.heard() == []


def test_who_leaves_the_room_is_not_present_any_more(start: Start) -> None:
    place = start()
    ann, bob = place.enter("ann"), place.enter("bob")
    ann.ask("enter", "lobby")
    ann.ask("track", "lobby", {})
    assert ann.event()[0] == "presence_state"
    ann.ask("exit", "lobby")
    assert bob.who("lobby") == {}


class Picky(Online):
    """Refuses after it has asked for everything."""

    def recv_connect(self) -> None:
        self.join("lobby")
        self.track("lobby")
        self.track()
        raise ConnectionRefused("not you")


class PickyEarly(Online):
    def initialize(self) -> None:
        self.track("lobby")

    def recv_connect(self) -> None:
        raise ConnectionRefused("not you")


class Both(Online):
    """Admits some clients, after a while."""

    def initialize(self) -> None:
        self.track("lobby", begun=True)
        self.track("passing")
        self.untrack("passing")

    def recv_connect(self) -> None:
        gevent.sleep(0.05)
        if "user=bad" in self.environ["QUERY_STRING"]:
            raise ConnectionRefused("not you")


def test_nobody_is_present_who_was_refused(start: Start) -> None:
    for refusing in (Picky, PickyEarly):
        place = start(refusing)
        client = place.live.websocket_5(query="user=ann")
        client.send(client.dialect.connect("/chat"))
        assert client.read()["type"] != "connect"
        assert place.presence.present(("/chat", None)) == {}
        assert place.presence.statistics() == (0, 0, 0)


def test_who_is_admitted_is_present_from_then_on(start: Start) -> None:
    place = start(Both)
    good = place.enter("ann")
    bad = place.live.websocket_5(query="user=bad")
    bad.send(bad.dialect.connect("/chat"))
    assert bad.read()["type"] != "connect"
    told = {"name": "somebody", "status": "unknown", "begun": True}
    assert good.who("lobby") == {"ann": [told]}
    assert good.who("passing") == {}


@pytest.mark.parametrize(
    ("call", "args", "error"),
    [
        ("on_track", [None, {"x": "é" * 3000}], "ValueError"),
        ("on_track", [1.5, {}], "TypeError"),
        ("on_track", ["x" * 2000, {}], "ValueError"),
        ("on_untrack", [[]], "TypeError"),
        ("on_who", [True], "TypeError"),
        ("on_track", ["fine", {"x": None}], ""),
    ],
)
def test_what_cannot_be_present_is_refused(
    start: Start, call: str, args: list[Any], error: str
) -> None:
    client = start().enter("ann")
    assert client.ask("fail", call, *args) == error


def test_a_client_is_present_in_max_rooms_rooms(start: Start) -> None:
    client = start(max_rooms=2).enter("ann")
    for room in (None, "a", "b", "a"):
        assert client.ask("fail", "on_track", room, {}) == ""
    assert client.ask("fail", "on_track", "c", {}) == "LimitExceeded"
    assert client.who("c") == {}


def test_a_page_shows_who_is_present(start: Start) -> None:
    place = start()
    page = place.live.http()
    assert page.get("/who").text == "{}"
    ann = place.enter("ann")
    ann.ask("track", "lobby", {"tab": 1})
    assert page.get("/who").text == "{}"
    assert json.loads(page.get("/who?room=lobby").text) == {"ann": [{"tab": 1}]}


def test_a_page_of_a_namespace_without_presence_shows_nobody(start: Start) -> None:
    place = start(Quiet)
    place.enter("ann")
    assert place.live.http().get("/who").text == "{}"


def test_linger_is_a_number_of_seconds() -> None:
    for value in (-1, 1e9, float("nan"), True):
        with pytest.raises(ValueError, match="presence_linger of Wrong is "):
            type("Wrong", (Chat,), {"presence_linger": value})


def test_many_who_come_at_once_are_told_together(start: Start) -> None:
    place = start()
    watcher = place.enter()
    watcher.ask("enter", "hall")
    clients = [place.enter(f"user{number}") for number in range(20)]
    for each in clients:
        each.client.emit("/chat", "track", "hall", {})
    there: dict[str, Any] = {}
    events = 0
    while len(there) < 20:
        name, event, room = watcher.event()
        assert room == "hall"
        there.update(event if name == "presence_state" else event["joins"])
        events += 1
    assert events < 20


def test_the_example_of_the_documentation_runs(start: Start) -> None:
    names: dict[str, Any] = {}
    exec(block("docs/presence.rst", "class Chat"), names)
    place = start(names["Chat"])
    ann = place.enter("ann")
    entry = {"name": "somebody", "status": "online"}
    assert ann.event() == ["presence_state", {"ann": [entry]}, None]
    ann.ask("enter", "lobby")
    assert ann.ask("who", "lobby") == {"ann": [{"name": "somebody"}]}
    ann.ask("status", "away")
    assert ann.ask("who", None) == {"ann": [{**entry, "status": "away"}]}
