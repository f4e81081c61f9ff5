"""What all transports have in common: the heartbeat, and the end of slow clients."""

from __future__ import annotations

import logging
import time
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.engine.hub.settings import Settings
from tgext.socketio.engine.session.session import Socket
from tgext.socketio.engine.transports import (
    PollingTransport,
    Transport,
    WebSocketTransport,
)
from tgext.socketio.engine.transports.base import LOOKS
from tgext.socketio.wire.socketio.encoded import Encoded
from tgext.socketio.wire.socketio.generations import (
    GENERATIONS,
    SOCKETIO_1,
    SOCKETIO_4,
    SOCKETIO_5,
    Generation,
)
from tgext.socketio.wire.socketio.reasons import CLIENT_LEFT, SERVER_LEFT

from ..clients import DEADLINE, WebSocketClient, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, Witness, fresh


@pytest.mark.parametrize(
    ("kind", "interval"),
    # One look for each ping. Clients 2.x ping by themselves: the server looks three
    # times in the time that they wait for a pong.
    [
        ("0.9-websocket", 9.0),
        ("0.9-xhr-polling", 9.0),
        ("2-websocket", 2.0),
        ("2-polling", 2.0),
        ("4-websocket", 9.0),
        ("4-polling", 9.0),
    ],
)
def test_the_heartbeat_is_that_of_the_generation(
    serve: Serve, kind: str, interval: float
) -> None:
    live = serve({"/chat": Echo}, heartbeat_interval=9, heartbeat_timeout=6)
    client = live.client(kind)
    client.join("/chat")
    transport: Any = live.socket(client).transport
    assert transport.heartbeat.interval == interval


def test_a_heartbeat_ends_with_its_transport(serve: Serve, kind: str) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.join("/chat")
    transport: Any = live.socket(client).transport
    assert transport.heartbeat.slot >= 0
    live.socket(client).kill()
    assert transport.closed
    assert transport.heartbeat.slot < 0


@pytest.mark.parametrize(
    ("kind", "reason", "last"),
    [
        ("0.9-websocket", CLIENT_LEFT, []),
        ("0.9-websocket", SERVER_LEFT, []),
        ("0.9-websocket", "ping timeout", ["7:::1+0"]),
        ("4-websocket", SERVER_LEFT, []),
        ("4-websocket", "ping timeout", ["1"]),
    ],
)
def test_the_last_message_lets_a_client_come_back(
    serve: Serve, kind: str, reason: str, last: list[str]
) -> None:
    live = serve({"/chat": Echo})
    client = live.client(kind)
    client.join("/chat")
    live.socket(client).kill(reason=reason)
    assert isinstance(client, WebSocketClient)
    # The reference client of 0.9 connects again after an error with this advice, and
    # after a closed connection.
    assert client.websocket.drain()[-1:] == last
    wait_for(lambda: not live.server.sockets, "the session ends")


# Without a server


def transport_of(generation: Generation, **options: Any) -> PollingTransport:
    """A transport in its session, which has begun."""
    hub = Hub(Settings(**options))
    hub.server = hub
    socket = Socket(hub, {})
    socket.generation = generation
    socket.environ = {"socketio": socket, "QUERY_STRING": ""}
    socket.namespaces = {}
    transport = PollingTransport(hub, socket)
    socket.attach(transport)
    transport.start()
    return transport


def end(transport: PollingTransport) -> None:
    gevent.spawn(transport.socket.kill).join(DEADLINE)


def test_gevent_socketios_module_has_them() -> None:
    assert issubclass(PollingTransport, Transport)
    assert issubclass(WebSocketTransport, Transport)


@pytest.mark.parametrize("generation", [SOCKETIO_1, SOCKETIO_5])
def test_the_server_pings_where_clients_do_not(generation: Generation) -> None:
    transport = transport_of(generation, heartbeat_interval=10.0)
    assert transport.heartbeat.interval == 10.0
    transport.heartbeat.on_timer(time.monotonic() + 10.0)
    assert transport.outbox.take() == [generation.ping]
    end(transport)


def test_where_clients_ping_the_server_looks_in_between() -> None:
    options = {"heartbeat_interval": 12.0, "heartbeat_timeout": 6.0}
    transport = transport_of(SOCKETIO_4, **options)
    assert transport.heartbeat.interval == 6.0 / LOOKS
    transport.heartbeat.on_timer(time.monotonic() + 2.0)
    assert transport.outbox.take() == []
    end(transport)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("reason", "comes_back"),
    [("server shutting down", True), (SERVER_LEFT, False), (CLIENT_LEFT, False)],
)
def test_a_client_is_told_whether_to_come_back(
    generation: Generation, reason: str, comes_back: bool
) -> None:
    transport = transport_of(generation)
    gevent.spawn(transport.socket.kill, reason=reason).join(DEADLINE)
    farewell = generation.farewell(comes_back)
    # A client that left by itself is sent nothing.
    told = farewell is not None and reason != CLIENT_LEFT
    assert transport.outbox.take() == ([farewell] if told else [])


def test_a_client_that_does_not_read_is_disconnected(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.connections")
    transport = transport_of(SOCKETIO_5, max_outbox=10)
    for _ in range(10):
        transport.outbox.send(Encoded("x" * 10))
    wait_for(lambda: transport.closed, "the session ends")
    assert transport.socket.disconnect_reason == "slow consumer"
    (record,) = caplog.records
    assert "A client does not read" in record.getMessage()


def test_the_servers_own_messages_never_count() -> None:
    transport = transport_of(SOCKETIO_5, max_outbox=10)
    for _ in range(100):
        transport.send_text("3probe")
    assert not transport.closed
    end(transport)
