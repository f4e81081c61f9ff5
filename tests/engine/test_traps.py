"""Behaviour of real clients that no document describes and no other test shows."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tgext.socketio.engine.namespace import BaseNamespace

from .clients import Http, Reply, wait_for
from .conftest import Serve
from .sample_namespaces import Echo

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

#: U+2028 and U+2029 were line ends to JavaScript; the last is outside the BMP.
TEXT = 'é ☃ 漢字 \u2028\u2029 "quoted" </script> \\n 😀'


class Telling(Echo):
    def on_tell(self) -> None:
        self.emit("told", TEXT)


# JSONP of 0.9


def called(reply: Reply, number: int) -> str:
    """The value that the script passes to the function of its number."""
    assert reply.status == 200, reply
    assert reply.headers["Content-Type"] == "text/javascript; charset=UTF-8"
    assert reply.body.isascii()
    match = re.fullmatch(rf"io\.j\[{number}\]\((.*)\);", reply.text)
    assert match is not None, reply.text
    payload = json.loads(match[1])
    assert isinstance(payload, str)
    return payload


@pytest.mark.cites("Real clients, JSONP 2")
def test_a_0_9_session_by_jsonp(serve: Serve) -> None:
    live = serve({"/chat": Telling})
    http = live.http()
    handshake = called(http.get("/socket.io/1/?t=17&jsonp=3"), 3)
    sid = handshake.partition(":")[0]
    target = f"/socket.io/1/jsonp-polling/{sid}?t=17&i="
    assert called(http.get(target + "0"), 0) == "1::"

    def post(text: str) -> None:
        # Its form's field is the payload as a JSON string.
        body = urlencode({"d": json.dumps(text, ensure_ascii=False)})
        assert http.post(target + "0", body, FORM).body == b"1"

    post("1::/chat")
    assert called(http.get(target + "1"), 1) == "1::/chat"
    post('5:1+:/chat:{"name":"echo","args":["a b+c&d=é\\n😀"]}')
    ack = called(http.get(target + "2"), 2).removeprefix("6::/chat:1+")
    assert json.loads(ack) == ["a b+c&d=é\n😀"]
    post('5::/chat:{"name":"tell"}')
    event = called(http.get(target + "3"), 3).removeprefix("5::/chat:")
    assert json.loads(event) == {"name": "told", "args": [TEXT]}
    # Of several packets, the frames are not escaped, all else is.
    for number in (2, 3):
        post(f'5:{number}+:/chat:{{"name":"echo","args":["\ufffd😀"]}}')
    outbox = live.server.sockets[sid].transport.outbox
    wait_for(lambda: len(outbox) == 2, "both are answered")
    reply = http.get(target + "4")
    script = re.fullmatch(r'io\.j\[4\]\("(.*)"\);', reply.text)
    assert script is not None
    _, *framed = script[1].split("\ufffd")
    assert [json.loads(f'"{each}"') for each in framed[1::2]] == [
        f'6::/chat:{number}+["\\ufffd\\ud83d\\ude00"]' for number in (2, 3)
    ]
    assert {int(each) for each in framed[::2]} == {33}
    assert http.get(target + "5&disconnect=True").status == 200
    assert live.server.sockets == {}


@pytest.mark.parametrize("target", ["?jsonp=alert", "jsonp-polling/SID?i=alert"])
def test_a_0_9_script_calls_nothing_but_functions_with_a_number(
    serve: Serve, target: str
) -> None:
    http: Http = serve({}).http()
    assert http.get(f"/socket.io/1/{target}").status == 400


# Characters that JSON allows and JavaScript did not


@pytest.mark.cites("Real clients, Payloads 2")
def test_line_separators_reach_every_client(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Telling}).client(kind)
    client.join("/chat")
    client.emit("/chat", "tell")
    text = client.receive()
    packet = client.dialect.read(text)
    assert (packet["name"], packet["args"]) == ("told", [TEXT])
    if kind.startswith("0.9"):
        # This client's regular expression has a `.`, which does not match them.
        assert not {"\u2028", "\u2029"} & set(text)


# Acks


@pytest.mark.cites("Real clients, Acks 2")
def test_zero_is_the_id_of_an_event(serve: Serve, kind: str) -> None:
    """Clients on Engine.IO begin to count there."""
    client = serve({"/chat": Echo}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1, number=0) == [1]
    assert client.call("/chat", "echo", number=0) == []


class Asking(BaseNamespace):
    answers: list[Any] = []

    def on_ask(self) -> None:
        self.emit("question", callback=lambda *answer: self.answers.append(answer))

    def on_answers(self) -> list[Any]:
        answers, self.answers[:] = list(self.answers), []
        return answers


@pytest.mark.cites("Real clients, Acks 1")
@pytest.mark.parametrize("kind", ["0.9-websocket", "0.9-xhr-polling"])
@pytest.mark.parametrize(
    ("spelled", "answer"),
    [("{0}", []), ("{0}+[]", []), ("{0}+[null]", [None]), ("{0}+[1,2]", [1, 2])],
)
def test_an_ack_of_a_0_9_client_has_data_or_not(
    serve: Serve, kind: str, spelled: str, answer: list[Any]
) -> None:
    """It sends data only if its callback returned some."""
    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    client.emit("/chat", "ask")
    number = client.read()["id"]
    client.send(f"6::/chat:{spelled.format(number)}")
    assert client.call("/chat", "answers", number=2) == [[answer]]


# The first 1.0 clients


@pytest.mark.cites("Real clients, Acks 3")
def test_an_ack_as_1_0_0_wrote_it_is_refused(serve: Serve) -> None:
    client = serve({"/chat": Asking}).client("2-websocket")
    client.join("/chat")
    client.emit("/chat", "ask")
    assert client.read()["id"] == 1
    client.send("430-/chat,1[]")
    assert client.receive() == "1"


@pytest.mark.cites("Real clients, Payloads 3")
@pytest.mark.parametrize("transport", ["polling", "websocket", "upgrade"])
def test_a_client_that_says_revision_2_speaks_3(serve: Serve, transport: str) -> None:
    live = serve({"/chat": Echo})
    websocket = "/socket.io/?EIO=2&transport=websocket"
    if transport != "websocket":
        http = live.http()
        target = "/socket.io/?EIO=2&transport=polling&b64=1"
        sid = http.get(target).text.split('"')[3]
        target += f"&sid={sid}"
        websocket += f"&sid={sid}"
    if transport == "polling":
        assert http.post(target, '8:40/chat,25:42/chat,0["echo","hello"]').text == "ok"
        answer = http.get(target).text
        if "43" not in answer:
            answer += http.get(target).text
        assert answer == '8:40/chat,18:43/chat,0["hello"]'
        assert http.post(target, "1:1").text == "ok"
        return
    client = live.websocket(websocket)
    if transport == "upgrade":
        client.send("2probe")
        assert client.receive() == "3probe"
        client.send("5")
    else:
        assert client.receive()[0] == "0"
        assert client.receive() == "40"
    client.send("40/chat,")
    assert client.receive() == "40/chat,"
    client.send('42/chat,0["echo","hello"]')
    assert client.receive() == '43/chat,0["hello"]'
    client.send("2")
    assert client.receive() == "3"
