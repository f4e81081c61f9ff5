"""Clients that send and receive base64 in the place of bytes (``forceBase64``)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ..vectors.shapes import LOOSE_BASE64
from .clients import (
    BINARY,
    MASK,
    TEXT,
    PollingClient,
    WebSocket,
    encode_frame,
    wait_for,
)
from .conftest import Live, Serve
from .sample_namespaces import Chat, Echo

ALL_BYTES = bytes(range(256))

#: The characters before the base64, by revision of Engine.IO.
MARKS = {3: "b4", 4: "b"}
ONE = '{"_placeholder":true,"num":0}'
TWO = '{"_placeholder":true,"num":1}'


class Asking(Chat):
    """Calls its client, and waits for the answer."""

    answers: list[Any] = []

    def on_ask(self) -> Any:
        return self.call("question", b"\x01?", timeout=10)

    def on_note(self) -> None:
        self.emit("question", b"\x02?", callback=self.answers.append)


class Client:
    """A WebSocket of such a client."""

    def __init__(self, live: Live, version: int, query: str = "&b64=1") -> None:
        self.mark = MARKS[version]
        target = f"/socket.io/?EIO={version}&transport=websocket{query}"
        self.websocket: WebSocket = live.websocket(target)
        assert self.websocket.receive()[0] == "0"
        if version == 3:
            assert self.websocket.receive() == "40"
        self.send("40/chat,")
        assert self.websocket.receive().startswith("40/chat")

    def send(self, *messages: str | bytes) -> None:
        texts = [
            each if isinstance(each, str) else self.spell(each) for each in messages
        ]
        frames = [encode_frame(TEXT, text.encode(), MASK) for text in texts]
        self.websocket.send_raw(b"".join(frames))

    def spell(self, data: bytes) -> str:
        return self.mark + base64.b64encode(data).decode()

    def expect(self, *messages: str | bytes) -> None:
        for each in messages:
            text = each if isinstance(each, str) else self.spell(each)
            assert self.websocket.receive_frame() == (TEXT, text)


@pytest.mark.parametrize("version", MARKS)
def test_bytes_travel_as_base64_both_ways(serve: Serve, version: int) -> None:
    client = Client(serve({"/chat": Echo}), version)
    client.send(f'452-/chat,7["echo",{ONE},{TWO}]', b"\x00\xff", b"")
    client.expect(f"462-/chat,7[{ONE},{TWO}]", b"\x00\xff", b"")
    client.send('42/chat,8["echo",1]')
    client.expect("43/chat,8[1]")


@pytest.mark.parametrize("version", MARKS)
def test_who_did_not_ask_for_base64_may_send_it(serve: Serve, version: int) -> None:
    client = Client(serve({"/chat": Echo}), version, query="")
    client.send(f'451-/chat,7["echo",{ONE}]', b"\x00\xff")
    assert client.websocket.receive() == f"461-/chat,7[{ONE}]"
    prefix = b"\x04" if version == 3 else b""
    assert client.websocket.receive_frame() == (BINARY, prefix + b"\x00\xff")


@pytest.mark.parametrize("version", MARKS)
def test_an_ack_in_base64_reaches_a_handler_that_waits(
    serve: Serve, version: int
) -> None:
    client = Client(serve({"/chat": Asking}), version)
    client.send('42/chat,7["ask"]')
    client.expect(f'451-/chat,1["question",{ONE}]', b"\x01?")
    # What comes between is read, and handled later.
    client.send('42/chat,9["echo",0]', f"461-/chat,1[{ONE}]", b"\xfe!")
    client.expect(f"461-/chat,7[{ONE}]", b"\xfe!", "43/chat,9[0]")


@pytest.mark.parametrize("version", MARKS)
def test_an_ack_in_base64_reaches_a_callback(serve: Serve, version: int) -> None:
    Asking.answers = []
    client = Client(serve({"/chat": Asking}), version)
    client.send('42/chat,["note"]')
    client.expect(f'451-/chat,1["question",{ONE}]', b"\x02?")
    client.send(f"461-/chat,1[{ONE}]", b"\xfe!")
    wait_for(lambda: Asking.answers, "the callback is called")
    assert Asking.answers == [b"\xfe!"]


@pytest.mark.parametrize("version", MARKS)
def test_a_broadcast_reaches_each_as_it_takes_it(serve: Serve, version: int) -> None:
    live = serve({"/chat": Chat})
    client, other = Client(live, version), Client(live, version, query="")
    client.send(f'451-/chat,["shout",{ONE}]', b"\x00")
    client.expect(f'451-/chat,["shouted",{ONE}]', b"\x00")
    assert other.websocket.receive() == f'451-/chat,["shouted",{ONE}]'
    opcode, data = other.websocket.receive_frame()
    assert (opcode, data[-1:]) == (BINARY, b"\x00")


@pytest.mark.parametrize("version", MARKS)
def test_an_upgrade_keeps_it(serve: Serve, version: int) -> None:
    live = serve({"/chat": Echo})
    target = f"/socket.io/?EIO={version}&transport=polling&b64=1"
    http = live.http()
    sid = http.get(target).text.partition('"sid":"')[2].partition('"')[0]
    target += f"&sid={sid}"
    websocket = live.websocket(target.replace("polling", "websocket"))
    websocket.send("2probe")
    assert websocket.receive() == "3probe"
    event = f'451-/chat,7["echo",{ONE}]'
    body = f"40/chat,\x1e{event}\x1ebAA=="
    if version == 3:
        body = f"8:40/chat,{len(event)}:{event}6:b4AA=="
    assert http.post(target, body).status == 200
    wait_for(live.server.sockets[sid].transport.handled.is_set, "all is handled")
    websocket.send("5")
    texts = [websocket.receive() for _ in range(3)]
    assert texts[-2:] == [f"461-/chat,7[{ONE}]", MARKS[version] + "AA=="]


@pytest.mark.parametrize("version", MARKS)
@pytest.mark.parametrize(("text", "data"), LOOSE_BASE64.items())
def test_base64_is_read_as_node_reads_it(
    serve: Serve, version: int, text: str, data: bytes
) -> None:
    client = Client(serve({"/chat": Echo}), version)
    client.send(f'451-/chat,7["echo",{ONE}]', client.mark + text)
    client.expect(f"461-/chat,7[{ONE}]", data)


@pytest.mark.parametrize("version", MARKS)
def test_java_posts_base64_with_line_ends(serve: Serve, version: int) -> None:
    live = serve({"/chat": Echo})
    client = live.client("2-polling" if version == 3 else "4-polling")
    client.join("/chat")
    assert isinstance(client, PollingClient)
    event = f'451-/chat,7["echo",{ONE}]'
    data = MARKS[version] + base64.encodebytes(ALL_BYTES).decode()
    if version == 3:
        body = f"{len(event)}:{event}{len(data)}:{data}"
    else:
        body = f"{event}\x1e{data}"
    assert client.posts.post(client.target, body).status == 200
    assert client.receive() == f"461-/chat,7[{ONE}]"
    assert client.receive_bytes() == ALL_BYTES


@pytest.mark.parametrize("version", MARKS)
@pytest.mark.parametrize(
    "messages",
    [("{mark}AA==",), ("b",)],
    ids=["of nothing", "alone"],
)
def test_base64_that_is_not_due_ends_the_connection(
    serve: Serve, version: int, messages: tuple[str, ...]
) -> None:
    live = serve({"/chat": Echo})
    second = Client(live, version)
    client = Client(live, version)
    client.send(*(each.replace("{mark}", client.mark) for each in messages))
    assert client.websocket.receive() == "1"
    assert client.websocket.receive_close() == 1002
    second.send('42/chat,8["echo",1]')
    second.expect("43/chat,8[1]")
