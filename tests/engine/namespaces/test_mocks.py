"""Namespaces with sockets and servers of gevent-socketio's tests, and with mocks."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import gevent
import pytest

from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.virtsocket import Socket


class Server:
    """What gevent-socketio's own tests have for a server."""

    def __init__(self) -> None:
        self.sockets: dict[str, Any] = {}

    def get_socket(self, socket_id: str = "") -> Any:
        return self.sockets.get(socket_id)


def ours(server: Server) -> Any:
    return Socket(server, {})


def theirs(server: Server) -> Any:
    name = "socketio.virtsocket"
    return pytest.importorskip(name, reason="gevent-socketio").Socket(server, {})


def derived(server: Server) -> Any:
    return type("MockSocket", (Socket,), {})(server, {})


class Handmade:
    """As few attributes as a namespace of gevent-socketio needs."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session: dict[str, Any] = {}
        self.active_ns: dict[str, Any] = {}

    def remove_namespace(self, name: str) -> None:
        self.active_ns.pop(name, None)


MAKERS: dict[str, Callable[[Server], Any]] = {
    "ours": ours,
    "derived": derived,
    "gevent-socketio's": theirs,
    "handmade": Handmade,
}


class Chat(BaseNamespace, RoomsMixin, BroadcastMixin):
    def get_initial_acl(self) -> Any:
        methods = ["join", "say", "work", "ask", "open"]
        return {"recv_connect", "recv_disconnect", *(f"on_{each}" for each in methods)}

    def recv_connect(self) -> None:
        self.emit("welcome", 1)

    def on_join(self, room: str) -> str:
        self.join(room)
        return room

    def on_say(self, room: str, word: str) -> None:
        self.emit_to_room(room, "said", word)

    def on_shout(self, word: str) -> None:
        self.broadcast_event("shouted", word)

    def on_work(self) -> None:
        self.spawn(gevent.sleep, 60)

    def on_ask(self) -> None:
        self.emit("question", callback=self.session["answers"].append)

    def on_open(self) -> None:
        self.lift_acl_restrictions()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest, server: Server) -> Callable[[], Chat]:
    """Makes namespaces whose sockets are in the server, with mocks to look at."""

    def made() -> Chat:
        socket = MAKERS[request.param](server)
        socket.send_packet, socket.error = MagicMock(), MagicMock()
        socket.session["answers"] = []
        server.sockets[str(len(server.sockets))] = socket
        return Chat({"socketio": socket}, "/chat")

    return made


def sent(namespace: Any) -> list[Any]:
    calls = namespace.socket.send_packet.call_args_list
    return [call.args[0] for call in calls]


def event(name: str, *args: Any) -> dict[str, Any]:
    return {"type": "event", "endpoint": "/chat", "name": name, "args": list(args)}


def shown(name: str, *args: Any) -> dict[str, Any]:
    return {"type": "event", "endpoint": "/chat", "name": name, "args": args}


def test_a_namespace_connects_and_disconnects(make: Callable[[], Chat]) -> None:
    chat = make()
    connect = {"type": "connect", "endpoint": "/chat", "qs": ""}
    chat.process_packet(connect)
    assert sent(chat) == [connect, shown("welcome", 1)]
    chat.process_packet(event("work"))
    (job,) = chat.jobs
    chat.process_packet({"type": "disconnect", "endpoint": "/chat"})
    gevent.sleep(0)
    assert job.dead
    assert not chat.socket.error.called


def test_events_are_handled_and_refused(make: Callable[[], Chat]) -> None:
    chat = make()
    assert chat.process_packet(event("join", "den")) == "den"
    chat.process_packet(event("shout", "a"))
    chat.socket.error.assert_called_once_with(
        "method_access_denied",
        'You do not have access to method "on_shout"',
        endpoint="/chat",
        msg_id=None,
        quiet=False,
    )
    assert sent(chat) == []


def test_acks_are_heard(make: Callable[[], Chat]) -> None:
    chat = make()
    chat.process_packet(event("ask"))
    (question,) = sent(chat)
    number = question["id"]
    answer = {"type": "ack", "ackId": number, "endpoint": "/chat", "args": [7]}
    chat.process_packet(answer)
    chat.process_packet({**answer, "ackId": number + 1})
    assert chat.session["answers"] == [7]


def test_rooms_and_broadcasts_reach_the_sockets_of_the_server(
    make: Callable[[], Chat],
) -> None:
    speaker, member, other = make(), make(), make()
    for each in (speaker, member):
        each.process_packet(event("join", "den"))
    speaker.process_packet(event("say", "den", "a"))
    assert (sent(speaker), sent(other)) == ([], [])
    assert sent(member) == [shown("said", "a")]
    speaker.process_packet(event("open"))
    speaker.process_packet(event("shout", "b"))
    assert [sent(each)[-1:] for each in (speaker, member, other)] == (
        [[shown("shouted", "b")]] * 3
    )
    speaker.broadcast_event_not_me("shouted", "c")
    assert [len(sent(each)) for each in (speaker, member, other)] == [1, 3, 2]
    member.leave("den")
    speaker.process_packet(event("say", "den", "nobody hears it"))
    assert len(sent(member)) == 3


def test_a_mock_is_a_socket(server: Server) -> None:
    socket = MagicMock()
    chat = Chat({"socketio": socket}, "/chat")
    chat.process_packet(event("join", "den"))
    chat.emit("hello", 1)
    socket.send_packet.assert_called_once_with(shown("hello", 1))


def test_the_server_of_gevent_socketio_s_socket_may_have_gone() -> None:
    """It has a weak reference, and tests keep no other."""
    chat = Chat({"socketio": theirs(Server())}, "/chat")
    chat.join("den")
    assert chat.session["rooms"] == {"/chat_den"}


def test_a_namespace_of_gevent_socketio_has_its_own_socket() -> None:
    foreign = pytest.importorskip("socketio.namespace", reason="gevent-socketio")
    adapt = importlib.import_module("tgext.socketio.engine.namespaces.foreign").adapt
    server = Server()

    class Theirs(foreign.BaseNamespace):  # type: ignore[misc, name-defined]
        def on_echo(self, value: Any) -> Any:
            return value

    adapt(Theirs)
    namespace = Theirs({"socketio": theirs(server)}, "/chat")
    assert namespace.process_packet(event("echo", 7)) == 7
