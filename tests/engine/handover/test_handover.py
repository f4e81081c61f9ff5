"""A session is reached through any process."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from typing import Any

import gevent
import pytest

from tests.engine import clients
from tests.engine.clients import (
    Client,
    WebSocket,
    kinds,
    wait_for,
)
from tests.engine.conftest import Serve
from tests.engine.sample_namespaces import Echo
from tgext.socketio.engine.handover.handover import HandOver
from tgext.socketio.engine.handover.offers import Origin

from .streets import Street, in_turns, lost, poll_through, two, upgrade_through

NAMESPACES = {"/chat": Echo}

UNKNOWN = {"code": 1, "message": "Session ID unknown"}


def echo(client: Client, *args: Any) -> list[Any]:
    return client.call("/chat", "echo", *args)


@pytest.mark.parametrize("kind", kinds("polling"))
def test_requests_go_to_any_process(serve: Serve, kind: str) -> None:
    one, other = two(serve, NAMESPACES)
    client = in_turns(one.client(kind), other, one)
    client.join("/chat")
    for number in range(5):
        assert echo(client, number) == [number]
    assert client.sid in one.server.sockets
    assert other.server.sockets == {}


def test_one_connection_serves_the_sessions_of_several_processes(serve: Serve) -> None:
    """As those that a proxy keeps; a page, which has no session, is served too."""
    one, other = two(serve, NAMESPACES)
    sessions = [one.polling_5(), other.polling_5(), one.polling_5()]
    shared = one.http()
    for each in sessions:
        each.gets.close()
        each.posts.close()
        each.gets = each.posts = shared
        each.join("/chat")
    for number in range(3):
        for each in sessions:
            assert echo(each, number) == [number]
            assert shared.get("/").text == "a page"


def test_requests_are_pipelined_to_the_sessions_of_several_processes(
    serve: Serve,
) -> None:
    one, other = two(serve, NAMESPACES)
    there: list[Any] = [one.joined("4-polling"), other.joined("4-polling")]
    raw = other.raw()
    posts = [
        f"POST {each.target} HTTP/1.1\r\nHost: a\r\nContent-Length: 19\r\n\r\n"
        f'42/chat,1["echo",{number}]'
        for number, each in enumerate(there * 2)
    ]
    raw.send_raw("".join(posts).encode())
    for _ in posts:
        assert raw.receive_reply().body == b"ok"
    for number, each in enumerate(there):
        assert each.receive() == f"43/chat,1[{number}]"
        assert each.receive() == f"43/chat,1[{number + 2}]"


def test_a_body_may_come_later_and_is_limited_by_its_owner(serve: Serve) -> None:
    one, other = two(serve, NAMESPACES, max_message_size=1000)
    client = one.joined("4-polling")
    raw = other.raw()
    head = f"POST {client.target} HTTP/1.1\r\nHost: a\r\nContent-Length: "
    body = b'42/chat,1["echo",1]'
    raw.send_raw(f"{head}{len(body)}\r\n\r\n".encode() + body[:5])
    transport: Any = one.socket(client).transport
    wait_for(lambda: transport.posting, "the owner reads the body")
    raw.send_raw(body[5:])
    assert raw.receive_reply().body == b"ok"
    assert client.receive() == "43/chat,1[1]"
    raw.send_raw(f"{head}1001\r\n\r\n".encode())
    assert raw.receive_reply().status == 413
    lost(client)


@pytest.mark.parametrize("encrypted", [True, False])
def test_the_owner_believes_the_proxies_that_it_trusts(
    serve: Serve, encrypted: bool
) -> None:
    """Its page is one of this server only if it knows what the proxy has told."""
    one, other = two(serve, NAMESPACES, trusted_proxies=["127.0.0.1"])
    scheme = "https" if encrypted else "http"
    headers = {
        "Origin": f"{scheme}://a.example",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": scheme,
        "X-Forwarded-Host": "a.example",
    }
    client = one.polling_5()
    reply = other.http().post(client.target, "40/chat", headers)
    assert (reply.status, client.sid in one.server.sockets) == (200, True)
    headers["X-Forwarded-Host"] = "b.example"
    assert other.http().post(client.target, "41/chat,", headers).status == 403
    lost(client)


@pytest.mark.parametrize("kind", ["4-polling", "2-polling"])
def test_an_upgrade_may_begin_anywhere(serve: Serve, kind: str) -> None:
    one, other = two(serve, NAMESPACES)
    upgrade_through(other, one, one.joined(kind))


def test_websockets_of_0_9_open_anywhere(serve: Serve) -> None:
    one, other = two(serve, NAMESPACES)
    sid, _ = clients.handshake_1(one.http())
    target = f"{clients.RESOURCE}/1/websocket/{sid}"
    with closing(WebSocket(other.port, target)) as websocket:
        assert websocket.receive() == "1::"
        assert sid in one.server.sockets


def test_a_client_that_leaves_is_noticed(serve: Serve) -> None:
    one, other = two(serve, NAMESPACES, handshake_timeout=0.05)
    client = one.joined("4-polling")
    raw = poll_through(other, one, client)
    raw.close()
    wait_for(lambda: not one.server.sockets, "its session ends")
    lost(client)


def test_the_limits_count_the_address_that_the_first_process_saw(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    one, other = two(serve, NAMESPACES)
    client = one.joined("4-polling")
    with closing(gevent.socket.socket()) as sock:
        sock.bind(("127.0.0.9", 0))
        sock.connect(("127.0.0.1", other.port))
        sock.sendall(
            f"POST {client.target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"
            "?".encode()
        )
        assert b" 400 " in sock.recv(1000)
    (line,) = [each for each in caplog.messages if "Refused" in each]
    assert "127.0.0.9" in line
    lost(client)


def test_what_was_handed_over_goes_no_further(serve: Serve) -> None:
    """Also when the processes do not agree whose session it is."""
    street = Street()
    one, other = (serve(NAMESPACES, directory=street.join()) for _ in range(2))
    client = one.joined("4-polling")
    # As a process would do that does not know its own token.
    process = street.processes[other.server.hub.registry.token]
    elsewhere = HandOver(street.join(), lambda *_: None)
    here, there = gevent.socket.socketpair()
    request = f"GET {client.target} HTTP/1.1\r\nHost: a\r\n\r\n"
    origin = Origin(("127.0.0.1", 1), "http")
    elsewhere.give(process, there, origin, request.encode())
    there.close()
    head, _, body = here.recv(10_000).partition(b"\r\n\r\n")
    assert b" 400 " in head
    assert json.loads(body) == UNKNOWN
    # Its next request is like any.
    here.sendall(request.encode())
    other_poll = gevent.spawn(here.recv, 10_000)
    wait_for(lambda: one.socket(client).transport.polling, "the owner has it")
    client.emit("/chat", "echo", 1, number=3)
    assert b"43/chat,3[1]" in other_poll.get()
    here.close()
    elsewhere.close()
