"""Bad input to a live server: each connection is answered or ended as its protocol
requires, while another client is served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.http import lingering
from tgext.socketio.engine.transports import websocket as websocket_module
from tgext.socketio.wire.websocket.frames import TEXT, encode_frame

from ..vectors.bad_input import BAD_INPUT
from ..vectors.outcomes import (
    EIO3,
    EIO4,
    OLD,
    Answered,
    Body,
    Dropped,
    Ended,
    Frames,
    Messages,
    Outcome,
    Probe,
    Raw,
    Refused,
    Request,
    Silence,
    Vector,
)
from .clients import (
    DEADLINE,
    MASK,
    RESOURCE,
    Client,
    Dialect1,
    PollingClient,
    PollingOfEngineIO,
    Reply,
    WebSocketClient,
    handshake_1,
    wait_for,
)
from .clients import Raw as RawClient
from .conftest import Live, Serve
from .sample_namespaces import Echo, Witness, fresh

KINDS = {
    OLD: {"websocket": "0.9-websocket", "polling": "0.9-xhr-polling"},
    EIO3: {"websocket": "2-websocket", "polling": "2-polling"},
    EIO4: {"websocket": "4-websocket", "polling": "4-polling"},
}


class Victim(Witness):
    """Accepts every event.

    :cvar joined: how many clients it was told of.
    """

    joined: list[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.joined = []

    def recv_connect(self) -> None:
        self.joined.append(self.ns_name)

    def on_take(self, *args: Any) -> None:
        pass

    def on_pair(self, one: Any, two: Any) -> None:
        pass


class Scene:
    """A client that sends bad input, and one that is served meanwhile.

    :ivar live: the server.
    :ivar kind: what the client is.
    """

    def __init__(self, serve: Serve, vector: Vector, kind: str) -> None:
        self.namespace = fresh(Victim)
        self.live: Live = serve(
            {"/chat": self.namespace, "/other": Echo}, **vector.options
        )
        self.kind = kind
        # Of a generation that gets no pings.
        self._neighbour = self.live.client("2-websocket")
        self._neighbour.join("/other")
        self._neighbour.emit("/other", "echo", number=1)

    def client(self) -> Any:
        """The client, in ``/chat``."""
        client = self.live.client(self.kind)
        client.join("/chat")
        return client

    def serve_neighbour(self) -> None:
        """Expect the answer to an earlier event of the neighbour, and send another."""
        assert self._neighbour.read()["type"] == "ack"
        self._neighbour.emit("/other", "echo", number=1)

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait, while the neighbour is served."""

        def met() -> object:
            self.serve_neighbour()
            return condition()

        wait_for(met, what)

    def expect_end(self, reason: str) -> None:
        """The session ends."""
        left = self.namespace.left
        self.wait_for(lambda: len(self.live.server.sockets) == 1, "the session ends")
        assert left == [reason]

    def expect_life(self, client: Client) -> None:
        """The session goes on."""
        assert client.call("/chat", "echo", 1, number=3) == [1]
        assert self.namespace.left == []
        assert self.namespace.joined == ["/chat"]


# What is sent


def send_messages(scene: Scene, sent: Messages, live: Outcome) -> None:
    client = scene.client()
    for message in sent.messages:
        # Each in a separate body. The answer of the POST is not checked here.
        if isinstance(client, PollingClient):
            client.post(message)  # type: ignore[attr-defined]
        else:
            client.send(message)
    expect_packets(scene, client, live)


def expect_packets(scene: Scene, client: Any, live: Outcome) -> None:
    if isinstance(live, Answered):
        for packet in live.packets:
            assert client.read() == packet
        scene.expect_life(client)
        return
    assert isinstance(live, Ended)
    scene.wait_for(lambda: scene.namespace.left, "the namespace is left")
    if isinstance(client, PollingOfEngineIO):
        # As in the reference server, the session is unknown at once.
        assert client.gets.get(client.target).status == 400
    elif live.reason != "ping timeout":
        assert client.receive() == farewell(client)
        if isinstance(client, WebSocketClient):
            assert client.websocket.receive_close() == live.code
    client.close()
    scene.expect_end(live.reason)


def farewell(client: Client) -> str:
    """The last message to a client that may come back."""
    return "7:::1+0" if isinstance(client.dialect, Dialect1) else "1"


def send_frames(scene: Scene, sent: Frames, live: Outcome) -> None:
    client = scene.client()
    event = client.dialect.event("/chat", "echo", ("too late",), 2).encode()
    # Earlier messages are handled, and later ones are not read.
    client.emit("/chat", "echo", "in time", number=1)
    client.websocket.send_raw(sent.data + encode_frame(TEXT, event, MASK))
    assert client.read()["args"] == ["in time"]
    expect_packets(scene, client, live)


