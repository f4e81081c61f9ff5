"""Acks: what a handler returns, and what a client answers."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.namespaces.base import BaseNamespace

from ..conftest import Serve
from ..sample_namespaces import Echo


class Answering(BaseNamespace):
    def on_value(self) -> Any:
        return {"a": 1}

    def on_list(self) -> Any:
        return [1, 2]

    def on_tuple(self) -> Any:
        return 1, "two", None

    def on_empty_tuple(self) -> Any:
        return ()

    def on_nothing(self) -> None:
        pass

    def on_false(self) -> bool:
        return False


@pytest.mark.cites(
    "Socket.IO 1, ACK 2",
    "Socket.IO 4, ACK 1",
    "Socket.IO 5, Acknowledgement 1",
    "Socket.IO 5, Acknowledgement 2",
)
@pytest.mark.parametrize(
    ("event", "args"),
    [
        ("value", [{"a": 1}]),
        ("list", [[1, 2]]),
        ("tuple", [1, "two", None]),
        ("empty tuple", []),
        ("nothing", [None]),
        ("false", [False]),
    ],
)
@pytest.mark.parametrize("number", [0, 1, 2**53])
def test_what_a_handler_returns_is_the_ack(
    serve: Serve, kind: str, event: str, args: list[Any], number: int
) -> None:
    client = serve({"/chat": Answering}).client(kind)
    client.join("/chat")
    assert client.call("/chat", event, number=number) == args


def test_an_event_without_a_number_is_not_acked(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Answering}).client(kind)
    client.join("/chat")
    client.emit("/chat", "value")
    assert client.call("/chat", "list") == [[1, 2]]


@pytest.mark.cites("Socket.IO 1, ACK 1", "Socket.IO 1, Encoding 2")
@pytest.mark.parametrize("event", ["value", "nothing", "tuple"])
def test_a_0_9_client_that_wants_a_receipt_gets_no_data(
    serve: Serve, event: str
) -> None:
    client = serve({"/chat": Answering}).client("0.9-websocket")
    client.join("/chat")
    client.send(f'5:0:/chat:{{"name":"{event}"}}')
    assert client.receive() == "6::/chat:0"


class Asking(Echo):
    def on_ask(self, *args: Any) -> None:
        self.emit("question", *args, callback=self.answered)

    def on_tell(self, message: str) -> None:
        self.send(message, callback=self.answered)

    def on_tell_value(self, value: Any) -> None:
        self.send(value, json=True, callback=self.answered)

    def answered(self, *args: Any) -> None:
        self.emit("answered", *args)


@pytest.mark.cites("Socket.IO 4, Acknowledgement 2", "Socket.IO 5, Acknowledgement 4")
@pytest.mark.parametrize("args", [[], ["fine"], [1, None, {"a": 2}]])
def test_the_clients_ack_reaches_the_callback(
    serve: Serve, kind: str, args: list[Any]
) -> None:
    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    client.emit("/chat", "ask", "how", "are you?")
    question = client.read()
    assert (question["name"], question["args"]) == ("question", ["how", "are you?"])
    client.ack("/chat", question["id"], *args)
    assert client.event("/chat") == ["answered", *args]
    # A second ack is ignored.
    client.ack("/chat", question["id"], *args)
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize(
    ("kind", "event", "text"),
    [
        ("0.9-websocket", "tell", "3:1:/chat:hi"),
        ("0.9-websocket", "tell_value", '4:1:/chat:"hi"'),
        ("2-websocket", "tell", '42/chat,1["message","hi"]'),
        ("2-websocket", "tell_value", '42/chat,1["message","hi"]'),
        ("4-websocket", "tell", '42/chat,1["message","hi"]'),
        ("4-websocket", "tell_value", '42/chat,1["message","hi"]'),
    ],
)
def test_a_message_can_be_acked_too(
    serve: Serve, kind: str, event: str, text: str
) -> None:
    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    client.emit("/chat", event, "hi")
    assert client.receive() == text
    client.ack("/chat", 1)
    assert client.event("/chat") == ["answered"]


def test_messages_ask_for_no_ack_by_themselves(serve: Serve) -> None:
    class Telling(BaseNamespace):
        def on_tell(self) -> None:
            self.send("text")
            self.send({"a": 1}, json=True)
            self.emit("event")

    live = serve({"/chat": Telling})
    old, new = live.client("0.9-websocket"), live.client("4-websocket")
    for client in (old, new):
        client.join("/chat")
        client.emit("/chat", "tell")
    assert [old.receive() for _ in range(3)] == [
        "3::/chat:text",
        '4::/chat:{"a":1}',
        '5::/chat:{"name":"event"}',
    ]
    assert [new.receive() for _ in range(3)] == [
        '42/chat,["message","text"]',
        '42/chat,["message",{"a":1}]',
        '42/chat,["event"]',
    ]


def test_each_question_has_its_own_number(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    numbers = []
    for _ in range(3):
        client.emit("/chat", "ask")
        numbers.append(client.read()["id"])
    assert len(set(numbers)) == 3
    for number in reversed(numbers):
        client.ack("/chat", number, number)
        assert client.event("/chat") == ["answered", number]


def test_values_that_json_cannot_hold_fail_in_the_handler(
    serve: Serve, kind: str
) -> None:
    class Careless(BaseNamespace):
        def on_try(self) -> Any:
            with pytest.raises(TypeError):
                self.emit("event", object())
            return "refused"

        def on_return(self) -> Any:
            return object()

    client = serve({"/chat": Careless}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "try") == ["refused"]
    client.emit("/chat", "return", number=1)
    client.failure("/chat", "internal_error", "Internal server error")
    assert client.call("/chat", "try") == ["refused"]
