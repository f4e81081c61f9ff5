"""Polling: polls and posts."""

from __future__ import annotations

import struct
from socket import SHUT_WR, SO_LINGER, SO_SNDBUF, SOL_SOCKET
from typing import Any

import gevent
import pytest
from gevent import socket as native_socket
from gevent.event import Event

from tgext.socketio.engine.hub import lingering, registry
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.transports import polling as transports

from ..clients import DEADLINE, PollingClient, kinds, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, Holding, Witness, fresh

EVENTS = 40


polling = pytest.mark.parametrize("kind", kinds("polling"))


class Parting(BaseNamespace):
    def on_part(self) -> None:
        for number in range(EVENTS):
            self.emit("last", number)
        self.disconnect()


@pytest.mark.parametrize("pending", [True, False])
def test_all_that_was_sent_before_the_end_can_be_fetched(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, pending: bool
) -> None:
    monkeypatch.setattr(registry, "NAMESPACE_TIMEOUT", 0.1)
    live = serve({"/chat": Parting})
    client = live.polling_5()
    client.join("/chat")
    socket: Any = live.socket(client)
    if not pending:
        client.emit("/chat", "part")
        wait_for(lambda: not live.server.sockets, "the session ends")
    fetched = gevent.spawn(client.receive)
    if pending:
        wait_for(lambda: socket.transport.polling, "a poll waits")
        client.emit("/chat", "part")
    messages = [fetched.get()]
    while messages[-1] != "41/chat,":
        messages.append(client.receive())
    numbers = [f'42/chat,["last",{number}]' for number in range(EVENTS)]
    assert messages == [*numbers, "41/chat,"]


@pytest.mark.cites("Real clients, Payloads 6")
@pytest.mark.cites("Engine.IO 4, Receiving data 2", "Socket.IO 1, Anatomy 2")
@polling
def test_a_poll_brings_all_that_waits_but_no_more_than_sixteen(
    serve: Serve, kind: str
) -> None:
    """The public Python client refuses a body of more."""

    class Talking(Holding):
        def on_talk(self, count: int) -> None:
            for number in range(count):
                self.emit("words", number)

    live = serve({"/chat": fresh(Talking)})
    client: Any = live.client(kind)
    client.join("/chat")
    for count, sizes in [(1, [1]), (16, [16]), (20, [16, 4])]:
        client.emit("/chat", "talk", count)
        outbox: Any = live.socket(client).transport.outbox  # type: ignore[union-attr]
        wait_for(lambda count=count, box=outbox: len(box) == count, "all is sent")
        polls = [client.poll() for _ in sizes]
        assert [len(each) for each in polls] == sizes
        events = [client.dialect.read(text) for each in polls for text in each]
        assert [each["args"] for each in events] == [[n] for n in range(count)]


@pytest.mark.cites("Engine.IO 4, Receiving data 2")
@polling
def test_a_poll_waits_for_a_message(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Holding)})
    client: Any = live.client(kind)
    client.join("/chat")
    poll = live.waiting_poll(client)
    live.socket(client)["/chat"].emit("words")
    (text,) = poll.get(timeout=DEADLINE)
    assert client.dialect.read(text)["name"] == "words"


@pytest.mark.cites("Engine.IO 4, Sending data 2")
@pytest.mark.parametrize(
    ("kind", "answer"),
    [("0.9-xhr-polling", b"1"), ("2-polling", b"ok"), ("4-polling", b"ok")],
)
def test_a_post_is_answered_before_its_events_are_handled(
    serve: Serve, kind: str, answer: bytes
) -> None:
    """A handler may wait for what the client sends with its next POST."""
    namespace = fresh(Holding)
    client: Any = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    for event in ("hold", "echo"):
        reply = client.post(client.dialect.event("/chat", event, (), 1))
        assert (reply.status, reply.body) == (200, answer)
    namespace.go_on.set()
    assert [client.read()["args"] for _ in range(2)] == [[None], []]


@polling
def test_messages_of_several_posts_are_handled_in_order(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Holding)
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    event = client.dialect.event
    for first in range(0, 30, 3):
        texts = [event("/chat", "note", (first + n,), None) for n in range(3)]
        client.send(*texts)
    assert namespace.notes == []
    namespace.go_on.set()
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.notes == list(range(30))


@polling
def test_a_client_that_posts_faster_than_is_handled_has_to_wait(
    serve: Serve, kind: str
) -> None:
    """Its body is not read before there is room for it."""
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, max_message_size=50_000)
    client: Any = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    text = client.dialect.event("/chat", "note", ("x" * 40_000,), None)
    transport: Any = live.socket(client).transport
    account = live.socket(client).account
    while not account.full:
        assert client.post(text).status == 200
    number = len(transport.inbox)
    assert 3 * 50_000 < account.size < 5 * 50_000
    more = gevent.spawn(client.post, text)
    wait_for(lambda: transport.posting, "the POST arrives")
    gevent.sleep(0.02)
    assert not more.ready()
    assert len(transport.inbox) == number
    namespace.go_on.set()
    assert more.get(timeout=DEADLINE).status == 200
    wait_for(lambda: len(namespace.notes) == number + 1, "all is handled")
    assert account.size == 0


