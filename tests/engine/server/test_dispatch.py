"""What a request of Socket.IO asks for, and which requests are refused at once."""

from __future__ import annotations

import pytest

from ..clients import WebSocket1
from ..conftest import Serve
from ..sample_namespaces import Echo, Witness, fresh


@pytest.mark.cites(
    "Engine.IO 3, URLs 2",
    "Engine.IO 4, Query parameters 1",
    "Engine.IO 4, Sending data 1",
    "Engine.IO 4, Receiving data 1",
    "Engine.IO 4, WebSocket 1",
)
@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("/socket.io/?EIO=4", 0, "Transport unknown"),
        ("/socket.io/?EIO=4&transport=flashsocket", 0, "Transport unknown"),
        ("/socket.io/?EIO=4&transport=xhr-polling", 0, "Transport unknown"),
        ("/socket.io/?EIO=4&transport=flashsocket&sid=SID", 0, "Transport unknown"),
        ("/socket.io/?EIO=1&transport=polling", 5, "Unsupported protocol version"),
        ("/socket.io/?EIO=5&transport=websocket", 5, "Unsupported protocol version"),
        ("/socket.io/?EIO=5&transport=polling", 5, "Unsupported protocol version"),
        (
            "/socket.io/?EIO=5&transport=polling&sid=SID",
            5,
            "Unsupported protocol version",
        ),
    ],
)
def test_engineio_says_what_was_wrong(
    serve: Serve, target: str, code: int, message: str
) -> None:
    live = serve({"/chat": Echo})
    client = live.polling_5()
    reply = live.http().get(target.replace("SID", client.sid))
    assert reply.status == 400
    assert reply.json == {"code": code, "message": message}
    assert reply.headers["Content-Type"] == "application/json"
    # The other client is still connected.
    client.join("/chat")


@pytest.mark.cites("Socket.IO 1, Transport ID 1")
@pytest.mark.parametrize("transport", ["flashsocket", "polling", "unheard"])
def test_a_0_9_client_is_refused_a_transport_that_is_not_served(
    serve: Serve, transport: str
) -> None:
    live = serve({}, handshake_timeout=0.2)
    http = live.http()
    sid = http.get("/socket.io/1/").text.partition(":")[0]
    reply = http.get(f"/socket.io/1/{transport}/{sid}")
    assert (reply.status, reply.text) == (400, "Transport unknown")


@pytest.mark.cites("Socket.IO 1, Query 1", "Socket.IO 1, Forced disconnection 1")
def test_a_0_9_client_leaves_by_a_request(serve: Serve) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    for number, target in enumerate(
        ["/socket.io/1//SID", "/socket.io/1/xhr-polling/SID?disconnect=1"]
    ):
        for client in (live.client("0.9-xhr-polling"), live.client("0.9-websocket")):
            client.join("/chat")
            reply = live.http().get(target.replace("SID", client.sid))
            assert (reply.status, reply.body) == (200, b"")
            assert client.sid not in live.server.sockets
            if isinstance(client, WebSocket1):
                assert client.websocket.receive_close() == 1000
        assert namespace.left == ["client namespace disconnect"] * 2 * (number + 1)


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("PUT", "/socket.io/1/", 405, b""),
        ("PUT", "/socket.io/?EIO=4&transport=polling&sid=abc", 405, b""),
        ("PUT", "/socket.io/?EIO=9&transport=polling", 405, b""),
        (
            "POST",
            "/socket.io/?EIO=4&transport=polling",
            400,
            b'{"code":2,"message":"Bad handshake method"}',
        ),
        (
            "PUT",
            "/socket.io/?EIO=3&transport=polling",
            400,
            b'{"code":2,"message":"Bad handshake method"}',
        ),
        ("GET", "/socket.io/1/?jsonp=x", 400, b"Bad request"),
    ],
)
def test_methods_and_callbacks_are_checked_first(
    serve: Serve, method: str, target: str, status: int, body: bytes
) -> None:
    live = serve({})
    reply = live.http().request(method, target)
    assert (reply.status, reply.body) == (status, body)
    allowed = "GET, POST, OPTIONS" if status == 405 else None
    assert reply.headers["Allow"] == allowed
    assert not live.server.sockets


def test_a_0_9_handshake_may_be_posted(serve: Serve) -> None:
    """Its specification has a POST, its client sends a GET."""
    live = serve({}, handshake_timeout=0.2)
    reply = live.http().post("/socket.io/1/", "")
    assert reply.status == 200
    assert reply.text.partition(":")[0] in live.server.sockets


def test_a_session_of_another_generation_is_unknown(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    client = live.polling_5()
    reply = live.http().get(client.target.replace("EIO=4", "EIO=3"))
    assert reply.json == {"code": 1, "message": "Session ID unknown"}
    client.join("/chat")
