"""``session['rooms']`` is the membership: writing it joins and leaves."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.hub.account import LimitExceeded
from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.engine.hub.settings import Settings
from tgext.socketio.engine.namespaces.base import ConnectionRefused
from tgext.socketio.engine.namespaces.roomnames import rooms_named
from tgext.socketio.engine.transports import PollingTransport
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.wire.socketio.generations import SOCKETIO_5

from ..clients import DEADLINE, Client
from ..conftest import Live, Serve
from ..sample_namespaces import Chat, Echo


class Writing(Chat):
    """Writes the names by itself, as programs for gevent-socketio do."""

    def on_write(self, method: str, *args: Any) -> Any:
        result = getattr(self.session["rooms"], method)(*args)
        return result if isinstance(result, str) else None

    def on_assign(self, names: list[str]) -> None:
        self.session["rooms"] = set(names)

    def on_names(self) -> list[str]:
        return sorted(self.session["rooms"])


class Wide(Writing):
    """Whose rooms are those of all such namespaces."""

    def _get_room_name(self, room: Any) -> str:
        return f"wide {room}"


def two(live: Live, kind: str, endpoint: str = "/chat") -> tuple[Client, Client]:
    """A speaker and a hearer."""
    speaker, hearer = live.client(), live.client(kind)
    for each in (speaker, hearer):
        each.join(endpoint)
    return speaker, hearer


def hears(speaker: Client, hearer: Client, room: str = "lobby") -> bool:
    speaker.call("/chat", "say", room, 1)
    hearer.emit("/chat", "echo", number=1)
    packet = hearer.read()
    if packet["type"] == "ack":
        return False
    assert packet["name"] == "said"
    assert hearer.read()["type"] == "ack"
    return True


NAME = "/chat_lobby"

#: What is written into ``session['rooms']`` of a client that is in the room.
REMOVING: dict[str, Callable[[dict[str, Any]], object]] = {
    "remove": lambda session: session["rooms"].remove(NAME),
    "discard": lambda session: session["rooms"].discard(NAME),
    "pop": lambda session: session["rooms"].pop(),
    "clear": lambda session: session["rooms"].clear(),
    "difference_update": lambda session: session["rooms"].difference_update([NAME]),
    "intersection_update": lambda session: session["rooms"].intersection_update([1]),
    "symmetric_difference_update": lambda session: session[
        "rooms"
    ].symmetric_difference_update([NAME]),
    "-=": lambda session: session["rooms"].__isub__({NAME}),
    "&=": lambda session: session["rooms"].__iand__(set()),
    "^=": lambda session: session["rooms"].__ixor__({NAME}),
    "assign": lambda session: session.__setitem__("rooms", set()),
    "assign something else": lambda session: session.__setitem__("rooms", None),
    "del": lambda session: session.__delitem__("rooms"),
    "session.pop": lambda session: session.pop("rooms"),
    "session.popitem": lambda session: session.popitem(),
    "session.clear": lambda session: session.clear(),
    "session.update": lambda session: session.update(rooms=set()),
    "session |=": lambda session: session.__ior__({"rooms": {"/chat_hall"}}),
}

ADDING: dict[str, Callable[[dict[str, Any]], object]] = {
    "add": lambda session: session["rooms"].add(NAME),
    "update": lambda session: session["rooms"].update([NAME], ["x"]),
    "symmetric_difference_update": lambda session: session[
        "rooms"
    ].symmetric_difference_update([NAME]),
    "|=": lambda session: session["rooms"].__ior__({NAME}),
    "^=": lambda session: session["rooms"].__ixor__({NAME}),
    "assign": lambda session: session.__setitem__("rooms", {NAME}),
    "assign a frozenset": lambda session: session.__setitem__(
        "rooms", frozenset([NAME])
    ),
    "session.update": lambda session: session.update({"rooms": {NAME}}),
    "session.setdefault": lambda session: (
        session.pop("rooms"),
        session.setdefault("rooms", {NAME}),
    ),
    "session |=": lambda session: session.__ior__({"rooms": {NAME}}),
}


@pytest.mark.parametrize("write", REMOVING.values(), ids=REMOVING)
def test_who_is_removed_no_longer_hears_the_room(
    serve: Serve, write: Callable[[Any], object]
) -> None:
    live = serve({"/chat": Writing})
    speaker, hearer = two(live, "4-websocket")
    hearer.call("/chat", "join", "lobby")
    assert hears(speaker, hearer)
    session = live.socket(hearer).session
    write(session)
    assert not hears(speaker, hearer)
    if session.setdefault("rooms", set()) is not None:
        hearer.call("/chat", "join", "lobby")
        assert hears(speaker, hearer)


@pytest.mark.parametrize("write", ADDING.values(), ids=ADDING)
def test_who_is_added_hears_the_room(
    serve: Serve, write: Callable[[Any], object]
) -> None:
    live = serve({"/chat": Writing})
    speaker, hearer = two(live, "4-websocket")
    write(live.socket(hearer).session)
    assert hears(speaker, hearer)
    hearer.call("/chat", "leave", "lobby")
    assert not hears(speaker, hearer)
    assert NAME not in live.socket(hearer).session["rooms"]


def test_a_client_of_any_kind_is_removed_and_added(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Writing})
    speaker, hearer = two(live, kind)
    hearer.call("/chat", "write", "add", NAME)
    assert hears(speaker, hearer)
    hearer.call("/chat", "write", "remove", NAME)
    assert not hears(speaker, hearer)


def test_a_set_that_was_replaced_has_no_effect(serve: Serve) -> None:
    live = serve({"/chat": Writing})
    speaker, hearer = two(live, "4-websocket")
    session = live.socket(hearer).session
    before = session["rooms"]
    session["rooms"] = {NAME}
    before.clear()
    assert hears(speaker, hearer)
    before.add("/chat_hall")
    assert not hears(speaker, hearer, "hall")


def test_what_is_written_before_the_client_is_admitted_counts(
    serve: Serve, kind: str
) -> None:
    class Early(Writing):
        def initialize(self) -> None:
            self.session["rooms"] = {NAME, "/chat_hall"}

        def recv_connect(self) -> None:
            self.session["rooms"].remove("/chat_hall")
            self.session["rooms"].add("/chat_1")

    live = serve({"/chat": Early, "/other": Echo})
    speaker, hearer = two(live, kind)
    assert hears(speaker, hearer)
    assert hears(speaker, hearer, "1")
    assert not hears(speaker, hearer, "hall")


def test_what_a_refused_client_was_named_for_is_forgotten(
    serve: Serve, kind: str
) -> None:
    class Refusing(Writing):
        refuses = True

        def recv_connect(self) -> None:
            if self.refuses:
                self.session["rooms"].update([NAME, "/other_lobby"])
                raise ConnectionRefused

    live = serve({"/chat": Refusing, "/other": Echo})
    client, speaker = live.client(kind), live.client()
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert client.read()["type"] in ("refused", "event")
    assert live.socket(client).session["rooms"] == {"/other_lobby"}
    Refusing.refuses = False
    for each in (client, speaker):
        each.join("/chat")
    assert not hears(speaker, client)


@pytest.mark.parametrize("late", [False, True])
def test_a_namespace_that_cannot_be_made_refuses(
    serve: Serve, late: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Writing):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if late:
                super().__init__(*args, **kwargs)
                self.session["rooms"] = {NAME}
            raise KeyError("broken")

    live = serve({"/chat": Broken, "/other": Echo})
    client = live.client()
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert client.read()["type"] == "refused"
    assert client.call("/other", "echo", 1) == [1]
    assert not live.socket(client).session.get("rooms")
    assert caplog.text.count("Traceback") == caplog.text.count("broken") - 1 == 1


def test_a_name_that_is_written_for_another_namespace(serve: Serve) -> None:
    """It counts from when the client is there."""
    live = serve({"/chat": Writing, "/other": Writing})
    speaker, hearer = live.client(), live.client()
    hearer.join("/other")
    hearer.call("/other", "write", "add", NAME)
    for each in (speaker, hearer):
        each.join("/chat")
    assert hears(speaker, hearer)
    hearer.call("/other", "write", "remove", NAME)
    assert not hears(speaker, hearer)


def test_numbers_are_rooms_of_their_own(serve: Serve) -> None:
    live = serve({"/chat": Writing})
    speaker, hearer = two(live, "4-websocket")
    hearer.call("/chat", "join", 1)
    assert not hears(speaker, hearer, "1")
    hearer.call("/chat", "join", "1")
    hearer.call("/chat", "leave", "1")
    speaker.call("/chat", "say", 1)
    assert hearer.event("/chat") == ["said"]
    assert hearer.call("/chat", "names") == [["/chat_1"]]
    hearer.call("/chat", "write", "remove", "/chat_1")
    speaker.call("/chat", "say", 1)
    assert hearer.call("/chat", "names") == [[]]


def test_other_names_are_kept_as_they_are(serve: Serve) -> None:
    live = serve({"/chat": Writing})
    client = live.client()
    client.join("/chat")
    session = live.socket(client).session
    names: set[Any] = {1, ("a", 2), None, "lobby", "/chat", "/chat_\ud800", "_"}
    session["rooms"] = names
    assert session["rooms"] == names
    assert live.server.rooms.rooms_of("/chat", live.socket(client)) == {None}
    session["rooms"] = ["/chat_lobby"]  # no set: the application's own
    assert session["rooms"] == ["/chat_lobby"]


@pytest.mark.parametrize(
    "write",
    [
        lambda session, names: [session["rooms"].add(each) for each in names],
        lambda session, names: session["rooms"].update(names),
        lambda session, names: session["rooms"].__ior__(names),
        lambda session, names: session.__setitem__("rooms", {NAME, *names}),
    ],
)
def test_names_are_as_many_as_rooms_may_be(
    serve: Serve, write: Callable[[Any, set[str]], object]
) -> None:
    live = serve({"/chat": Writing}, max_rooms=3)
    client = live.client()
    client.join("/chat")
    client.call("/chat", "join", "lobby")
    session = live.socket(client).session
    with pytest.raises(LimitExceeded):
        write(session, {f"/chat_{n}" for n in range(3)})
    assert len(session["rooms"]) <= 3
    assert len(live.server.rooms.rooms_of("/chat", live.socket(client))) <= 4


def test_names_can_be_copied_and_written_as_json(serve: Serve) -> None:
    live = serve({"/chat": Writing})
    client = live.client()
    client.join("/chat")
    client.call("/chat", "join", "lobby")
    session = live.socket(client).session
    for copied in (
        copy.copy(session),
        copy.deepcopy(session),
        session.copy(),
        pickle.loads(pickle.dumps(session)),
    ):
        assert type(copied) is dict
        assert copied == {"rooms": {NAME}}
    for names in (session["rooms"] | set(), session["rooms"].copy()):
        assert type(names) is set
    assert type(copy.deepcopy(session)["rooms"]) is set
    assert json.dumps({**session, "rooms": sorted(session["rooms"])})


def test_another_thread_may_write(serve: Serve) -> None:
    live = serve({"/chat": Writing})
    speaker, hearer = two(live, "4-websocket")
    session = live.socket(hearer).session
    pool = gevent.get_hub().threadpool
    pool.apply(session["rooms"].add, (NAME,))
    assert hears(speaker, hearer)
    pool.apply(session["rooms"].clear)
    assert not hears(speaker, hearer)


# Mixins of the application's own


class OwnRooms:
    """Programs have copies of gevent-socketio's mixin with changes."""

    def join(self: Any, room: str) -> None:
        self.session["rooms"].add(self._get_room_name(room))

    def leave(self: Any, room: str) -> None:
        self.session["rooms"].remove(self._get_room_name(room))


