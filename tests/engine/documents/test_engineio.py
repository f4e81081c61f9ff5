"""What the documents of Engine.IO require of a server, where no other test shows it."""

from __future__ import annotations

import gevent
import pytest

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, Witness, fresh

WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


@pytest.mark.cites("Engine.IO 4, WebSocket 1")
@pytest.mark.parametrize(
    "query", ["EIO=4", "EIO=4&transport=", "EIO=9&transport=websocket"]
)
def test_a_websocket_needs_its_parameters(serve: Serve, query: str) -> None:
    assert serve({}).websocket(f"/socket.io/?{query}").status == 400


@pytest.mark.cites("Engine.IO 4, WebSocket 1")
def test_a_websocket_without_a_version_is_of_revision_3(serve: Serve) -> None:
    """So the reference server takes it; any other such request is the application's."""
    live = serve({})
    assert live.websocket("/socket.io/?transport=websocket").receive()[0] == "0"
    assert live.http().get("/socket.io/?transport=polling").text == "a page"


@pytest.mark.cites("Engine.IO 4, Headers 1", "Engine.IO 4, Headers 2")
def test_a_payload_is_text_whatever_is_in_it(serve: Serve) -> None:
    live = serve({"": Echo})
    client = live.polling_5()
    http = live.http()
    event = '451-1["echo",{"_placeholder":true,"num":0}]'
    # Client libraries add no `Content-Type` of bytes here, and the server needs none.
    assert http.post(client.target, f"40\x1e{event}\x1ebAQIDBA==").text == "ok"
    reply = http.get(client.target)
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
    _, *rest = reply.text.split("\x1e")
    while len(rest) < 2:
        rest += http.get(client.target).text.split("\x1e")
    assert rest == ['461-1[{"_placeholder":true,"num":0}]', "bAQIDBA=="]


@pytest.mark.cites("Engine.IO 4, Sending data 3")
@pytest.mark.parametrize("kind", ["2-polling", "4-polling"])
def test_two_posts_at_once_end_the_session(serve: Serve, kind: str) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.join("/chat")
    target = client.target  # type: ignore[attr-defined]
    transport = live.socket(client).transport
    raw = live.raw()
    head = f"POST {target} HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\n\r\n"
    raw.send_raw(head.encode())
    wait_for(lambda: transport.posting, "a POST is under way")  # type: ignore[union-attr]
    reply = live.http().post(target, "3" if kind == "4-polling" else "1:3")
    assert reply.status == 400
    assert reply.json == {"code": 3, "message": "Bad request"}
    raw.send_raw(b"3")
    assert raw.receive_reply().status in (200, 400)
    assert namespace.left == ["transport error"]
    assert client.sid not in live.server.sockets


def test_a_0_9_client_may_post_twice_at_once(serve: Serve) -> None:
    """Its specification does not forbid it."""
    live = serve({"/chat": Echo})
    client = live.client("0.9-xhr-polling")
    client.join("/chat")
    target = client.target  # type: ignore[attr-defined]
    raw = live.raw()
    text = '5:1+:/chat:{"name":"echo"}'
    head = f"POST {target} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(text)}"
    raw.send_raw(head.encode() + b"\r\n\r\n")
    transport = live.socket(client).transport
    wait_for(lambda: transport.posting, "a POST is under way")  # type: ignore[union-attr]
    assert client.call("/chat", "echo", number=2) == []
    raw.send_raw(text.encode())
    assert raw.receive_reply().body == b"1"
    assert client.read() == {
        "type": "ack",
        "endpoint": "/chat",
        "number": 1,
        "args": [],
    }


@pytest.mark.cites(
    "Engine.IO 3, Packet 4",
    "Engine.IO 3, Transport upgrading 1",
    "Engine.IO 3, Transport upgrading 2",
)
def test_an_upgrade_of_engineio_3(serve: Serve) -> None:
    live = serve({"": Echo})
    polling = live.polling_4()
    poll = gevent.spawn(polling.poll)
    transport = live.socket(polling).transport
    wait_for(lambda: transport.polling, "a poll waits")  # type: ignore[union-attr]
    websocket = live.websocket(polling.target.replace("polling", "websocket"))
    websocket.send("2probe")
    assert websocket.receive() == "3probe"
    assert poll.get(timeout=DEADLINE) == ["6"]
    # The client does not poll again: this packet has to wait for the WebSocket.
    live.socket(polling)[""].emit("waits", "é", b"\x01")
    websocket.send("5")
    websocket.send('421["echo","after"]')
    assert websocket.receive() == '451-["waits","é",{"_placeholder":true,"num":0}]'
    assert websocket.receive_frame() == (2, b"\x04\x01")
    assert websocket.receive() == '431["after"]'


@pytest.mark.cites("Engine.IO 3, WebSocket 1", "Engine.IO 4, WebSocket 2")
@pytest.mark.parametrize("kind", ["2-websocket", "4-websocket"])
def test_packets_have_frames_of_their_own(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Echo}).client(kind)
    client.send(
        client.dialect.connect("/chat"),
        *(client.dialect.event("/chat", "echo", (n,), n) for n in range(3)),
    )
    assert client.read()["type"] == "connect"
    # Each has its own frame, although they are sent together.
    assert [client.receive() for _ in range(3)] == [
        f"43/chat,{n}[{n}]" for n in range(3)
    ]
