"""Namespaces: how they handle events, messages and errors."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.namespaces.base import BaseNamespace
from tgext.socketio.engine.namespaces.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespaces.names import API

from ..conftest import Serve
from ..sample_namespaces import Echo

GENERATIONS = ["0.9-websocket", "2-websocket", "4-websocket"]


both_generations = pytest.mark.parametrize("kind", GENERATIONS)

# Events


class Naming(BaseNamespace):
    def on_plain(self) -> str:
        return "plain"

    def on_With_Blanks(self) -> str:
        return "with blanks"

    def on_n0(self) -> str:
        return "number"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("plain", "plain"),
        ("With Blanks", "with blanks"),
        ("With_Blanks", "with blanks"),
        ("n0", "number"),
    ],
)
def test_an_event_calls_the_method_of_its_name(
    serve: Serve, name: str, answer: str
) -> None:
    client = serve({"/chat": Naming}).client()
    client.join("/chat")
    assert client.call("/chat", name) == [answer]


class Messages(BaseNamespace):
    def recv_message(self, data: Any) -> Any:
        return ["recv_message", data]

    def recv_json(self, data: Any) -> Any:
        return ["recv_json", data]


class OwnMessages(Messages):
    def on_message(self, *args: Any) -> Any:
        return ["on_message", *args]


@pytest.mark.parametrize(
    ("cls", "method"), [(Messages, "recv_message"), (OwnMessages, "on_message")]
)
@both_generations
def test_the_event_message_goes_to_its_handler_or_to_recv_message(
    serve: Serve, kind: str, cls: type[BaseNamespace], method: str
) -> None:
    client = serve({"/chat": cls}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "message", "hello") == [[method, "hello"]]


@pytest.mark.cites("Socket.IO 1, Message 1", "Socket.IO 1, JSON Message 1")
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3:1+:/chat:a:b", '6::/chat:1+[["recv_message","a:b"]]'),
        ("3:1:/chat:a", "6::/chat:1"),
        ('4:1+:/chat:{"a":[1]}', '6::/chat:1+[["recv_json",{"a":[1]}]]'),
        ("4:1:/chat:1", "6::/chat:1"),
    ],
)
def test_a_0_9_client_sends_text_and_values(
    serve: Serve, text: str, answer: str
) -> None:
    client = serve({"/chat": Messages}).client("0.9-websocket")
    client.join("/chat")
    client.send(text)
    assert client.receive() == answer


def test_what_a_client_sends_is_acked_as_it_was_by_default(serve: Serve) -> None:
    client = serve({"/chat": Echo}).client("0.9-websocket")
    client.join("/chat")
    client.send("3:1+:/chat:text", "4:2+:/chat:[1]")
    assert client.receive() == '6::/chat:1+["text"]'
    assert client.receive() == "6::/chat:2+[[1]]"


@pytest.mark.cites("Socket.IO 1, Error 1")
def test_a_0_9_client_tells_of_an_error(serve: Serve) -> None:
    class Told(Echo):
        def recv_error(self, packet: Any) -> None:
            self.emit("told", packet)

    client = serve({"/chat": Told}).client("0.9-websocket")
    client.join("/chat")
    client.send("7::/chat:2+0")
    assert client.event("/chat") == [
        "told",
        {
            "type": "error",
            "endpoint": "/chat",
            "reason": "unauthorized",
            "advice": "reconnect",
        },
    ]


def test_an_error_of_a_client_is_ignored_by_default(serve: Serve) -> None:
    client = serve({"/chat": Echo}).client("0.9-websocket")
    client.join("/chat")
    client.send("7::/chat:2+0")
    assert client.call("/chat", "echo", 1) == [1]


def test_a_namespace_can_handle_packets_by_itself(serve: Serve, kind: str) -> None:
    class Own(Echo):
        def process_packet(self, packet: Any) -> Any:
            if packet["type"] == "connect":
                return super().process_packet(packet)
            return packet["type"], packet.get("name")

    client = serve({"/chat": Own}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "any-thing") == ["event", "any-thing"]


def test_a_packet_of_an_unknown_type_is_ignored(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    client = live.client()
    client.join("/chat")
    packet: Any = {"type": "noop", "endpoint": "/chat"}
    assert live.socket(client)["/chat"].process_packet(packet) is None
    assert client.call("/chat", "echo", 1) == [1]


# Errors


def test_an_error_is_an_event_with_two_arguments(serve: Serve, kind: str) -> None:
    class Complaining(Echo):
        def on_complain(self, quiet: bool) -> None:
            self.error("bad_mood", {"why": "rain"}, msg_id=3, quiet=quiet)

    client = serve({"/chat": Complaining}).client(kind)
    client.join("/chat")
    client.emit("/chat", "complain", False)
    assert client.event("/chat") == ["error", "bad_mood", {"why": "rain"}]
    client.emit("/chat", "complain", True)
    assert client.call("/chat", "echo", 1) == [1]


# Names


#: The attributes of gevent-socketio's `BaseNamespace` and mixins.
THEIRS = {
    "environ",
    "socket",
    "session",
    "request",
    "ns_name",
    "jobs",
    "allowed_methods",
    "emit",
    "send",
    "error",
    "spawn",
    "disconnect",
    "kill_local_jobs",
    "initialize",
    "recv_connect",
    "recv_message",
    "recv_json",
    "recv_error",
    "recv_disconnect",
    "process_packet",
    "process_event",
    "call_method_with_acl",
    "call_method",
    "get_initial_acl",
    "reset_acl",
    "add_acl_method",
    "del_acl_method",
    "lift_acl_restrictions",
    "is_method_allowed",
    "join",
    "leave",
    "emit_to_room",
    "_get_room_name",
    "broadcast_event",
    "broadcast_event_not_me",
}


#: What this package adds; applications may use these names, too.
OURS = {
    "auth",
    "authorize_connect",
    "broadcast_event_not_me_on_commit",
    "broadcast_event_on_commit",
    "call",
    "disconnect_reason",
    "drain",
    "emit_to_room_on_commit",
    "id",
    "recovered",
    "recovery",
    "room",
    "rooms",
    "socket_by_id",
    "unallowed_event_name_error",
    "user",
}


class Full(RoomsMixin, BroadcastMixin, BaseNamespace):
    pass


def test_an_application_names_its_own_attributes_as_it_likes(serve: Serve) -> None:
    live = serve({"/full": Full})
    client = live.client()
    client.join("/full")
    taken = set(vars(live.socket(client)["/full"]))
    for cls in Full.__mro__[:-1]:
        taken.update(vars(cls))
    assert {
        name for name in taken if not name.startswith(("__", "_tgsio_"))
    } == THEIRS | OURS
    assert set(API) >= OURS
