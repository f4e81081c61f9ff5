"""Rooms and broadcasts: members are reached, others are not."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespace import BaseNamespace

from ..clients import KINDS, Client
from ..conftest import Live, Serve
from ..hub.test_roomkeys import NO_ROOMS
from ..sample_namespaces import Chat, Echo


def everyone(live: Live, endpoint: str = "/chat") -> list[Client]:
    """A client of each kind, connected to a namespace."""
    clients = [live.client(each) for each in KINDS]
    for client in clients:
        client.join(endpoint)
    return clients


def expect_nothing(client: Client, endpoint: str = "/chat") -> None:
    """Expect that nothing was sent: it would arrive before this answer."""
    assert client.call(endpoint, "echo", "only this") == ["only this"]


def test_a_room_spans_generations_and_transports(serve: Serve) -> None:
    live = serve({"/chat": Chat})
    clients = everyone(live)
    outsider = live.client()
    outsider.join("/chat")
    for client in clients:
        client.call("/chat", "join", "lobby")
    for speaker in clients:
        speaker.call("/chat", "say", "lobby", "hello", {"to": ["you"]})
        for client in clients:
            if client is not speaker:
                said = ["said", "hello", {"to": ["you"]}]
                assert client.event("/chat") == said
        expect_nothing(speaker)
    expect_nothing(outsider)
    # A client that is not in the room can send to it.
    outsider.call("/chat", "say", "lobby")
    for client in clients:
        assert client.event("/chat") == ["said"]


def test_clients_that_left_a_room_are_not_reached(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Chat})
    speaker, client = live.client(), live.client(kind)
    for each in (speaker, client):
        each.join("/chat")
        each.call("/chat", "join", "lobby")
        each.call("/chat", "join", "lobby")
        each.call("/chat", "join", "hall")
    client.call("/chat", "leave", "lobby")
    client.call("/chat", "leave", "lobby")
    client.call("/chat", "leave", "never joined")
    speaker.call("/chat", "say", "lobby", 1)
    speaker.call("/chat", "say", "hall", 2)
    assert client.event("/chat") == ["said", 2]
    rooms: Any = live.socket(client).session["rooms"]
    assert rooms == {"/chat_hall"}


def test_clients_that_left_the_namespace_are_in_none_of_its_rooms(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Chat, "/other": Echo})
    speaker, client = live.client(), live.client(kind)
    client.join("/other")
    for each in (speaker, client):
        each.join("/chat")
        each.call("/chat", "join", "lobby")
    client.leave("/chat")
    expect_nothing(client, "/other")
    client.join("/chat")
    speaker.call("/chat", "say", "lobby", 1)
    expect_nothing(client)
    speaker.call("/chat", "shout to others", 2)
    assert client.event("/chat") == ["shouted", 2]


def test_rooms_of_two_namespaces_are_two_rooms(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Chat, "/game": Chat})
    client, speaker = live.client(kind), live.client()
    for endpoint in ("/chat", "/game"):
        for each in (client, speaker):
            each.join(endpoint)
    client.call("/chat", "join", "lobby")
    speaker.call("/game", "say", "lobby")
    expect_nothing(client)
    expect_nothing(client, "/game")
    speaker.call("/chat", "say", "lobby")
    assert client.event("/chat") == ["said"]


@pytest.mark.parametrize("before", [True, False])
def test_the_name_of_a_room_joins_none_of_another_namespace(
    serve: Serve, kind: str, before: bool
) -> None:
    """Clients may choose names; ``/chat_admin`` would say whom it lets in."""
    live = serve({"/chat": Chat, "/chat_admin": Chat})
    client, speaker = live.client(kind), live.client()
    for endpoint in ("/chat", "/chat_admin"):
        speaker.join(endpoint)
    client.join("/chat")
    if before:
        client.call("/chat", "join", "admin_secret")
    client.join("/chat_admin")
    if not before:
        client.call("/chat", "join", "admin_secret")
    rooms, socket = live.server.rooms, live.socket(client)
    assert rooms.rooms_of("/chat_admin", socket) == {None}
    speaker.call("/chat_admin", "say", "secret")
    expect_nothing(client, "/chat_admin")
    client.call("/chat_admin", "join", "secret")
    client.call("/chat", "leave", "admin_secret")
    assert rooms.rooms_of("/chat_admin", socket) == {None, "secret"}
    assert socket.session["rooms"] == {"/chat_admin_secret"}


def test_a_broadcast_reaches_all_in_the_namespace_and_nobody_else(
    serve: Serve,
) -> None:
    live = serve({"/chat": Chat, "/game": Chat})
    clients = everyone(live)
    outsiders = everyone(live, "/game")
    for speaker in clients:
        speaker.emit("/chat", "shout", "hello", 1)
        for client in clients:
            assert client.event("/chat") == ["shouted", "hello", 1]
        speaker.call("/chat", "shout_to_others", 2)
        for client in clients:
            if client is not speaker:
                assert client.event("/chat") == ["shouted", 2]
    for client in clients:
        expect_nothing(client)
    for client in outsiders:
        expect_nothing(client, "/game")


def test_an_event_that_json_cannot_hold_is_sent_to_no_client(serve: Serve) -> None:
    class Careless(Chat):
        def on_shout_object(self) -> None:
            self.broadcast_event("shouted", object())

    live = serve({"/chat": Careless})
    clients = everyone(live)
    clients[0].emit("/chat", "shout object")
    assert clients[0].event("/chat")[:2] == ["error", "internal_error"]
    for client in clients:
        expect_nothing(client)


def test_a_client_disconnects_no_others_by_the_name_of_an_event(serve: Serve) -> None:
    """Clients 4.x end the connection when an event is called ``connect``.

    It is for those to whom it is an event like any other.
    """

    class Relay(Chat):
        def on_relay(self, name: str, *args: Any) -> None:
            self.broadcast_event(name, *args)

    live = serve({"/chat": Relay})
    clients = everyone(live)
    attacker = live.client("4-websocket")
    attacker.join("/chat")
    for name in ("connect", "newListener"):
        assert attacker.call("/chat", "relay", name, 1) == [None]
    for kind, client in zip(KINDS, clients, strict=True):
        if kind.startswith("0.9"):
            assert client.event("/chat") == ["connect", 1]
            assert client.event("/chat") == ["newListener", 1]
        expect_nothing(client)


@pytest.mark.parametrize("number", [10, 11])
def test_what_a_broadcast_gathers_has_as_many_attachments(
    serve: Serve, number: int
) -> None:
    class Gathering(Chat):
        def on_gather(self) -> list[bytes]:
            self.broadcast_event("all", [b"1"] * number)
            return [b"1"] * number

    live = serve({"/chat": Gathering})
    client, hearer = live.client("4-websocket"), live.client("4-websocket")
    for each in (client, hearer):
        each.join("/chat")
    if number == 10:
        client.emit("/chat", "gather", number=1)
        assert hearer.read()["attachments"] == 10
    else:
        client.emit("/chat", "gather")
        assert client.event("/chat")[:2] == ["error", "internal_error"]
        expect_nothing(hearer)


class Picky(RoomsMixin, BaseNamespace):
    """Uses invalid rooms, which the client does not choose."""

    def on_try(self, what: str, number: int) -> str:
        method = getattr(self, what)
        args = ("told", "secret") if what == "emit_to_room" else ()
        try:
            method([*NO_ROOMS, "\ud800"][number], *args)
        except (TypeError, ValueError) as error:
            return type(error).__name__
        return "nothing was raised"

    def on_enter(self) -> None:
        self.join("A")

    def on_tell(self) -> None:
        self.emit_to_room("A", "told", "hello")


@pytest.mark.parametrize("what", ["join", "leave", "emit_to_room"])
def test_an_invalid_room_raises_at_the_call(serve: Serve, what: str) -> None:
    live = serve({"/picky": Picky})
    careless, other = live.client("4-websocket"), live.client("4-websocket")
    for client in (careless, other):
        client.join("/picky")
        client.call("/picky", "enter")
    for number in range(len(NO_ROOMS)):
        assert careless.call("/picky", "try", what, number) == ["TypeError"]
    assert careless.call("/picky", "try", what, len(NO_ROOMS)) == ["ValueError"]
    # No client received anything, and the rooms are as before.
    for speaker, hearer in ((careless, other), (other, careless)):
        speaker.call("/picky", "tell")
        assert hearer.event("/picky") == ["told", "hello"]


class Talking(BaseNamespace):
    def on_echo(self, value: Any) -> Any:
        self.join("lobby")  # type: ignore[attr-defined]
        return value

    def on_say(self) -> None:
        self.emit_to_room("lobby", "said")  # type: ignore[attr-defined]
        self.broadcast_event_not_me("shouted")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "bases",
    [
        (RoomsMixin, BroadcastMixin, Talking),
        # The order of gevent-socketio's documentation.
        (Talking, RoomsMixin, BroadcastMixin),
    ],
    ids=["before", "behind"],
)
def test_mixins_may_stand_before_or_behind_the_namespace(
    serve: Serve, bases: tuple[type, ...]
) -> None:
    live = serve({"/chat": type("Mixed", bases, {})})
    first, second = live.client(), live.client()
    for client in (first, second):
        client.join("/chat")
        expect_nothing(client)
    first.emit("/chat", "say")
    assert second.event("/chat") == ["said"]
    assert second.event("/chat") == ["shouted"]


class Settled(Chat):
    """A namespace that sends what it then changes."""

    def on_send(self, method: str, *room: str) -> None:
        content = {"text": "a note"}
        getattr(self, method)(*room, "told", content, b"bytes")
        content.clear()


@pytest.mark.parametrize(
    ("method", "room", "itself"),
    [
        ("broadcast_event_on_commit", (), True),
        ("broadcast_event_not_me_on_commit", (), False),
        ("emit_to_room_on_commit", ("lobby",), False),
    ],
)
def test_without_transactions_it_is_sent_at_once(
    serve: Serve, method: str, room: tuple[str, ...], itself: bool
) -> None:
    live = serve({"/chat": Settled})
    speaker, client = live.client("4-websocket"), live.client("4-websocket")
    for each in (speaker, client):
        each.join("/chat")
        each.call("/chat", "join", "lobby")
    speaker.emit("/chat", "send", method, *room)
    for each in (speaker, client) if itself else (client,):
        placeholder = {"_placeholder": True, "num": 0}
        assert each.read()["args"] == [{"text": "a note"}, placeholder]
        assert each.receive_bytes() == b"bytes"
    expect_nothing(speaker)


def test_what_cannot_be_sent_is_told_at_once(serve: Serve) -> None:
    live = serve({"/chat": Settled})
    client = live.client("4-websocket")
    client.join("/chat")
    namespace = live.socket(client).active_ns["/chat"]
    with pytest.raises(TypeError):
        namespace.broadcast_event_on_commit("told", object())
    for room in NO_ROOMS:
        with pytest.raises(TypeError, match="a room is a str or an int"):
            namespace.emit_to_room_on_commit(room, "told")
    expect_nothing(client)