class Own(OwnRooms, Writing):
    pass


class Loop(Own):
    """Walks all clients, as gevent-socketio does."""

    def emit_to_room(self, room: Any, event: str, *args: Any) -> None:
        name = self._get_room_name(room)
        packet = {"type": "event", "name": event, "args": args, "endpoint": "/chat"}
        for socket in self.socket.server.sockets.values():
            if name in socket.session["rooms"] and socket is not self.socket:
                socket.send_packet(packet)


@pytest.mark.parametrize("cls", [Own, Loop])
def test_a_mixin_of_its_own_joins_and_leaves(
    serve: Serve, kind: str, cls: type[Chat]
) -> None:
    live = serve({"/chat": cls})
    speaker, hearer = two(live, kind)
    assert not hears(speaker, hearer)
    hearer.call("/chat", "join", "lobby")
    assert hears(speaker, hearer)
    hearer.call("/chat", "leave", "lobby")
    assert not hears(speaker, hearer)


# Names of the application's own


def test_an_overridden_name_is_asked(serve: Serve, kind: str) -> None:
    class Loud(Writing):
        def _get_room_name(self, room: Any) -> str:
            return f"room:{room}".lower()

    live = serve({"/chat": Loud})
    speaker, hearer = two(live, kind)
    hearer.call("/chat", "join", "LOBBY")
    assert hearer.call("/chat", "names") == [["room:lobby"]]
    assert hears(speaker, hearer, "Lobby")
    hearer.call("/chat", "write", "remove", "room:lobby")
    assert not hears(speaker, hearer)
    hearer.call("/chat", "write", "add", "room:lobby")
    assert hears(speaker, hearer)
    hearer.call("/chat", "leave", "lOBBY")
    assert not hears(speaker, hearer)


