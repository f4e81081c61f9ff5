"""Polls and POSTs: how they are answered when they are large, and when a session ends.

The clients 1.7.4, 2.5, 3.1 and 4.8 were tried: after a close packet their disconnect
reason is *transport close*, after an answer of 400 or 413 it is *transport error* (1.x
and 2.x fire an ``error`` event too). They reconnect equally fast after both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.http import lingering
from tgext.socketio.wire.engineio import v3 as engineio_3

from ..clients import (
    DEADLINE,
    KINDS,
    Polling1,
    Polling5,
    PollingClient,
    Reply,
    kinds,
    wait_for,
)
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, Witness, fresh

polling = pytest.mark.parametrize("kind", kinds("polling"))

UNKNOWN = b'{"code":1,"message":"Session ID unknown"}'


def waiting_poll(live: Live, client: Any) -> gevent.Greenlet[..., Reply]:
    poll = gevent.spawn(client.gets.get, client.target)
    transport: Any = live.socket(client).transport
    wait_for(lambda: transport.polling, "a poll waits")
    return poll


def expect_unknown(reply: Reply, kind: str) -> None:
    """Expect the answer for an unknown session, after which clients reconnect."""
    if kind.startswith("0.9"):
        assert (reply.status, reply.text) == (200, "7:::1+0")
    else:
        assert (reply.status, reply.body) == (400, UNKNOWN)


@polling
def test_a_post_that_is_too_large_is_what_the_client_closes_for(
    serve: Serve, kind: str
) -> None:
    """As with the reference server, there is no close packet before the 413."""
    namespace = fresh(Witness)
    live = serve({"/chat": namespace}, max_message_size=1000)
    neighbour, client = live.joined("4-websocket"), live.joined(kind)
    poll = waiting_poll(live, client)
    assert client.post("x" * 2000).status == 413
    expect_unknown(poll.get(timeout=DEADLINE), kind)
    expect_unknown(client.gets.get(client.target), kind)
    assert namespace.left == ["parse error"]
    assert neighbour.call("/chat", "echo", 1) == [1]


def break_protocol(live: Live, client: PollingClient) -> None:
    client.post("9 is no packet")


def be_silent(live: Live, client: PollingClient) -> None:
    live.socket(client).transport.heartbeat.expire()  # type: ignore[union-attr]


def lose_transport(live: Live, client: PollingClient) -> None:
    live.socket(client).kill(reason="transport error")


ENDS: dict[str, Callable[[Live, Any], None]] = {
    "parse error": break_protocol,
    "ping timeout": be_silent,
    "transport error": lose_transport,
}


@pytest.mark.parametrize("kind", ["2-polling", "4-polling"])
@pytest.mark.parametrize("reason", ENDS)
@pytest.mark.parametrize("polls", [True, False])
def test_a_session_that_was_lost_is_unknown_at_once(
    serve: Serve, kind: str, reason: str, polls: bool
) -> None:
    """A waiting poll is told of the end; later polls are not."""
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client = live.joined(kind)
    poll = waiting_poll(live, client) if polls else None
    ENDS[reason](live, client)
    wait_for(lambda: namespace.left, "the session ends")
    assert namespace.left == [reason]
    if poll is not None:
        reply = poll.get(timeout=DEADLINE)
        assert (reply.status, reply.text) == (200, "1" if kind[0] == "4" else "1:1")
    expect_unknown(client.gets.get(client.target), kind)


# Large answers of Engine.IO 3

LARGE = "é" * 200_000


def is_bytes(reply: Reply) -> bool:
    return reply.headers["Content-Type"] == "application/octet-stream"


def poll_large(live: Live, client: Any, text: str) -> Reply:
    client.emit("/chat", "echo", text, number=1)
    reply: Reply = client.gets.get(client.target)
    [message] = client.split(reply)
    assert client.dialect.read(message)["args"] == [text]
    return reply


@pytest.mark.parametrize(
    ("query", "text", "as_bytes"),
    [
        ("", "short", False),
        ("", "x" * engineio_3.MOST_TEXT, True),
        ("", LARGE, True),
        ("", "x" * 900_000, True),
        ("b64=1", LARGE, False),
    ],
)
def test_a_large_answer_is_bytes_for_clients_that_take_them(
    serve: Serve, query: str, text: str, as_bytes: bool
) -> None:
    """1.x decodes text in browsers with one call that has an argument for each byte."""
    live = serve({"/chat": fresh(Witness)}, max_message_size=2_000_000)
    client = live.joined("2-polling", query=query)
    reply = poll_large(live, client, text)
    assert is_bytes(reply) is as_bytes
    if as_bytes:
        # Nothing is escaped.
        assert len(reply.body) < len(text.encode()) + 50


def test_who_takes_no_bytes_says_so_once(serve: Serve) -> None:
    """Clients send `b64` in the handshake only. Attachments are base64."""
    live = serve({"/chat": fresh(Witness)}, max_message_size=2_000_000)
    client = live.joined("2-polling", query="b64=1")
    client.target = client.target.replace("&b64=1", "")
    assert not is_bytes(poll_large(live, client, LARGE))
    live.socket(client)["/chat"].emit("bytes", b"1234")
    assert not is_bytes(client.gets.get(client.target))


def test_other_generations_have_text(serve: Serve) -> None:
    live = serve({"/chat": fresh(Witness)}, max_message_size=2_000_000)
    for kind in set(KINDS) & {"0.9-xhr-polling", "4-polling"}:
        client = live.joined(kind)
        client.emit("/chat", "echo", LARGE, number=1)
        assert not is_bytes(client.gets.get(client.target))


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 1000000\r\n\r\nthe first bytes",
        b"Transfer-Encoding: chunked\r\n\r\nc8\r\n" + b"x" * 200 + b"\r\n",
    ],
    ids=["stated", "chunked"],
)
def test_a_body_above_the_limit_is_refused_unread(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(lingering, "LINGER", 0.1)
    live = serve({}, max_message_size=100)
    client = live.polling_5()
    raw = live.raw()
    raw.send_raw(f"POST {client.target} HTTP/1.1\r\nHost: here\r\n".encode() + body)
    reply = raw.receive_reply()
    assert reply.status == 413
    assert reply.headers["Connection"] == "close"
    raw.expect_end()
    assert client.sid not in live.server.sockets


def test_a_body_that_is_cut_off_is_no_error_of_the_server(serve: Serve) -> None:
    live = serve({})
    client = live.polling_5()
    raw = live.raw()
    head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\nContent-Length: 50\r\n\r\n4"
    raw.send_raw(head.encode())
    wait_for(lambda: live.server.hub.requests.number, "the request arrives")
    raw.close()
    wait_for(lambda: not live.server.hub.requests.number, "the request ends")


@pytest.mark.cites("Engine.IO 4, Handshake 3")
@pytest.mark.parametrize("kind", kinds("polling"))
def test_a_body_of_the_largest_size_is_taken(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo}, max_message_size=1000)
    client = live.client(kind)
    client.join("/chat")
    empty = client.dialect.event("/chat", "echo", ("",), 1)
    # Of 2.x, the length and a colon count, too.
    text = "x" * (1000 - len(empty) - (4 if kind.startswith("2") else 0))
    assert client.call("/chat", "echo", text) == [text]
    reply: Any = client.post(  # type: ignore[attr-defined]
        client.dialect.event("/chat", "echo", (text + "x",), 1)
    )
    assert reply.status == 413


def test_a_chunked_body_is_taken(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    client = live.polling_5()
    raw = live.raw()
    head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked"
    raw.send_raw(head.encode() + b"\r\n\r\n3\r\n40/\r\n5\r\nchat,\r\n0\r\n\r\n")
    assert raw.receive_reply().body == b"ok"
    assert client.read()["endpoint"] == "/chat"


def test_a_0_9_client_polls_before_it_posts(serve: Serve) -> None:
    live = serve({}, handshake_timeout=0.1)
    http = live.http()
    sid = http.get("/socket.io/1/").text.partition(":")[0]
    reply = http.post(f"/socket.io/1/xhr-polling/{sid}", "1::/chat")
    assert (reply.status, reply.text) == (400, "Bad request")


@pytest.mark.parametrize("kind", ["0.9-xhr-polling", "2-polling"])
def test_what_the_server_takes_to_connect_is_not_waiting_for_the_client(
    serve: Serve, kind: str
) -> None:
    """The client can send nothing before it has the answer."""
    seconds = 1.0

    class Slow(Echo):
        def recv_connect(self) -> None:
            gevent.sleep(1.2 * seconds)

    live = serve({"": Slow}, handshake_timeout=seconds)
    assert live.client(kind).call("", "echo", 1) == [1]


# Overlapping polls


def hanging(live: Live, client: Polling1 | Polling5) -> gevent.Greenlet[..., Any]:
    """A poll that waits, on a connection of its own."""
    http = live.http()
    poll = gevent.spawn(http.get, client.target)
    transport: Any = live.socket(client).transport
    wait_for(lambda: transport.polling, "a poll waits")
    return poll


@pytest.mark.cites("Socket.IO 1, Noop 1")
def test_a_0_9_client_may_give_up_a_poll(serve: Serve) -> None:
    """It polls again. The old poll, which may be lost, must not take any packet."""
    live = serve({"/chat": Echo})
    client: Any = live.client("0.9-xhr-polling")
    client.join("/chat")
    first = hanging(live, client)
    client.gets.get(client.target)
    assert first.get(timeout=DEADLINE).text == "8::"
    client.emit("/chat", "echo", 1, number=2)
    answer = client.receive()
    while answer == "8::":
        answer = client.receive()
    assert answer == "6::/chat:2+[1]"