def send_body(scene: Scene, sent: Body, live: Outcome) -> None:
    client = scene.client()
    headers = {"Content-Type": sent.content_type}
    reply = client.posts.post(client.target, sent.data, headers)
    expect_reply(scene, reply, live)


def expect_reply(scene: Scene, reply: Reply, live: Outcome) -> None:
    assert isinstance(live, Refused)
    assert reply.status == live.status
    if isinstance(live.body, str):
        assert reply.text == live.body
    elif live.body is not None:
        assert reply.json == live.body
    for name, value in live.headers.items():
        assert reply.headers[name] == value
    if live.ended is not None:
        scene.expect_end(live.ended)


def send_request(scene: Scene, sent: Request, live: Outcome) -> None:
    client = scene.client()
    poll = None
    if sent.polling:
        poll = scene.live.waiting_poll(client)
    target = sent.target.format(sid=client.sid)
    if sent.upgrade:
        reply = scene.live.websocket(target).refusal()
    else:
        reply = scene.live.http().request(sent.method, target, sent.body)
    expect_reply(scene, reply, live)
    if poll is not None:
        assert poll.get(timeout=DEADLINE) == [farewell(client)]
    elif isinstance(live, Refused) and live.ended is None:
        scene.expect_life(client)


def send_probe(scene: Scene, sent: Probe, live: Outcome) -> None:
    client = scene.client()
    target = client.target.replace("polling", "websocket")
    websocket = scene.live.websocket(target)
    for message in sent.messages:
        websocket.send(message)
        assert websocket.receive() == message.replace("2", "3")
    assert isinstance(live, Dropped)
    transport: Any = scene.live.socket(client).transport
    scene.wait_for(lambda: transport.follower is None, "the upgrade is given up")
    websocket.expect_end()
    scene.expect_life(client)


def send_silence(scene: Scene, sent: Silence, live: Outcome) -> None:
    if scene.kind.endswith("websocket"):
        client = scene.client()
        client.close()
        assert isinstance(live, Ended)
        scene.expect_end(live.reason)
        return
    http = scene.live.http()
    if scene.kind.startswith("0.9"):
        handshake_1(http)
    else:
        http.get(f"{RESOURCE}/?EIO={scene.kind[0].replace('2', '3')}&transport=polling")
    sockets = scene.live.server.sockets
    assert len(sockets) == 2
    scene.wait_for(lambda: len(sockets) == 1, "the session is dropped")


def send_raw(scene: Scene, sent: Raw, live: Outcome) -> None:
    client = scene.client()
    raw: RawClient = scene.live.raw()
    raw.send_raw(sent.data.replace(b"{sid}", client.sid.encode()))
    trickling = gevent.spawn(trickle, raw, sent.trickle) if sent.trickle else None
    try:
        if isinstance(live, Refused):
            assert raw.receive_reply().status == live.status
        else:
            assert isinstance(live, Dropped)
        raw.expect_end()
    finally:
        if trickling is not None:
            trickling.kill()
    scene.expect_life(client)


def trickle(raw: RawClient, data: bytes) -> None:
    while True:
        try:
            raw.send_raw(data)
        except OSError:
            return
        gevent.sleep(0.02)


SEND: dict[type, Callable[[Scene, Any, Outcome], None]] = {
    Messages: send_messages,
    Frames: send_frames,
    Body: send_body,
    Request: send_request,
    Probe: send_probe,
    Silence: send_silence,
    Raw: send_raw,
}


#: Each mistake, with each kind of client that can make it.
CASES = [
    pytest.param(vector, kind, id=f"{vector.name}-{kind}")
    for vector in BAD_INPUT
    for generation in vector.generations
    for kind in [KINDS[generation][each] for each in vector.transports]
]


@pytest.mark.cites(
    "Engine.IO 4, Protocol 1",
    "Engine.IO 4, Receiving data 3",
    "Engine.IO 4, WebSocket 3",
    "Socket.IO 1, HTTP requests 2",
    "Socket.IO 4, CONNECT 1",
    "Socket.IO 4, Non-default namespace 1",
    "Socket.IO 5, Acknowledgement 2",
    "Socket.IO 5, Difference between v5 and v4 3",
    "Socket.IO 5, Sending and receiving data 1",
)
@pytest.mark.parametrize(("vector", "kind"), CASES)
def test_bad_input_is_answered_and_others_are_served(
    serve: Serve, vector: Vector, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server reads on after its answer, however slow the machine is.
    monkeypatch.setattr(websocket_module, "CLOSE_TIMEOUT", DEADLINE)
    monkeypatch.setattr(lingering, "LINGER", DEADLINE)
    scene = Scene(serve, vector, kind)
    SEND[type(vector.sent)](scene, vector.sent, vector.live)
    scene.serve_neighbour()
    scene.serve_neighbour()
