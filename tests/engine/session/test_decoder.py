"""Bytes in both directions: attachments of packets over each transport."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.namespace import BaseNamespace

from ..clients import BINARY_KINDS, DEADLINE, KINDS, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Chat, Echo, Witness, fresh

FIRST = '{"_placeholder":true,"num":0}'
SECOND = '{"_placeholder":true,"num":1}'
ALL_BYTES = bytes(range(256))

binary = pytest.mark.parametrize("kind", BINARY_KINDS)


class Taking(Witness):
    """Records its arguments.

    :cvar taken: the arguments of ``take`` events.
    """

    taken: list[tuple[Any, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.taken = []

    def on_take(self, *args: Any) -> None:
        self.taken.append(args)


# From the client


@pytest.mark.cites(
    "Socket.IO 4, BINARY_EVENT 1", "Socket.IO 5, Sending and receiving data 2"
)
@binary
@pytest.mark.parametrize(
    ("text", "attachments", "args"),
    [
        (f'451-/chat,["take",{FIRST}]', [ALL_BYTES], (ALL_BYTES,)),
        (f'451-/chat,["take",{FIRST}]', [b""], (b"",)),
        (
            f'452-/chat,["take",{{"a":[{SECOND}]}},1,{FIRST}]',
            [b"a", b"b"],
            ({"a": [b"b"]}, 1, b"a"),
        ),
        # An attachment without a placeholder is not an error, nor are zero attachments.
        ('451-/chat,["take",1]', [b"a"], (1,)),
        ('450-/chat,["take",1]', [], (1,)),
        # Only a packet with attachments has placeholders.
        (f'42/chat,["take",{FIRST}]', [], ({"_placeholder": True, "num": 0},)),
    ],
)
def test_bytes_are_put_where_they_were(
    serve: Serve,
    kind: str,
    text: str,
    attachments: list[bytes],
    args: tuple[Any, ...],
) -> None:
    namespace = fresh(Taking)
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    client.send(text, *attachments)
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.taken == [args]


@binary
def test_attachments_may_come_one_by_one(serve: Serve, kind: str) -> None:
    namespace = fresh(Taking)
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    client.send(f'452-/chat,7["echo",{FIRST},{SECOND}]')
    # Heartbeats may come between attachments.
    client.send("6")
    client.send(b"a")
    client.send("3")
    client.send(b"b")
    packet = client.read()
    assert (packet["number"], packet["attachments"]) == (7, 2)
    assert packet["args"] == [
        {"_placeholder": True, "num": 0},
        {"_placeholder": True, "num": 1},
    ]
    assert [client.receive_bytes() for _ in range(2)] == [b"a", b"b"]


@pytest.mark.parametrize("kind", ["2-websocket", "2-polling"])
def test_a_ping_between_attachments_is_answered(serve: Serve, kind: str) -> None:
    namespace = fresh(Taking)
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    client.send(f'451-/chat,["take",{FIRST}]', "2", b"a")
    assert client.receive() == "3"
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.taken == [(b"a",)]


@binary
def test_as_many_attachments_as_are_allowed(serve: Serve, kind: str) -> None:
    namespace = fresh(Taking)
    client = serve({"/chat": namespace}, max_attachments=3).client(kind)
    client.join("/chat")
    client.send(f'453-/chat,["take",{FIRST}]', b"a", b"b", b"c")
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.taken == [(b"a",)]


@binary
def test_attachments_as_large_as_is_allowed_together_and_larger(
    serve: Serve, kind: str
) -> None:
    """Each is a message of its own; the option limits them together."""
    namespace = fresh(Taking)
    options = {"max_message_size": 10_000, "max_attachments_size": 15_000}
    live = serve({"/chat": namespace}, **options)
    client = live.client(kind)
    client.join("/chat")
    for last in (4000, 4001):
        client.send(f'453-/chat,["take",{FIRST}]')
        for size in (4000, 7000, last):
            assert not namespace.left
            client.send(bytes(size))
    wait_for(lambda: namespace.left, "the session ends")
    assert namespace.taken == [(bytes(4000),)]


class Fetching(Echo):
    def on_fetch(self) -> list[int]:
        return [len(each) for each in self.call("fetch", timeout=DEADLINE)]


@binary
def test_an_ack_larger_than_what_may_wait_reaches_its_handler(
    serve: Serve, kind: str
) -> None:
    """Other input of the client, which arrives meanwhile, waits, too."""
    live = serve({"/chat": Fetching}, max_message_size=50_000)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "fetch", number=7)
    assert client.event("/chat")[0] == "fetch"
    marks = ",".join(f'{{"_placeholder":true,"num":{each}}}' for each in range(4))
    client.send(f"464-/chat,1[{marks}]")
    for _ in range(4):
        client.send(bytes(35_000))
    answer = client.read()
    assert (answer["number"], answer["args"]) == (7, [[35_000] * 4])


@binary
def test_a_client_may_leave_amid_attachments(serve: Serve, kind: str) -> None:
    namespace = fresh(Taking)
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.join("/chat")
    client.send(f'451-/chat,["take",{FIRST}]')
    client.close()
    wait_for(lambda: namespace.left, "the session ends")
    assert namespace.taken == []


# To the client


class Giving(Chat):
    def on_give(self) -> None:
        self.emit("gift", {"a": [b"1", bytearray(b"2")]}, memoryview(b"3"), 4)

    def on_answer(self) -> Any:
        return b"1", {"a": b"2"}

    def on_tell(self) -> None:
        self.send(b"1")

    def on_shout_bytes(self) -> None:
        self.broadcast_event("gift", b"1")

    def on_object(self) -> None:
        self.emit("gift", b"1", object())


@pytest.mark.cites(
    "Engine.IO 3, Packet 2",
    "Engine.IO 4, WebSocket 2",
    "Engine.IO 4, Packet encoding, WebSocket 2",
    "Socket.IO 4, BINARY_EVENT 1",
    "Socket.IO 5, Sending and receiving data 2",
)
@binary
@pytest.mark.parametrize(
    ("event", "text", "attachments"),
    [
        (
            "give",
            f'453-/chat,["gift",{{"a":[{FIRST},{SECOND}]}},'
            '{"_placeholder":true,"num":2},4]',
            [b"1", b"2", b"3"],
        ),
        ("tell", f'451-/chat,["message",{FIRST}]', [b"1"]),
        ("shout bytes", f'451-/chat,["gift",{FIRST}]', [b"1"]),
    ],
)
def test_bytes_follow_their_packet(
    serve: Serve, kind: str, event: str, text: str, attachments: list[bytes]
) -> None:
    client = serve({"/chat": Giving}).client(kind)
    client.join("/chat")
    client.emit("/chat", event)
    assert client.receive() == text
    assert [client.receive_bytes() for _ in attachments] == attachments
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.cites("Socket.IO 4, BINARY_ACK 1", "Socket.IO 5, Acknowledgement 3")
@binary
def test_an_ack_has_bytes(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Giving}).client(kind)
    client.join("/chat")
    client.emit("/chat", "answer", number=3)
    assert client.receive() == f'462-/chat,3[{FIRST},{{"a":{SECOND}}}]'
    assert [client.receive_bytes() for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize("kind", ["0.9-websocket", "0.9-xhr-polling"])
@pytest.mark.parametrize("event", ["give", "answer", "tell", "shout bytes"])
def test_a_0_9_client_cannot_be_sent_bytes(
    serve: Serve, kind: str, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve({"/chat": Giving}).client(kind)
    client.join("/chat")
    client.emit("/chat", event, number=1)
    client.failure("/chat", "internal_error", "Internal server error")
    assert "TypeError: a client 0.9 of Socket.IO cannot be sent bytes" in caplog.text
    client.emit("/chat", "echo", 1, number=2)
    assert client.read()["args"] == [1]


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_beside_what_is_no_json_are_an_error_of_the_handler(
    serve: Serve, kind: str
) -> None:
    client = serve({"/chat": Giving}).client(kind)
    client.join("/chat")
    client.emit("/chat", "object")
    assert client.event("/chat")[:2] == ["error", "internal_error"]
    assert client.call("/chat", "echo", 1) == [1]


def test_bytes_reach_all_who_can_take_them(serve: Serve) -> None:
    """A packet is written once for a generation, its prefix included."""
    live = serve({"/chat": Giving})
    clients = [live.client(each) for each in BINARY_KINDS * 2]
    for client in clients:
        client.join("/chat")
    clients[0].emit("/chat", "shout bytes")
    for client in clients:
        assert client.receive() == f'451-/chat,["gift",{FIRST}]'
        assert client.receive_bytes() == b"1"


# Acks with bytes, while a handler waits for one


class Asking(Taking):
    """Calls its client, and returns the answer as ack."""

    entered: Event
    go_on: Event

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.entered, cls.go_on = Event(), Event()

    def on_ask(self) -> Any:
        return self.call("question", timeout=DEADLINE / 2)

    def on_ask_and_hold(self) -> None:
        self.emit("question", callback=lambda *args: self.taken.append(args))
        self.entered.set()
        assert self.go_on.wait(DEADLINE)


def asked(live: Live, kind: str, event: str = "ask") -> tuple[Any, int]:
    """A client, and the number of the question that its handler waits for."""
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", event, number=9)
    question = client.read()
    assert question["name"] == "question"
    return client, question["id"]


@binary
@pytest.mark.parametrize("together", [True, False])
def test_a_handler_gets_the_bytes_that_it_waits_for(
    serve: Serve, kind: str, together: bool
) -> None:
    namespace = fresh(Asking)
    client, number = asked(serve({"/chat": namespace}), kind)
    ack = f"462-/chat,{number}[{SECOND},{FIRST}]"
    messages: list[str | bytes] = [
        # Earlier messages, attachments too, are handled later.
        f'451-/chat,["take",{FIRST}]',
        b"event",
        ack,
        b"a",
        b"b",
        f'451-/chat,["take",{FIRST}]',
        b"later",
    ]
    if together:
        client.send(*messages)
    else:
        for each in messages:
            client.send(each)
    packet = client.read()
    assert (packet["type"], packet["number"], packet["attachments"]) == ("ack", 9, 2)
    assert [client.receive_bytes() for _ in range(2)] == [b"b", b"a"]
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.taken == [(b"event",), (b"later",)]


@binary
def test_an_ack_may_be_cut_off_where_a_handler_stops_to_wait(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Asking)
    client, number = asked(serve({"/chat": namespace}), kind, "ask and hold")
    client.send(f"461-/chat,{number}[{FIRST}]")
    namespace.go_on.set()
    assert client.read()["number"] == 9
    client.send(b"a")
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.taken == [(b"a",)]


@binary
@pytest.mark.parametrize(
    "messages",
    [
        ["461-/chat,NUMBER[]", "42/chat,[]"],
        ["461-/chat,[]"],
        ["43/chat,NUMBER{}"],
        [f"461-/chat,NUMBER[{SECOND}]", b"a"],
        [b"of nothing"],
    ],
    ids=str,
)
def test_broken_acks_end_the_connection_of_a_handler_that_waits(
    serve: Serve, kind: str, messages: list[str | bytes]
) -> None:
    namespace = fresh(Asking)
    live = serve({"/chat": namespace})
    client, number = asked(live, kind, "ask and hold")
    client.send(
        *(
            each.replace("NUMBER", str(number)) if isinstance(each, str) else each
            for each in messages
        )
    )
    namespace.go_on.set()
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert namespace.left == ["parse error"]
    assert namespace.taken == []


def test_unexpected_acks_start_no_greenlet(serve: Serve, kind: str) -> None:
    namespace = fresh(Asking)
    client, number = asked(serve({"/chat": namespace}), kind, "ask and hold")
    spawned: list[Any] = []
    gevent.Greenlet.add_spawn_callback(spawned.append)
    numbers = [*[number] * 50, *range(1000, 1050)]
    client.send(*(client.dialect.ack("/chat", each, (each,)) for each in numbers))
    wait_for(lambda: namespace.taken, "the ack is handled")
    gevent.Greenlet.remove_spawn_callback(spawned.append)
    assert len(spawned) < 20
    namespace.go_on.set()
    assert client.read()["number"] == 9
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.taken == [(number,)]


@pytest.mark.parametrize("kind", ["0.9-websocket", "0.9-xhr-polling"])
def test_a_broken_ack_of_a_0_9_client_is_answered_while_a_handler_waits(
    serve: Serve, kind: str
) -> None:
    """As it is when no handler waits."""
    namespace = fresh(Asking)
    client, number = asked(serve({"/chat": namespace}), kind, "ask and hold")
    client.send(f"6::/chat:{number}+{{}}", f"6::/chat:{number}+[1]")
    wait_for(lambda: namespace.taken or namespace.left, "the other ack is handled")
    namespace.go_on.set()
    packets = [client.read() for _ in range(2)]
    assert {each["type"] for each in packets} == {"ack", "event"}
    assert namespace.taken == [(1,)]
    assert namespace.left == []


def test_bytes_that_wait_when_a_client_upgrades_are_frames_of_its_generation(
    serve: Serve,
) -> None:
    live = serve({"/chat": Giving})
    for polling, prefix in ((live.polling_4(), b"\x04"), (live.polling_5(), b"")):
        polling.join("/chat")
        target = polling.target.replace("transport=polling", "transport=websocket")
        websocket = live.websocket(target)
        websocket.send("2probe")
        assert websocket.receive() == "3probe"
        socket = live.socket(polling)
        socket["/chat"].emit("gift", b"1")
        websocket.send("5")
        assert websocket.receive() == f'451-/chat,["gift",{FIRST}]'
        assert websocket.receive_frame() == (2, prefix + b"1")
        socket["/chat"].emit("gift", b"2")
        assert websocket.receive() == f'451-/chat,["gift",{FIRST}]'
        assert websocket.receive_frame() == (2, prefix + b"2")
        websocket.send(f'451-/chat,1["echo",{FIRST}]')
        websocket.send_frame(2, prefix + b"3")
        assert websocket.receive() == f"461-/chat,1[{FIRST}]"
        assert websocket.receive_frame() == (2, prefix + b"3")


@pytest.mark.parametrize("kind", ["2-polling", "4-polling"])
def test_what_was_sent_before_the_end_can_be_fetched_with_its_bytes(
    serve: Serve, kind: str
) -> None:
    class Parting(BaseNamespace):
        def on_part(self) -> None:
            for number in range(12):
                self.emit("last", bytes([number]))
            self.socket.disconnect()  # the polls that fetch the rest are still served

    live = serve({"/chat": Parting})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "part")
    wait_for(lambda: not live.server.sockets, "the session ends")
    for number in range(12):
        assert client.receive() == f'451-/chat,["last",{FIRST}]'
        assert client.receive_bytes() == bytes([number])
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_json_that_only_python_writes_is_named(
    serve: Serve, kind: str, constant: str, caplog: pytest.LogCaptureFixture
) -> None:
    """0.9 clients get an error, others are disconnected, as by the reference server."""
    caplog.set_level(logging.INFO, "tgext.socketio.engine")
    live = serve({"/chat": Echo})
    client, second = live.client(kind), live.client(kind)
    client.join("/chat")
    second.join("/chat")
    old = kind.startswith("0.9")
    event = '5:1+:/chat:{"name":"echo","args":[%s]}' if old else '42/chat,1["echo",%s]'
    client.send(event % constant)
    if old:
        _, name, info = client.event("")
        assert name == "invalid_packet"
        assert f"{constant} is not JSON" in info
    else:
        wait_for(lambda: client.sid not in live.server.sockets, "the session ends")
    said = [each.getMessage() for each in caplog.records]
    assert any(f"{constant} is not JSON" in each for each in said)
    assert second.call("/chat", "echo", 1) == [1]