def test_an_overridden_name_may_be_a_number(serve: Serve) -> None:
    class Numbered(Writing):
        def _get_room_name(self, room: Any) -> Any:
            return len(room)

    live = serve({"/chat": Numbered})
    speaker, hearer = two(live, "4-websocket")
    hearer.call("/chat", "write", "add", 5)
    assert hears(speaker, hearer, "lobby")
    hearer.call("/chat", "write", "discard", 5)
    assert not hears(speaker, hearer, "lobby")


def test_rooms_of_one_name_are_one_room_in_several_namespaces(serve: Serve) -> None:
    live = serve({"/chat": Wide, "/game": Wide, "/other": Writing})
    speaker, hearer = two(live, "4-websocket")
    hearer.join("/game")
    hearer.call("/game", "join", "lobby")
    assert hears(speaker, hearer)
    hearer.leave("/game")
    assert hears(speaker, hearer)
    hearer.call("/chat", "leave", "lobby")
    assert not hears(speaker, hearer)


@pytest.mark.parametrize(
    ("text", "rooms"),
    [
        ("lobby", ("lobby",)),
        ("", ("",)),
        ("1", ("1", 1)),
        ("-20", ("-20", -20)),
        ("0", ("0", 0)),
        *((each, (each,)) for each in ("01", "-0", "--5", "+1", "\u0663", "1" * 200)),
        *((each, ()) for each in ("\ud800", "x" * 2000)),
    ],
)
def test_the_rooms_of_a_name(text: str, rooms: tuple[Any, ...]) -> None:
    assert rooms_named(text) == rooms


