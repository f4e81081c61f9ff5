"""The bodies of polling: length-prefixed, binary, JSONP."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode

import hypothesis
import pytest
from hypothesis import strategies as st

from tgext.socketio.engine.server import payloads
from tgext.socketio.engine.server.payloads import is_callback
from tgext.socketio.wire.errors import PayloadError
from tgext.socketio.wire.socketio.generations import SOCKETIO_1, SOCKETIO_5

from ..clients import Http, Reply
from ..conftest import Live, Serve
from ..sample_namespaces import Echo

POLLING = "/socket.io/?EIO=3&transport=polling"
TEXT = "text/plain; charset=UTF-8"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PLACEHOLDER = '{"_placeholder":true,"num":0}'


class Giving(Echo):
    def on_give(self) -> None:
        self.emit("gift", b"\x00\xff")

    def on_tell(self) -> None:
        self.emit("told", "é𝄞\u2028</script>")


def opened(live: Live, query: str = "", version: int = 3) -> tuple[Http, str, Reply]:
    """A session as HTTP has it: its connection, its URL and its first answer."""
    http = live.http()
    target = f"/socket.io/?EIO={version}&transport=polling{query}"
    reply = http.get(target)
    sid = re.search(r'sid\\?":\\?"([^"\\]+)', reply.text)
    assert sid is not None
    return http, f"{target}&sid={sid[1]}", reply


def end(http: Http, target: str) -> None:
    """Disconnect with a packet that every kind of body can carry."""
    if "&j=" in target:
        assert http.post(target, urlencode({"d": "1:1"}), FORM).status == 200
    else:
        assert http.post(target, "1:1").status == 200


# EIO=3


@pytest.mark.cites("Engine.IO 3, Anatomy 1", "Socket.IO 4, Default namespace 1")
@pytest.mark.parametrize("version", [2, 3])
def test_the_connect_follows_the_open_packet_in_one_payload(
    serve: Serve, version: int
) -> None:
    live = serve({"/chat": Echo}, max_message_size=5000)
    http, target, reply = opened(live, version=version)
    assert reply.headers["Content-Type"] == TEXT
    assert reply.headers["Cache-Control"] == "no-store"
    length, _, rest = reply.text.partition(":")
    packet, following = rest[: int(length)], rest[int(length) :]
    assert json.loads(packet[1:]) == {
        "sid": target.rpartition("=")[2],
        "upgrades": ["websocket"],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        "maxPayload": 5000,
    }
    assert (packet[0], following) == ("0", "2:40")
    end(http, target)


@pytest.mark.cites("Socket.IO 4, Default namespace 1")
def test_a_websocket_of_engineio_3_opens_alike(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    websocket = live.websocket("/socket.io/?EIO=3&transport=websocket")
    text = websocket.receive()
    assert (text[0], json.loads(text[1:])["upgrades"]) == ("0", [])
    assert websocket.receive() == "40"


def test_what_the_main_namespace_sends_at_first_is_in_the_handshake(
    serve: Serve,
) -> None:
    class Main(Echo):
        def recv_connect(self) -> None:
            self.emit("welcome", b"1")

    http, target, reply = opened(serve({"": Main}), "&b64=1")
    rest = reply.text.partition("}")[2]
    event = f'451-["welcome",{PLACEHOLDER}]'
    assert rest == f"2:40{len(event)}:{event}6:b4MQ=="
    end(http, target)


def test_text_is_ascii_with_its_length(serve: Serve) -> None:
    """Some of these clients count bytes, others UTF-16 units."""
    http, target, _ = opened(serve({"/chat": Giving}))
    body = '8:40/chat,16:42/chat,["tell"]'
    assert http.post(target, body).body == b"ok"
    told = '42/chat,["told","\\u00e9\\ud834\\udd1e\\u2028</script>"]'
    text = ""
    while "told" not in text:
        text += http.get(target).text
    assert text == f"8:40/chat,{len(told)}:{told}"
    end(http, target)


@pytest.mark.parametrize(
    "text", ['42/chat,1["echo","é𝄞"]', '42/chat,1["echo","plain"]']
)
@pytest.mark.parametrize("twice", [True, False])
def test_text_of_both_kinds_of_clients_is_read(
    serve: Serve, text: str, twice: bool
) -> None:
    """1.x encode to UTF-8 twice and count bytes, 2.x once and count UTF-16 units."""
    client = serve({"/chat": Echo}).polling_4()
    client.join("/chat")
    if twice:
        text = text.encode().decode("latin-1")
    units = len(text.encode("utf-16-le")) // 2
    assert client.posts.post(client.target, f"{units}:{text}").status == 200
    assert client.read()["args"] == ["plain" if "plain" in text else "é𝄞"]


# Bytes

GIFT = f'451-/chat,["gift",{PLACEHOLDER}]'
GIVE = '16:42/chat,["give"]'


def given(http: Http, target: str) -> Reply:
    """The poll that brings a message of the server."""
    assert http.post(target, "8:40/chat,").status == 200
    assert http.get(target).text == "8:40/chat,"
    assert http.post(target, GIVE).status == 200
    return http.get(target)


@pytest.mark.cites("Real clients, Payloads 5")
@pytest.mark.cites("Engine.IO 3, Payload 3")
def test_bytes_travel_in_a_payload_of_bytes(serve: Serve) -> None:
    http, target, _ = opened(serve({"/chat": Giving}))
    reply = given(http, target)
    assert reply.headers["Content-Type"] == "application/octet-stream"
    digits = bytes(map(int, str(len(GIFT))))
    text = b"\0" + digits + b"\xff" + GIFT.encode()
    assert reply.body == text + b"\1\3\xff\4\x00\xff"
    end(http, target)


@pytest.mark.cites("Real clients, Payloads 4")
@pytest.mark.cites("Engine.IO 3, URLs 5", "Engine.IO 3, Payload 2")
def test_bytes_travel_as_base64_where_the_client_says_so(serve: Serve) -> None:
    http, target, _ = opened(serve({"/chat": Giving}), "&b64=1")
    reply = given(http, target)
    assert reply.headers["Content-Type"] == TEXT
    assert reply.text == f"{len(GIFT)}:{GIFT}6:b4AP8="
    end(http, target)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\1\3\xff\4\x00\xff", "application/octet-stream"),
        (b"6:b4AP8=", "text/plain;charset=UTF-8"),
    ],
)
def test_bytes_come_in_both_kinds_of_payload(
    serve: Serve, body: bytes, content_type: str
) -> None:
    client = serve({"/chat": Echo}).polling_4()
    client.join("/chat")
    client.send(f'451-/chat,1["echo",{PLACEHOLDER}]')
    headers = {"Content-Type": content_type}
    assert client.posts.post(client.target, body, headers).body == b"ok"
    assert client.receive() == f"461-/chat,1[{PLACEHOLDER}]"
    assert client.receive_bytes() == b"\x00\xff"


def test_engineio_4_knows_no_payload_of_bytes(serve: Serve) -> None:
    client = serve({"/chat": Echo}).polling_5()
    headers = {"Content-Type": "application/octet-stream"}
    reply = client.posts.post(client.target, "40/chat,", headers)
    assert reply.body == b"ok"
    assert client.read()["endpoint"] == "/chat"


# JSONP


def script(reply: Reply, number: str = "7") -> str:
    """The payload in a script."""
    assert reply.status == 200, reply
    assert reply.headers["Content-Type"] == "text/javascript; charset=UTF-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.body.isascii()
    match = re.fullmatch(rf"___eio\[{number}\]\((.*)\);", reply.text, re.S)
    assert match is not None, reply.text
    payload = json.loads(match[1])
    assert isinstance(payload, str)
    return payload


@pytest.mark.cites("Real clients, JSONP 1")
@pytest.mark.cites(
    "Engine.IO 3, URLs 3",
    "Engine.IO 3, Transports 1",
    "Engine.IO 3, JSONP 1",
    "Engine.IO 3, JSONP 2",
    "Engine.IO 3, Posting data 1",
)
def test_a_session_by_jsonp(serve: Serve) -> None:
    live = serve({"/chat": Giving})
    http, target, reply = opened(live, "&j=7")
    assert script(reply).endswith("2:40")

    def post(payload: str) -> None:
        reply = http.post(target, urlencode({"d": payload}), FORM)
        assert (reply.status, reply.body) == (200, b"ok")

    post("8:40/chat,")
    assert script(http.get(target)) == "8:40/chat,"
    # Each poll calls another function.
    post('25:42/chat,1["echo","a b+c"]')
    reply = http.get(target.replace("&j=7", "&j=8"))
    assert script(reply, "8") == '18:43/chat,1["a b+c"]'
    post(GIVE)
    assert script(http.get(target)) == f"{len(GIFT)}:{GIFT}6:b4AP8="
    post('16:42/chat,["tell"]')
    assert "</script>" in script(http.get(target))
    end(http, target)


def test_a_session_of_engineio_4_by_jsonp(serve: Serve) -> None:
    """Clients 3.x still have it."""
    http, target, reply = opened(serve({"/chat": Giving}), "&j=7", version=4)
    assert script(reply).startswith('0{"sid"')

    def post(payload: str) -> None:
        assert http.post(target, urlencode({"d": payload}), FORM).body == b"ok"

    post("40/chat,")
    assert script(http.get(target)).startswith("40/chat,")
    post('42/chat,1["echo","a\\\\nb"]\x1e42/chat,["give"]')
    answer = script(http.get(target))
    while "bAP8=" not in answer:
        answer += "\x1e" + script(http.get(target))
    assert answer.split("\x1e") == ['43/chat,1["a\\nb"]', GIFT, "bAP8="]
    post("1")


@pytest.mark.cites("Engine.IO 3, Posting data 2")
@pytest.mark.parametrize("value", ["a\nb", "a\\nb", 'a"b', "é𝄞", "a\\", "a b+c&d=e"])
def test_line_ends_of_a_form_are_those_of_the_message(serve: Serve, value: str) -> None:
    http, target, _ = opened(serve({"/chat": Echo}), "&j=0")
    text = f'42/chat,1["echo",{json.dumps(value, ensure_ascii=False)}]'
    units = len(text.encode("utf-16-le")) // 2
    # As clients do it: one more backslash before each `\\n` that JSON wrote.
    payload = f"8:40/chat,{units}:{text}".replace("\\n", "\\\\n")
    reply = http.post(target, urlencode({"d": payload}), FORM)
    assert reply.body == b"ok"
    answer = ""
    while "43/chat" not in answer:
        answer += script(http.get(target), "0")
    assert json.loads(answer[answer.index("1[") + 1 :]) == [value]
    end(http, target)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"d=",
        b"e=2%3A40",
        b"2:40",
        b"d=\xff",
        b"d=nothing",
        b"d=%FF",
        b"&".join([b"d=2%3A40"] * 11),
    ],
)
def test_a_form_that_cannot_be_read_ends_the_session(serve: Serve, body: bytes) -> None:
    live = serve({"/chat": Echo})
    http, target, _ = opened(live, "&j=0")
    reply = http.post(target, body, FORM)
    assert reply.status == 400
    assert reply.json["code"] == 3
    assert live.server.sockets == {}


@pytest.mark.parametrize(
    "number", ["x", "1x", "-1", "1.5", "alert(1)", "0];alert(1);[0", "1" * 10, "%D9%A3"]
)
def test_a_script_calls_nothing_but_functions_with_a_number(
    serve: Serve, number: str
) -> None:
    live = serve({"/chat": Echo})
    client = live.polling_4()
    for target in (POLLING, client.target):
        reply = live.http().get(f"{target}&j={number}")
        assert (reply.status, reply.json["message"]) == (400, "Bad request")
    client.join("/chat")


@pytest.mark.parametrize(
    ("number", "good"),
    [("0", True), ("123456789", True), ("", False), ("٣", False), ("²", False)],
)
def test_the_number_of_a_function(number: str, good: bool) -> None:
    assert is_callback(number) is good


def test_a_session_in_pieces_of_both_kinds(serve: Serve) -> None:
    """The answer is of the kind that the request asks for."""
    http, target, _ = opened(serve({"/chat": Echo}), "&j=3")
    plain: Any = target.replace("&j=3", "")
    assert http.post(plain, "8:40/chat,").body == b"ok"
    assert http.get(plain).text == "8:40/chat,"
    end(http, plain)


def oracle(body: bytes) -> bytes:
    """The text of a form as the standard library decodes it."""
    data = parse_qs(body.decode("ascii"), max_num_fields=10)["d"][0]
    pattern = re.compile(r"(\\)?\\n")
    lines = pattern.sub(lambda match: match[0] if match[1] else "\n", data)
    return lines.replace("\\\\n", "\\n").encode()


@hypothesis.given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\\n%+&=")),
    st.integers(0, 3),
    st.integers(3, 9),
)
def test_a_form_is_read_as_the_standard_library_reads_it(
    text: str, other: int, piece: int
) -> None:
    """However the form is divided for decoding."""
    fields = [("a", "b")] * other + [("d", text), ("d", "more")]
    body = urlencode(fields).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads, "PIECE", piece)
        assert payloads.read_form(SOCKETIO_5, body) == oracle(body)


@hypothesis.given(
    st.binary(max_size=40).map(lambda data: b"d=" + data.replace(b"&", b""))
)
def test_a_form_that_no_client_writes_is_read_likewise(body: bytes) -> None:
    try:
        expected = oracle(body)
    except (KeyError, ValueError):
        with pytest.raises(PayloadError):
            payloads.read_form(SOCKETIO_5, body)
    else:
        assert payloads.read_form(SOCKETIO_5, body) == expected


@pytest.mark.parametrize(
    "value",
    ["1", "null", "{}", "[" * 100_000, "[{}" + ",{}" * 100_000 + "]", '"\\ud800"'],
)
def test_a_form_of_clients_09_has_a_string(value: str) -> None:
    """It is not parsed: its value may be large, or nested too deep for Python."""
    with pytest.raises(PayloadError):
        payloads.read_form(SOCKETIO_1, b"d=" + value.encode())
    assert payloads.read_form(SOCKETIO_1, b'd= "5:::{}"') == b"5:::{}"


def test_a_form_has_few_fields() -> None:
    assert payloads.read_form(SOCKETIO_5, b"a=1&" * 9 + b"d=1") == b"1"
    with pytest.raises(PayloadError):
        payloads.read_form(SOCKETIO_5, b"a=1&" * 10 + b"d=1")
