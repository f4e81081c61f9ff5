"""What a namespace sends: events, messages, calls and errors."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.namespaces.acks import AckTimeout

from ..clients import BINARY_KINDS, Client, wait_for
from ..conftest import Live, Serve


class Speaking(BaseNamespace):
    """Sends what a test wants.

    :cvar made: the namespaces, by order of connecting.
    """

    made: list[Any]

    def recv_connect(self) -> None:
        self.made.append(self)


class Joined:
    """A client, and its namespace."""

    def __init__(self, live: Live, client: Client, namespace: Any) -> None:
        self.live = live
        self.client = client
        self.namespace = namespace

    def expect_silence(self) -> None:
        """Expect that nothing was sent before the next answer."""
        self.namespace.emit("next")
        assert self.client.event("/chat") == ["next"]


def join(serve: Serve, kind: str) -> Joined:
    made: list[Any] = []
    live = serve({"/chat": type("Own", (Speaking,), {"made": made})})
    client = live.client(kind)
    client.join("/chat")
    return Joined(live, client, made[0])


def test_an_event_and_a_message(serve: Serve, kind: str) -> None:
    joined = join(serve, kind)
    joined.namespace.emit("told", 1, [None, "é"])
    assert joined.client.event("/chat") == ["told", 1, [None, "é"]]
    joined.namespace.send("words")
    packet = joined.client.read()
    assert packet["endpoint"] == "/chat"
    if packet["type"] == "message":  # a separate packet type in 0.9
        assert packet["data"] == "words"
    else:
        assert [packet["name"], *packet["args"]] == ["message", "words"]


@pytest.mark.parametrize("kind", BINARY_KINDS)
def test_bytes_follow_their_packet(serve: Serve, kind: str) -> None:
    joined = join(serve, kind)
    joined.namespace.emit("told", b"1")
    assert joined.client.read()["attachments"] == 1
    assert joined.client.receive_bytes() == b"1"


@pytest.mark.parametrize("kind", BINARY_KINDS)
def test_as_many_attachments_are_sent_as_clients_take(serve: Serve, kind: str) -> None:
    """With more, clients disconnect, and clients 2.x end with an exception."""
    joined = join(serve, kind)
    joined.namespace.emit("told", *[b"1"] * 10)
    assert joined.client.read()["attachments"] == 10
    for _ in range(10):
        assert joined.client.receive_bytes() == b"1"
    for callback in (None, print):
        with pytest.raises(TypeError, match=r"11 attachments: .* more than 10 "):
            joined.namespace.emit("told", *[b"1"] * 11, callback=callback)
    assert not joined.namespace.socket.ack_callbacks
    joined.expect_silence()


def test_what_cannot_be_written_is_raised_and_sends_nothing(
    serve: Serve, kind: str
) -> None:
    joined = join(serve, kind)
    for callback in (None, print):
        with pytest.raises(TypeError):
            joined.namespace.emit("told", object(), callback=callback)
    with pytest.raises(TypeError):
        joined.namespace.call("told", object())
    assert not joined.namespace.socket.ack_callbacks
    joined.expect_silence()


def test_a_timeout_without_a_callback_is_a_mistake(serve: Serve) -> None:
    joined = join(serve, "4-websocket")
    with pytest.raises(ValueError, match="callback"):
        joined.namespace.emit("told", timeout=1)
    joined.expect_silence()


def test_a_question_is_answered(serve: Serve, kind: str) -> None:
    joined = join(serve, kind)
    answers: list[Any] = []
    joined.namespace.emit("ask", 1, callback=lambda *args: answers.append(args))
    packet = joined.client.read()
    assert (packet["name"], packet["args"]) == ("ask", [1])
    joined.client.ack("/chat", packet["id"], "yes", 2)
    wait_for(lambda: answers, "the answer comes")
    assert answers == [("yes", 2)]
    assert not joined.namespace.socket.ack_callbacks


def test_a_question_that_is_not_answered_in_time(serve: Serve) -> None:
    joined = join(serve, "4-websocket")
    answers: list[Any] = []
    joined.namespace.emit("ask", callback=answers.append, timeout=0.01)
    wait_for(lambda: answers, "it is told")
    assert isinstance(answers[0], AckTimeout)
    assert not joined.namespace.socket.ack_callbacks


def test_an_error_is_an_event_or_a_line_of_the_log(serve: Serve, kind: str) -> None:
    joined = join(serve, kind)
    joined.namespace.error("not_now", "Come back later", quiet=True)
    joined.expect_silence()
    joined.namespace.error("not_now", "Come back later")
    assert joined.client.event("/chat") == ["error", "not_now", "Come back later"]


def test_after_the_end_nothing_is_sent(serve: Serve, kind: str) -> None:
    joined = join(serve, kind)
    namespace = joined.namespace
    namespace.disconnect()
    namespace.emit("told")
    namespace.emit("ask", callback=print)
    namespace.send("words")
    namespace.error("not_now", "Come back later")
    packet = joined.client.read()
    assert (packet["type"], packet["endpoint"]) == ("disconnect", "/chat")
    assert not namespace.socket.ack_callbacks


@pytest.mark.parametrize(
    "lone", [{"a": 1, "b": [2]}, "word", "", 7, 0, None, True], ids=repr
)
def test_a_packet_with_a_lone_argument(serve: Serve, kind: str, lone: Any) -> None:
    """Applications build such packets for ``send_packet``, to one client or to all."""
    joined = join(serve, kind)
    packet = {"type": "event", "name": "told", "endpoint": "/chat", "args": lone}
    for socket in joined.live.server.sockets.values():
        socket.send_packet(dict(packet))  # type: ignore[arg-type]
    joined.live.server.rooms.broadcast(packet)  # type: ignore[arg-type]
    joined.namespace.emit("told", lone)
    for _ in range(3):
        assert joined.client.event("/chat") == ["told", lone]


@pytest.mark.parametrize("kind", BINARY_KINDS)
def test_lone_bytes_of_a_packet_follow_it(serve: Serve, kind: str) -> None:
    joined = join(serve, kind)
    packet = {"type": "event", "name": "told", "endpoint": "/chat"}
    for args in (b"1", {"a": b"1"}):
        joined.namespace.socket.send_packet({**packet, "args": args})
        read = joined.client.read()
        assert (read["attachments"], len(read["args"])) == (1, 1)
        assert joined.client.receive_bytes() == b"1"