# Any sequence of changes

ENDPOINTS = {"/chat": Chat, "/game": Chat, "/wide": Wide, "/far": Wide}
TEXTS = ["a", "b", "a_a"]
NAMES = [f"{endpoint}_{text}" for endpoint in ENDPOINTS for text in TEXTS] + ["wide a"]
names = st.sampled_from(NAMES)
some = st.sets(names, max_size=3)
endpoints = st.sampled_from(list(ENDPOINTS))
texts = st.sampled_from(TEXTS)


class Membership(RuleBasedStateMachine):
    """The hub's rooms are those that ``session['rooms']`` names."""

    def __init__(self) -> None:
        super().__init__()
        hub = Hub(Settings())
        hub.server = hub
        self.socket = Socket(hub, {})
        self.socket.generation = SOCKETIO_5
        self.socket.environ = {"socketio": self.socket, "QUERY_STRING": ""}
        self.socket.namespaces = ENDPOINTS
        transport = PollingTransport(hub, self.socket)
        self.socket.attach(transport)
        self.names: set[str] = set()
        self.socket.session["rooms"] = set()

    def stands_for(self, endpoint: str) -> dict[str, str]:
        """The names that stand for rooms of a namespace, and the rooms."""
        if ENDPOINTS[endpoint] is Wide:
            return {name: name for name in self.names}
        prefix = f"{endpoint}_"
        own = (name for name in self.names if name.startswith(prefix))
        return {name: name.removeprefix(prefix) for name in own}

    def handle(self, kind: str, endpoint: str) -> None:
        packet: Any = {"type": kind, "endpoint": endpoint}
        self.socket.dispatcher.handle(packet)

    @rule(endpoint=endpoints)
    def connect(self, endpoint: str) -> None:
        self.handle("connect", endpoint)

    @precondition(lambda self: self.socket.active_ns)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        endpoint = data.draw(st.sampled_from(list(self.socket.active_ns)))
        self.handle("disconnect", endpoint)
        others = [self.stands_for(each) for each in self.socket.active_ns]
        for name in self.stands_for(endpoint):
            if not any(name in each for each in others):
                self.names.discard(name)

    @precondition(lambda self: self.socket.active_ns)
    @rule(data=st.data(), text=texts, joins=st.booleans())
    def by_method(self, data: Any, text: str, joins: bool) -> None:
        endpoint = data.draw(st.sampled_from(list(self.socket.active_ns)))
        namespace: Any = self.socket.active_ns[endpoint]
        wide = ENDPOINTS[endpoint] is Wide
        name = f"wide {text}" if wide else f"{endpoint}_{text}"
        if joins:
            namespace.join(text)
            self.names.add(name)
        else:
            namespace.leave(text)
            self.names.discard(name)

    @rule(name=names)
    def add(self, name: str) -> None:
        self.socket.session["rooms"].add(name)
        self.names.add(name)

    @rule(name=names)
    def discard(self, name: str) -> None:
        self.socket.session["rooms"].discard(name)
        self.names.discard(name)

    @rule(
        others=some,
        method=st.sampled_from(
            [
                "update",
                "difference_update",
                "intersection_update",
                "symmetric_difference_update",
                "__ior__",
                "__iand__",
                "__isub__",
                "__ixor__",
            ]
        ),
    )
    def change(self, others: set[str], method: str) -> None:
        getattr(self.socket.session["rooms"], method)(others)
        getattr(self.names, method)(others)

    @rule(others=some)
    def assign(self, others: set[str]) -> None:
        self.socket.session["rooms"] = others
        self.names = set(others)

    @invariant()
    def one_truth(self) -> None:
        assert self.socket.session["rooms"] == self.names
        for endpoint in self.socket.active_ns:
            joined = self.socket.hub.rooms.rooms_of(endpoint, self.socket)
            assert joined - {None} == set(self.stands_for(endpoint).values())

    def teardown(self) -> None:
        gevent.spawn(self.socket.kill).join(DEADLINE)
        assert self.socket.hub.rooms.statistics() == (0, 0)


test_any_changes = Membership.TestCase
test_any_changes.settings = machine_settings(40, 20)
