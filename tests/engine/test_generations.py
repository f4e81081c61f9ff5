"""The generations of clients use the same namespaces, each with its own protocol."""

from __future__ import annotations

import pytest

from .clients import KINDS
from .conftest import Serve
from .sample_namespaces import Echo, Witness, fresh


@pytest.mark.cites(
    "Socket.IO 1, Anatomy 1", "Socket.IO 1, Handshake 4", "Socket.IO 1, Transport ID 1"
)
def test_a_0_9_handshake_is_four_fields(serve: Serve) -> None:
    live = serve({})
    client = live.websocket_1()
    # 25 s between heartbeats and 35 s to answer one; 60 s to reconnect.
    transports = "websocket,htmlfile,xhr-multipart,xhr-polling,jsonp-polling"
    assert client.handshake == ["60", "60", transports]
    assert len(client.sid) >= 22


@pytest.mark.cites("Engine.IO 4, Handshake 1", "Engine.IO 4, Handshake 2")
def test_a_4_x_handshake_is_an_open_packet(serve: Serve) -> None:
    live = serve({}, max_message_size=5000)
    limits = {"pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 5000}
    polling = live.polling_5()
    assert polling.handshake == {
        "sid": polling.sid,
        "upgrades": ["websocket"],
        **limits,
    }
    websocket = live.websocket_5()
    assert websocket.handshake == {"sid": websocket.sid, "upgrades": [], **limits}


@pytest.mark.cites("Engine.IO 3, Transports 1")
@pytest.mark.parametrize(
    ("transports", "opens", "upgrades", "listed"),
    [
        (["polling"], "polling", [], ""),
        (["polling", "xhr-polling"], "polling", [], "xhr-polling"),
        (["websocket", "polling"], "polling", ["websocket"], "websocket"),
    ],
)
def test_a_handshake_names_the_transports_that_are_served(
    serve: Serve, transports: list[str], opens: str, upgrades: list[str], listed: str
) -> None:
    live = serve({}, transports=transports, handshake_timeout=0.1)
    assert live.polling_5().handshake["upgrades"] == upgrades
    assert live.http().get("/socket.io/1/").text.split(":")[3] == listed


@pytest.mark.cites("Socket.IO 1, Handshake 4")
def test_options_are_in_the_handshake(serve: Serve) -> None:
    live = serve({}, heartbeat_interval=3, heartbeat_timeout=1.5, close_timeout=7)
    assert live.websocket_1().handshake[:2] == ["4", "7"]
    handshake = live.websocket_5().handshake
    assert (handshake["pingInterval"], handshake["pingTimeout"]) == (3000, 1500)


@pytest.mark.cites(
    "Engine.IO 3, Anatomy 3",
    "Engine.IO 3, Packet 1",
    "Engine.IO 4, Message 1",
    "Engine.IO 4, Packet encoding 1",
    "Engine.IO 4, Packet encoding, WebSocket 1",
    "Socket.IO 4, CONNECT 1",
    "Socket.IO 4, Acknowledgement 1",
    "Socket.IO 5, Acknowledgement 1",
    "Socket.IO 5, Difference between v5 and v4 2",
)
@pytest.mark.parametrize(
    ("generation", "sent", "answers"),
    [
        (
            "0.9",
            [
                "1::/chat:?token=a",
                '5:7+:/chat:{"name":"echo","args":["é",{"a":[1]}]}',
                "0::/chat",
                "1::/unheard",
                "2::",
                "8::",
                '5::/unheard:{"name":"echo"}',
            ],
            [
                "1::/chat:?token=a",
                '6::/chat:7+["é",{"a":[1]}]',
                '5::/unheard:{"name":"error","args":["no_such_namespace",'
                '"The endpoint you tried to connect to doesn\'t exist: /unheard"]}',
                '5::/unheard:{"name":"error","args":["no_such_namespace",'
                '"The endpoint you tried to connect to doesn\'t exist: /unheard"]}',
            ],
        ),
        (
            "2",
            [
                '42/chat,["echo"]',
                "40/unheard,",
                "2",
                "2more",
                "3",
                "6",
                "40/chat?token=a,",
                '42/chat,7["echo","e",{"a":[1]}]',
                "41/chat,",
            ],
            [
                '42/chat,["error","no_such_namespace",'
                '"The endpoint you tried to connect to doesn\'t exist: /chat"]',
                '44/unheard,"Invalid namespace"',
                "3",
                "3more",
                "40/chat,",
                '43/chat,7["e",{"a":[1]}]',
            ],
        ),
        (
            "4",
            [
                "40",
                '42/chat,["echo"]',
                "40/unheard,",
                "3",
                "6",
                "40/chat,",
                '42/chat,7["echo","é",{"a":[1]}]',
                "41/chat,",
            ],
            [
                '40{"sid":"SID"}',
                '42/chat,["error","no_such_namespace",'
                '"The endpoint you tried to connect to doesn\'t exist: /chat"]',
                '44/unheard,{"message":"Invalid namespace"}',
                '40/chat,{"sid":"SID"}',
                '43/chat,7["é",{"a":[1]}]',
            ],
        ),
    ],
)
def test_a_dialogue(
    serve: Serve, generation: str, sent: list[str], answers: list[str]
) -> None:
    """The exact messages of each generation, over both transports."""
    live = serve({"/chat": Echo})
    for each in (each for each in KINDS if each.startswith(generation)):
        client = live.client(each)
        client.send(*sent)
        for answer in answers:
            received = client.receive()
            if answer.endswith('{"sid":"SID"}'):
                sid = client.dialect.read(received)["data"]["sid"]
                # The client's id in a namespace does not give access to the session.
                assert sid
                assert sid != client.sid
                received = received.replace(sid, "SID")
            assert received == answer


@pytest.mark.cites("Engine.IO 3, Anatomy 4", "Socket.IO 1, Disconnect 2")
@pytest.mark.parametrize(
    ("generation", "text"), [("0.9", "0::"), ("0.9", "0"), ("2", "1"), ("4", "1")]
)
def test_a_client_ends_the_connection_with_one_message(
    serve: Serve, generation: str, text: str
) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    for each in (each for each in KINDS if each.startswith(generation)):
        client = live.client(each)
        client.join("/chat")
        client.send(text)
        client.close()
    live.expect_nothing_left()
    assert namespace.left == ["client namespace disconnect"] * 2
