"""The server: options, limits, fairness. How it stops is in test_stopping.py."""

from __future__ import annotations

import logging
from http.client import HTTPException
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import request_uri

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.wire.websocket.frames import encode_frame

from ..clients import (
    DEADLINE,
    MASK,
    RESOURCE,
    handshake_1,
    wait_for,
)
from ..conftest import Serve, manage
from ..sample_namespaces import Echo, fresh

POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
HANDSHAKES = [POLLING, "/socket.io/1/"]


def test_a_stopped_server_opens_no_session_on_a_kept_connection(serve: Serve) -> None:
    live = serve()
    http = live.http()
    assert http.get("/").text == "a page"
    live.server.stop()
    try:
        status = http.get("/socket.io/?EIO=4&transport=polling").status
    except (OSError, HTTPException):
        status = 0
    assert status != 200
    assert live.server.sockets == {}


# Options


@pytest.mark.parametrize("value", [0, -1, float("nan")])
@pytest.mark.parametrize(
    "option",
    [
        "heartbeat_interval",
        "heartbeat_timeout",
        "close_timeout",
        "handshake_timeout",
        "shutdown_timeout",
        "max_message_size",
        "max_outbox",
        "slow_timeout",
        "max_rooms",
        "max_channels",
        "max_pending_acks",
        "max_connections",
        "max_connections_per_address",
    ],
)
def test_an_invalid_option_is_named(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{option}: "):
        SocketIOServer(("127.0.0.1", 0), None, **{option: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transports": ["polling", "pigeon"]}, "transports: 'pigeon'"),
        ({"allowed_origins": "*"}, "allowed_origins: '\\*'"),
        ({"allowed_origins": ["x.org"]}, "^allowed_origins: 'x.org' has no scheme"),
    ],
)
def test_other_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SocketIOServer(("127.0.0.1", 0), None, **options)


def test_tls_options_that_say_nothing_are_taken() -> None:
    SocketIOServer(("127.0.0.1", 0), None, keyfile=None, certfile=None)


def test_gevent_socketios_options_are_where_its_applications_read_them() -> None:
    server = SocketIOServer(("127.0.0.1", 0), None)
    assert server.config == {
        "heartbeat_interval": 25,
        "heartbeat_timeout": 35,
        "close_timeout": 60,
    }
    server = SocketIOServer(
        ("127.0.0.1", 0),
        None,
        heartbeat_interval=5,
        heartbeat_timeout=15,
        close_timeout=2,
    )
    assert server.config == {
        "heartbeat_interval": 5,
        "heartbeat_timeout": 15,
        "close_timeout": 2,
    }


@pytest.mark.parametrize(
    ("transports", "target", "status"),
    [
        (["polling"], POLLING, 200),
        (["polling"], WEBSOCKET, 400),
        (["websocket"], POLLING, 400),
        (["xhr-polling"], POLLING, 400),
        (["websocket"], "/socket.io/1/xhr-polling/SID", 400),
        (["xhr-polling"], "/socket.io/1/xhr-polling/SID", 200),
        (["xhr-polling"], "/socket.io/1/websocket/SID", 400),
    ],
)
def test_transports_that_are_not_wanted_are_not_served(
    serve: Serve, transports: list[str], target: str, status: int
) -> None:
    live = serve({}, transports=transports, handshake_timeout=0.1)
    http = live.http()
    sid, _ = handshake_1(http)
    assert http.get(target.replace("SID", sid)).status == status
    for each in list(live.server.sockets.values()):
        each.kill()


def test_pages_are_logged_where_an_application_finds_them(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    serve().http().get("/page")
    (record,) = (each for each in caplog.records if "/page" in each.getMessage())
    assert record.name == "tgext.socketio.access"


def test_a_server_on_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    """As a proxy on the same machine talks to it."""
    path = str(tmp_path / "server")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    serve({}, listener=listener, handshake_timeout=0.1, max_connections_per_address=1)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(DEADLINE)
    sock.connect(path)
    sock.sendall(f"GET {POLLING} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
    sock.close()


# Limits


@pytest.mark.cites("Socket.IO 1, Handshake 3")
@pytest.mark.parametrize("option", ["max_connections", "max_connections_per_address"])
def test_one_connection_too_many_is_refused(
    serve: Serve, kind: str, option: str
) -> None:
    live = serve({"/chat": Echo}, **{option: 2})
    first, second = live.client(kind), live.client()
    http = live.http()
    for target in HANDSHAKES:
        reply = http.get(target)
        assert (reply.status, reply.text) == (503, "Too many connections")
    assert live.websocket(WEBSOCKET).refusal().status == 503
    # The other connections go on.
    for client in (first, second):
        client.join("/chat")
    first.close()
    wait_for(lambda: len(live.server.sockets) == 1, "one leaves")
    live.client(kind).join("/chat")
    assert http.get(POLLING).status == 503


def test_addresses_are_counted_apart(serve: Serve) -> None:
    live = serve({}, max_connections_per_address=1)
    live.websocket_5()
    assert live.server.hub.registry.is_full("127.0.0.1")
    assert not live.server.hub.registry.is_full("192.0.2.1")


def test_a_connection_is_forgotten_once(serve: Serve) -> None:
    live = serve({}, max_connections_per_address=2)
    first, second = live.websocket_5(), live.websocket_5()
    socket = live.socket(first)
    for _ in range(3):
        socket.detach()
    assert list(live.server.sockets) == [second.sid]
    live.websocket_5()
    assert live.server.hub.registry.is_full("127.0.0.1")
    socket.kill()


def test_a_refused_handshake_does_not_count(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("403 Forbidden", [])
        return []

    live = serve(application=application, max_connections=1)
    http = live.http()
    for _ in range(3):
        assert http.get(POLLING).status == 403


# Fairness


class Flooded(Echo):
    """Counts events. At the first one of a flood, another client sends an event."""

    count: int
    begin: Any

    def on_count(self) -> None:
        cls = type(self)
        cls.count += 1
        if cls.count == 1:
            cls.begin()
        # Turns are limited by time, so the flood has to take longer than some turns.
        until = perf_counter() + 30e-6
        while perf_counter() < until:
            pass

    def on_how_many(self) -> int:
        return type(self).count


def test_a_client_that_floods_keeps_nobody_from_being_answered(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Flooded, count=0)
    live = serve({"/chat": namespace})
    bystander, flooder = live.client(), live.client(kind)
    for client in (bystander, flooder):
        client.join("/chat")
    namespace.begin = lambda: bystander.emit("/chat", "how many", number=1)
    # All events have arrived before the first is handled.
    flood = [flooder.dialect.event("/chat", "count", (), None)] * 1500
    sending = gevent.spawn(flooder.send, *flood)
    (count,) = bystander.read()["args"]
    # The other client is answered long before all events are handled.
    assert 0 < count < 1000
    sending.get()
    wait_for(lambda: namespace.count == 1500, "all is handled")


def test_frames_that_make_no_message_keep_nobody_from_being_answered(
    serve: Serve,
) -> None:
    namespace = fresh(Flooded, count=0)
    live = serve({"/chat": namespace})
    bystander, flooder = live.websocket_5(), live.websocket_5()
    for client in (bystander, flooder):
        client.join("/chat")
    namespace.begin = lambda: bystander.emit("/chat", "how many", number=1)
    event = b'42/chat,["count"]'
    flood = encode_frame(1, event, MASK)
    flood += b"\x01" + encode_frame(1, event, MASK)[1:]
    # Fragments without content, which are not messages.
    flood += (b"\x00\x80" + MASK) * 50_000
    flood += b"\x80\x80" + MASK
    sending = gevent.spawn(flooder.websocket.send_raw, flood)
    assert bystander.read()["args"] == [1]
    sending.get()
    wait_for(lambda: namespace.count == 2, "all is handled")


def test_stopping_twice_has_no_effect(serve: Serve) -> None:
    live = serve({})
    live.server.stop()
    live.server.stop()
    assert live.server.closed


def test_a_server_can_be_started_again() -> None:
    server = SocketIOServer(("127.0.0.1", 0), manage({"/chat": Echo}))
    for _ in range(2):
        server.start()
        sock = socket.create_connection(("127.0.0.1", server.server_port))
        sock.settimeout(DEADLINE)
        sock.sendall(f"GET {RESOURCE}/1/ HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
        sock.close()
        server.stop(timeout=0.5)


@pytest.mark.parametrize("bound", [False, True])
def test_the_name_of_an_ipv6_server_makes_a_valid_url(
    serve: Serve, bound: bool
) -> None:
    """As wsgiref and WebOb make one when the request has no ``Host``."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [request_uri({**environ, "HTTP_HOST": ""}).encode()]

    try:
        listener = socket.socket(socket.AF_INET6)
        listener.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    listener.listen()
    if not bound:
        listener.close()
    live = serve(application=application, listener=listener if bound else ("::1", 0))
    client = socket.create_connection(("::1", live.port))
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    url = b"".join(iter(lambda: client.recv(65536), b"")).split()[-1].decode()
    client.close()
    parts = urlsplit(url)
    assert parts.port == live.port
    assert parts.hostname in ("::1", "localhost", "ip6-localhost")