@polling
def test_a_poll_that_waits_learns_of_the_end(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Witness)})
    client: Any = live.client(kind)
    client.join("/chat")
    poll = live.waiting_poll(client)
    live.socket(client).kill(reason="transport error")
    expected = "7:::1+0" if kind.startswith("0.9") else "1"
    assert poll.get(timeout=DEADLINE) == [expected]
    live.expect_nothing_left()


@polling
def test_a_poll_that_waits_returns_when_the_client_leaves(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": fresh(Witness)})
    client: Any = live.client(kind)
    client.join("/chat")
    poll = live.waiting_poll(client)
    client.send("0::" if kind.startswith("0.9") else "1")
    assert poll.get(timeout=DEADLINE) == ["8::" if kind.startswith("0.9") else "6"]


@polling
def test_what_nobody_fetches_goes(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(transports, "LINGER", 0.1)
    live = serve({"/chat": fresh(Witness)})
    client: Any = live.client(kind)
    client.join("/chat")
    live.socket(client).kill(reason="server shutting down")
    assert live.server.hub.lingering.get(client.sid) is not None
    # Only polls are still answered.
    reply = client.post(client.dialect.connect("/chat"))
    assert reply.status == (200 if kind.startswith("0.9") else 400)
    unfetched = live.server.hub.lingering
    wait_for(lambda: not unfetched.get(client.sid), "the server forgets it")
    reply = client.gets.get(client.target)
    assert reply.status == (200 if kind.startswith("0.9") else 400)


@polling
def test_nothing_is_kept_for_clients_that_left(serve: Serve, kind: str) -> None:
    """A client could connect again and again, and leave as much each time."""
    live = serve({"/chat": fresh(Witness)})
    client: Any = live.client(kind)
    client.join("/chat")
    socket = live.socket(client)
    transport: Any = socket.transport
    socket["/chat"].emit("words", "x" * 1000)
    client.send("0::" if kind.startswith("0.9") else "1")
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert transport.outbox.size == 0
    assert live.server.hub.lingering.get(client.sid) is None


@polling
def test_what_waits_for_all_who_may_fetch_it_is_bounded(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(lingering, "MOST", 10_000)
    live = serve({"/chat": fresh(Witness)})
    ended: list[Any] = []
    for _ in range(5):
        client: Any = live.client(kind)
        client.join("/chat")
        socket = live.socket(client)
        ended.append((client, socket.transport))
        socket["/chat"].emit("words", "x" * 4000)
        socket.kill(reason="server shutting down")
    unfetched = live.server.hub.lingering
    kept = [unfetched.get(client.sid) is not None for client, _ in ended]
    assert kept == [False, False, False, True, True]
    assert not any(len(transport.outbox) for _, transport in ended[:3])
    for client, _ in ended[3:]:
        assert "x" * 4000 in client.poll()[0]
    assert unfetched.size == 0


@polling
def test_a_transport_is_closed_once(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Witness)})
    client: Any = live.client(kind)
    transport: Any = live.socket(client).transport
    live.socket(client).kill(reason="server shutting down")
    transport.close("again", 1000)
    assert len(client.poll()) == 1
    assert live.server.hub.lingering.get(client.sid) is None


# Polls whose connections end


def hanging(live: Any, client: Any) -> Any:
    """A connection of its own on which a poll of the client waits."""
    raw = live.raw()
    raw.send_raw(f"GET {client.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    transport: Any = live.socket(client).transport
    wait_for(lambda: transport.polling, "a poll waits")
    return raw


def end_of(raw: Any, how: str) -> None:
    """End a connection in one of several ways."""
    if how == "reset":
        raw.sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


class Hanging(Witness):
    """A handler that never ends."""

    def on_hang(self) -> None:
        Event().wait()

    def on_take(self, text: str) -> None:
        raise AssertionError("the first handler has not ended")


@polling
@pytest.mark.parametrize("posts", [1, 3])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_who_leaves_while_its_posts_wait_for_a_handler_is_missed(
    serve: Serve, kind: str, how: str, posts: int
) -> None:
    """A POST waits while much is kept for its client, whose pongs do not count then."""
    namespace = fresh(Hanging)
    options = {"max_message_size": 20_000, "shutdown_timeout": 0.1}
    beats = {"heartbeat_interval": 0.1, "heartbeat_timeout": 0.1}
    live = serve({"/chat": namespace}, **options, **beats)
    client: Any = live.client(kind)
    client.join("/chat")
    socket: Any = live.socket(client)
    client.emit("/chat", "hang")
    while not socket.account.full:
        client.emit("/chat", "take", "x" * 15_000)
    head = (
        f"POST {client.target} HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n"
    )
    raws = [live.raw() for _ in range(posts if kind.startswith("0.9") else 1)]
    for raw in raws:
        raw.send_raw(head.encode() + b"x" * 100)
    wait_for(lambda: socket.transport.posting == len(raws), "the POSTs wait")
    gevent.sleep(0.5)
    assert socket.connected  # it is still there
    for raw in raws:
        end_of(raw, how)
    wait_for(lambda: namespace.left, "it is missed")
    assert namespace.left == ["ping timeout"]
    assert not socket.transport.posting
    wait_for(lambda: not live.server.hub.requests.number, "the handler is interrupted")


@polling
@pytest.mark.parametrize("how", ["closed", "reset", "closed behind a request"])
def test_a_poll_whose_connection_ended_takes_nothing(
    serve: Serve, kind: str, how: str
) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client: Any = live.client(kind)
    client.join("/chat")
    socket = live.socket(client)
    transport: Any = socket.transport
    raw = hanging(live, client)
    if how == "closed behind a request":
        raw.send_raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        gevent.sleep(0.01)
        assert transport.polling
    end_of(raw, how)
    wait_for(lambda: not transport.polling, "the end is noticed")
    for number in range(3):
        socket.active_ns["/chat"].emit("news", number)
    assert [client.event("/chat") for _ in range(3)] == [
        ["news", number] for number in range(3)
    ]
    assert namespace.left == []


@polling
def test_the_end_is_noticed_though_a_message_comes_at_the_same_time(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Echo})
    client: Any = live.client(kind)
    client.join("/chat")
    socket = live.socket(client)
    raw = hanging(live, client)
    # No other greenlet runs between these two lines.
    raw.sock.shutdown(SHUT_WR)
    socket.active_ns["/chat"].emit("news", 1)
    assert client.event("/chat") == ["news", 1]


@polling
def test_a_client_that_polls_no_more_has_left(serve: Serve, kind: str) -> None:
    """This is noticed long before its heartbeat is missing."""
    namespace = fresh(Witness)
    live = serve({"/chat": namespace}, handshake_timeout=2)
    client, stays = live.client(kind), live.client(kind)
    for each in (client, stays):
        each.join("/chat")
    assert isinstance(stays, PollingClient)
    noop = live.socket(stays).generation.noop

    def poll_on() -> object:
        # The second poll may be answered with a noop when the first one ends.
        while (messages := stays.poll()) == [noop]:
            pass
        return messages

    end_of(hanging(live, stays), "closed")
    again = gevent.spawn(poll_on)
    end_of(hanging(live, client), "closed")
    wait_for(lambda: namespace.left, "the client is given up")
    assert namespace.left == ["transport close"]
    live.socket(stays).active_ns["/chat"].emit("news", 1)
    assert again.get(timeout=DEADLINE)


@polling
def test_a_client_that_posts_has_not_left(serve: Serve, kind: str) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client: Any = live.client(kind)
    client.join("/chat")
    transport: Any = live.socket(client).transport
    end_of(hanging(live, client), "closed")
    wait_for(lambda: transport.deserted, "the end is noticed")
    client.emit("/chat", "echo", 1)
    assert not transport.deserted
    assert namespace.left == []


@polling
def test_what_could_not_be_written_is_kept_in_order(serve: Serve, kind: str) -> None:
    # More than the kernel takes at once.
    large = "x" * 500_000
    listener = native_socket.socket()
    listener.setsockopt(SOL_SOCKET, SO_SNDBUF, 10_000)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    live = serve({"/chat": Echo}, listener=listener)
    client: Any = live.client(kind)
    client.join("/chat")
    namespace = live.socket(client).active_ns["/chat"]
    transport: Any = live.socket(client).transport
    namespace.emit("news", large)
    raw = live.raw(receive_buffer=4096)
    raw.send_raw(f"GET {client.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    wait_for(lambda: not len(transport.outbox), "the poll takes it")
    namespace.emit("news", 2)
    end_of(raw, "reset")
    assert client.event("/chat")[1] == large
    assert client.event("/chat") == ["news", 2]


@polling
def test_the_last_packets_are_kept_too(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Witness)})
    client: Any = live.client(kind)
    client.join("/chat")
    transport: Any = live.socket(client).transport
    live.socket(client).kill(reason="server shutting down")
    messages = transport.poll(live.raw().sock)
    assert live.server.hub.lingering.get(client.sid) is None
    transport.put_back(messages)
    assert client.poll() == messages
    assert live.server.hub.lingering.get(client.sid) is None


@polling
def test_a_poll_takes_the_place_of_one_whose_connection_ended(
    serve: Serve, kind: str
) -> None:
    """It does not count as a second poll beside the first."""
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client: Any = live.client(kind)
    client.join("/chat")
    raw = hanging(live, client)
    gevent.idle()
    end_of(raw, "closed")
    live.socket(client).active_ns["/chat"].emit("news", 1)
    assert client.event("/chat") == ["news", 1]
    assert namespace.left == []
