"""What the documents of Socket.IO require of a server, where no other test shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.wire.socketio import v3_4 as socketio_4
from tgext.socketio.wire.socketio.generations import SOCKETIO_4
from tgext.socketio.wire.socketio.packet import Packet

from ..clients import Http, Reply, expect_end_of_session, handshake_1
from ..conftest import Serve
from ..sample_namespaces import Echo, Witness, fresh


class Hello(Echo):
    """The namespace of the sample sessions."""

    heard: list[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.heard = []

    def on_hello(self) -> None:
        self.heard.append("hello")

    def on_world(self) -> None:
        self.heard.append("world")


class Admin(BaseNamespace):
    def on_tellme(self) -> bytes:
        return b"\x01"


PLACEHOLDER = '{"_placeholder":true,"num":0}'


@pytest.mark.cites(
    "Socket.IO 5, Sample session 1",
    "Socket.IO 5, Packet encoding 1",
    "Socket.IO 5, Packet encoding 3",
    "Engine.IO 4, Message 1",
)
def test_the_sample_session_of_revision_5(serve: Serve) -> None:
    main = fresh(Hello)
    live = serve({"": main, "/admin": Admin})
    http = live.http()
    target = "/socket.io/?EIO=4&transport=polling&t=N8hyd6w"
    reply = http.get(target)
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert reply.text[0] == "0"
    handshake = json.loads(reply.text[1:])
    assert list(handshake) == [
        "sid",
        "upgrades",
        "pingInterval",
        "pingTimeout",
        "maxPayload",
    ]
    target += f"&sid={handshake['sid']}"
    assert http.post(target, "40").text == "ok"
    reply = http.get(target)
    assert reply.text[:2] == "40"
    assert list(json.loads(reply.text[2:])) == ["sid"]
    socket = live.server.sockets[handshake["sid"]]
    socket[""].emit("hey", "Jude")
    assert http.get(target).text == '42["hey","Jude"]'
    assert http.post(target, '42["hello"]\x1e42["world"]').text == "ok"
    finish(live, target, '40/admin,{"sid":"', main)


@pytest.mark.cites(
    "Socket.IO 4, Sample session 1",
    "Socket.IO 4, Packet encoding 1",
    "Socket.IO 4, Encoding format 2",
    "Socket.IO 4, BINARY_ACK 1",
)
def test_the_sample_session_of_revision_4(serve: Serve) -> None:
    main = fresh(Hello)
    live = serve({"": main, "/admin": Admin})
    http = live.http()
    target = "/socket.io/?EIO=3&transport=polling&t=N8hyd6w"
    reply = http.get(target)
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
    length, _, rest = reply.text.partition(":")
    assert rest[int(length) :] == "2:40"
    handshake = json.loads(rest[1 : int(length)])
    target += f"&sid={handshake['sid']}"
    live.server.sockets[handshake["sid"]][""].emit("hey", "Jude")
    assert http.get(target).text == '16:42["hey","Jude"]'
    assert http.post(target, '11:42["hello"]11:42["world"]').text == "ok"
    finish(live, target, "40/admin,", main)


def finish(live: Any, target: str, accepted: str, main: type[Hello]) -> None:
    """The part over a WebSocket, which both sessions have."""
    websocket = live.websocket(target.replace("polling", "websocket"))
    websocket.send("2probe")
    assert websocket.receive() == "3probe"
    for text in ("5", '42["hello"]', '42["world"]', "40/admin,"):
        websocket.send(text)
    assert websocket.receive().startswith(accepted)
    websocket.send('42/admin,1["tellme"]')
    assert websocket.receive() == f"461-/admin,1[{PLACEHOLDER}]"
    assert websocket.receive_frame()[1][-1:] == b"\x01"
    if "EIO=3" in target:
        websocket.send("2")
        assert websocket.receive() == "3"
    websocket.send("1")
    assert websocket.receive_close() == 1000
    assert main.heard == ["hello", "world"] * 2


@pytest.mark.cites("Socket.IO 5, Connection to a namespace 3")
@pytest.mark.parametrize("kind", ["4-polling", "4-websocket"])
@pytest.mark.parametrize("first", ['42["echo"]', '42/chat,1["echo"]', "41", "431[]"])
def test_a_client_that_does_not_connect_first_is_disconnected(
    serve: Serve, kind: str, first: str
) -> None:
    namespace = fresh(Witness)
    live = serve({"": namespace, "/chat": namespace})
    client = live.client(kind)
    client.send(first, "40", "40/chat,")
    # The only answer is the end, since the first packet is not a connect packet.
    expect_end_of_session(live.server, client)
    client.close()
    live.expect_nothing_left()
    assert namespace.left == []


@pytest.mark.cites("Socket.IO 5, Connection to a namespace 3")
def test_a_client_that_was_refused_has_tried(serve: Serve) -> None:
    client = serve({"/chat": Echo}).websocket_5()
    client.send("40/unheard,", '42/unheard,["echo"]')
    assert client.read()["type"] == "refused"
    assert client.event("/unheard")[:2] == ["error", "no_such_namespace"]
    client.join("/chat")


@pytest.mark.cites("Socket.IO 4, Disconnection 1", "Socket.IO 4, DISCONNECT 1")
@pytest.mark.cites("Socket.IO 5, Disconnection from a namespace 1")
@pytest.mark.cites("Socket.IO 5, Disconnection from a namespace 2")
def test_a_disconnect_is_not_answered(serve: Serve, kind: str) -> None:
    namespace = fresh(Witness)
    client = serve({"/chat": namespace, "/other": Echo}).client(kind)
    client.join("/other")
    client.join("/chat")
    client.leave("/chat")
    assert client.call("/other", "echo", 1) == [1]
    assert namespace.left == ["client namespace disconnect"]


@pytest.mark.cites("Socket.IO 5, Difference between v5 and v4 1")
@pytest.mark.cites("Socket.IO 4, Default namespace 1")
def test_who_is_in_the_main_namespace(serve: Serve, kind: str) -> None:
    class Main(BaseNamespace):
        def recv_connect(self) -> None:
            joined.append(self.ns_name)

    joined: list[str] = []
    client = serve({"": Main, "/chat": Echo}).client(kind)
    client.join("/chat")
    assert joined == ([] if kind.startswith("4") else [""])


#: The examples of revision 4, as this package has them: payloads are in `args`, and
#: bytes are replaced by placeholders.
EXAMPLES_4: list[tuple[Packet, str]] = [
    ({"type": "connect", "endpoint": ""}, "0"),
    ({"type": "connect", "endpoint": "/admin"}, "0/admin,"),
    ({"type": "disconnect", "endpoint": "/admin"}, "1/admin,"),
    (
        {"type": "event", "endpoint": "", "name": "hello", "args": [1]},
        '2["hello",1]',
    ),
    (
        {
            "type": "event",
            "endpoint": "/admin",
            "name": "project:delete",
            "args": [123],
            "id": 456,
            "ack": "data",
        },
        '2/admin,456["project:delete",123]',
    ),
    ({"type": "ack", "endpoint": "/admin", "args": [], "ackId": 456}, "3/admin,456[]"),
    (
        {
            "type": "event",
            "endpoint": "",
            "name": "hello",
            "args": [{"_placeholder": True, "num": 0}],
            "attachments": 1,
        },
        f'51-["hello",{PLACEHOLDER}]',
    ),
    (
        {
            "type": "event",
            "endpoint": "/admin",
            "name": "project:delete",
            "args": [{"_placeholder": True, "num": 0}],
            "attachments": 1,
            "id": 456,
            "ack": "data",
        },
        f'51-/admin,456["project:delete",{PLACEHOLDER}]',
    ),
    (
        {
            "type": "ack",
            "endpoint": "/admin",
            "args": [{"_placeholder": True, "num": 0}],
            "attachments": 1,
            "ackId": 456,
        },
        f"61-/admin,456[{PLACEHOLDER}]",
    ),
]


@pytest.mark.cites("Socket.IO 4, Examples 1", "Socket.IO 4, Encoding format 1")
@pytest.mark.parametrize(
    ("packet", "text"), EXAMPLES_4, ids=[text for _, text in EXAMPLES_4]
)
def test_the_examples_of_revision_4(packet: Packet, text: str) -> None:
    assert socketio_4.encode(packet) == text
    assert socketio_4.decode(text) == packet


@pytest.mark.cites("Socket.IO 4, Examples 1", "Socket.IO 4, ERROR 1")
def test_the_error_that_is_an_example_of_revision_4() -> None:
    packet = SOCKETIO_4.refusal("/admin", "Not authorized", None)
    assert socketio_4.encode(packet) == '4/admin,"Not authorized"'


# Socket.IO 0.9


class Asked(Echo):
    def on_query(self) -> str:
        query: str = self.environ["QUERY_STRING"]
        return query


@pytest.mark.cites(
    "Socket.IO 1, Handshake 1",
    "Socket.IO 1, Query 2",
    "Socket.IO 1, Transport connection 1",
    "Socket.IO 1, Unidirectional transports 1",
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_0_9_session_as_it_is_specified(serve: Serve, method: str) -> None:
    live = serve({"": Asked})
    http = live.http()
    body = b"" if method == "POST" else None
    reply = http.request(method, "/socket.io/1/?t=1238141910&token=mytoken", body)
    assert reply.status == 200
    target = f"/socket.io/1/xhr-polling/{reply.text.partition(':')[0]}"
    assert http.get(target).text == "1::"
    assert http.post(target, '5:1+::{"name":"query"}').status == 200
    assert http.get(target).text == '6:::1+["t=1238141910&token=mytoken"]'
    assert left(http, target).body == b""


def left(http: Http, target: str) -> Reply:
    reply = http.get(f"{target}?disconnect")
    assert reply.status == 200
    return reply


@pytest.mark.cites("Socket.IO 1, Query 1", "Socket.IO 1, Forced disconnection 1")
@pytest.mark.parametrize("transport", ["websocket", "xhr-polling", "jsonp-polling"])
def test_a_0_9_connection_is_ended_by_a_request(serve: Serve, transport: str) -> None:
    live = serve({"": Echo})
    http = live.http()
    sid, _ = handshake_1(http)
    left(http, f"/socket.io/1/{transport}/{sid}")
    assert live.server.sockets == {}
    # A session that has ended already causes no error.
    left(http, f"/socket.io/1/{transport}/{sid}")


@pytest.mark.cites("Socket.IO 1, Event 2")
def test_no_event_name_is_reserved_to_0_9_clients(serve: Serve) -> None:
    class Reserved(BaseNamespace):
        def on_error(self) -> str:
            return "heard"

    client = serve({"/chat": Reserved}).client("0.9-websocket")
    client.join("/chat")
    assert client.call("/chat", "error") == ["heard"]
    client.emit("/chat", "retry")
    assert client.event("/chat")[:2] == ["error", "no_such_method"]


@pytest.mark.cites("Socket.IO 1, Connect 1", "Socket.IO 1, Connect 2")
def test_a_0_9_connect_is_echoed_or_refused(serve: Serve) -> None:
    client = serve({"/test": Echo}).client("0.9-websocket")
    for sent, answer in [
        ("1::/test", "1::/test"),
        ("1::/unheard", "5::/unheard:"),
    ]:
        client.send(sent)
        assert client.receive().startswith(answer)
    client.leave("/test")
    client.send("1::/test?my=param")
    assert client.receive() == "1::/test:?my=param"


@pytest.mark.cites(
    "Socket.IO 1, Encoding 3", "Socket.IO 1, Disconnect 1", "Socket.IO 1, Disconnect 2"
)
@pytest.mark.parametrize("end", ["0", "0::"])
def test_0_9_endpoints_are_left_one_by_one_or_together(serve: Serve, end: str) -> None:
    first, second = fresh(Witness), fresh(Witness)
    live = serve({"/one": first, "/two": second})
    client = live.client("0.9-websocket")
    client.join("/one")
    client.join("/two")
    client.send("0::/one")
    assert client.call("/two", "echo", 1) == [1]
    assert (first.left, second.left) == (["client namespace disconnect"], [])
    client.send(end)
    client.close()
    live.expect_nothing_left()
    assert second.left == ["client namespace disconnect"]
