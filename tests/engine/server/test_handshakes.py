"""Handshakes: a session, and with Engine.IO its first transport."""

from __future__ import annotations

import json
from typing import Any

import gevent
import pytest

from tgext.socketio.engine import socketio_manage
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.server.errors import HTTPError
from tgext.socketio.engine.server.handshakes import respond, unknown_transport
from tgext.socketio.engine.server.request import Request
from tgext.socketio.engine.server.routes import Route
from tgext.socketio.engine.transports.polling import PollingTransport
from tgext.socketio.wire.socketio.generations import (
    SOCKETIO_1,
    SOCKETIO_4,
    SOCKETIO_5,
    Generation,
)

from ..sample_namespaces import Echo


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    socketio_manage(environ, {"/chat": Echo})
    start_response("200 OK", [("Set-Cookie", "a=b")])
    return []


class Connection:
    """An HTTP connection whose client may have left."""

    socket = wsgi_input = None

    def __init__(self, **options: Any) -> None:
        self.server = SocketIOServer(("127.0.0.1", 0), application, **options)
        self.left = False
        self.headers: list[tuple[str, str]] = []

    def has_left(self) -> bool:
        return self.left

    def request(self, generation: Generation, transport: str) -> Any:
        def start(status: str, headers: Any) -> None:
            assert status == "200 OK"
            self.headers = list(headers)

        route = Route(generation, transport)
        connection: Any = self
        return Request(connection, route, generation, {"REQUEST_METHOD": "GET"}, start)

    def close(self) -> None:
        for socket in list(self.server.sockets.values()):
            gevent.spawn(socket.kill).join()


def test_a_0_9_client_opens_a_session_alone() -> None:
    connection = Connection()
    (body,) = respond(connection.request(SOCKETIO_1, ""))
    (socket,) = connection.server.sockets.values()
    assert bytes(body).startswith(f"{socket.sessid}:60:60:websocket,".encode())
    assert socket.transport is None
    assert ("Set-Cookie", "a=b") in connection.headers
    connection.close()


@pytest.mark.parametrize("generation", [SOCKETIO_4, SOCKETIO_5])
def test_engineio_opens_a_transport_too(generation: Generation) -> None:
    connection = Connection()
    (body,) = respond(connection.request(generation, "polling"))
    (socket,) = connection.server.sockets.values()
    assert isinstance(socket.transport, PollingTransport)
    opened = bytes(body).decode()
    opened = opened[opened.index("{") : opened.index("}") + 1]
    assert json.loads(opened)["sid"] == socket.sessid
    assert json.loads(opened)["upgrades"] == ["websocket"]
    connection.close()


@pytest.mark.parametrize(
    ("generation", "transport"), [(SOCKETIO_1, ""), (SOCKETIO_5, "polling")]
)
def test_a_client_that_left_meanwhile_has_no_session(
    generation: Generation, transport: str
) -> None:
    connection = Connection()
    connection.left = True
    with pytest.raises(HTTPError) as raised:
        respond(connection.request(generation, transport))
    assert "the client left" in str(raised.value.why)
    assert not connection.server.sockets


def test_a_transport_that_is_not_served_is_named_in_the_log() -> None:
    connection = Connection(transports=["polling"])
    request = connection.request(SOCKETIO_5, "websocket")
    with pytest.raises(HTTPError) as raised:
        respond(request)
    assert raised.value.why == "transport websocket is not served"
    assert raised.value.allow == "transports is polling"
    assert unknown_transport(request).body == raised.value.body
    assert not connection.server.sockets
