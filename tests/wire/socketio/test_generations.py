"""The generations of clients, and how encoding and decoding differ."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.errors import PacketError, PayloadError, ProtocolError
from tgext.socketio.wire.limits import DEFAULT_LIMITS
from tgext.socketio.wire.socketio.generations import (
    ALIVE,
    CLOSE,
    SOCKETIO_1,
    SOCKETIO_4,
    SOCKETIO_5,
    Opening,
)
from tgext.socketio.wire.socketio.packet import Packet, event_packet

ALL = pytest.mark.parametrize(
    "generation", [SOCKETIO_1, SOCKETIO_4, SOCKETIO_5], ids=["0.9", "2", "4"]
)
ON_ENGINEIO = pytest.mark.parametrize(
    "generation", [SOCKETIO_4, SOCKETIO_5], ids=["2", "4"]
)


# Reading


@pytest.mark.parametrize(
    ("generation", "text", "packet"),
    [
        (SOCKETIO_1, "2::", ALIVE),
        (SOCKETIO_1, "8::", ALIVE),
        (SOCKETIO_1, "0::", CLOSE),
        (SOCKETIO_4, "2", ALIVE),
        (SOCKETIO_4, "2probe", ALIVE),
        (SOCKETIO_4, "3", ALIVE),
        (SOCKETIO_4, "6", ALIVE),
        (SOCKETIO_4, "1", CLOSE),
        (SOCKETIO_5, "3", ALIVE),
        (SOCKETIO_5, "6", ALIVE),
        (SOCKETIO_5, "1", CLOSE),
    ],
)
def test_packets_about_the_connection_are_recognised(
    generation: Any, text: str, packet: Any
) -> None:
    assert generation.decode(text, DEFAULT_LIMITS, wire_json.loads) is packet


@pytest.mark.parametrize(
    ("generation", "text", "is_ack"),
    [
        (SOCKETIO_1, "6::/chat:1", True),
        (SOCKETIO_1, "6:::1+[]", True),
        (SOCKETIO_1, '5:6::{"name":"a"}', False),
        (SOCKETIO_4, "43/chat,1[]", True),
        (SOCKETIO_4, "461-/chat,1[]", True),
        (SOCKETIO_4, '451-["a"]', False),
        (SOCKETIO_5, "461-1[]", True),
        (SOCKETIO_5, '451-["a"]', False),
        (SOCKETIO_5, "43/chat,1[]", True),
        (SOCKETIO_5, "431[]", True),
        (SOCKETIO_5, '423["a"]', False),
        (SOCKETIO_5, "3", False),
    ],
)
def test_an_ack_is_known_without_reading_it(
    generation: Any, text: str, is_ack: bool
) -> None:
    assert generation.is_ack(text) is is_ack


@ALL
def test_packets_that_clients_never_send_are_refused(generation: Any) -> None:
    for text in ("", "x", "9:::", "47"):
        with pytest.raises(ProtocolError):
            generation.decode(text, DEFAULT_LIMITS, wire_json.loads)


@ON_ENGINEIO
def test_a_client_opens_and_upgrades_nowhere_else(generation: Any) -> None:
    for text in ("0", "5"):
        with pytest.raises(PacketError, match="a client must not send Engine"):
            generation.decode(text, DEFAULT_LIMITS, wire_json.loads)


def test_a_client_1_x_pings_and_is_answered_with_what_came_along() -> None:
    assert SOCKETIO_4.pong("2probe") == "3probe"
    assert SOCKETIO_4.pong("3") is None
    assert SOCKETIO_5.pong("2") is None
    assert SOCKETIO_1.pong("2::") is None


@pytest.mark.parametrize(
    ("generation", "text", "data"),
    [
        (SOCKETIO_1, "bMQ==", None),
        (SOCKETIO_4, "b4MQ==", b"1"),
        (SOCKETIO_4, "4MQ==", None),
        (SOCKETIO_5, "bMQ==", b"1"),
        (SOCKETIO_5, "4MQ==", None),
    ],
)
def test_bytes_in_base64_are_known_by_their_mark(
    generation: Any, text: str, data: bytes | None
) -> None:
    assert generation.is_base64(text) is (data is not None)
    assert generation.bytes_in(text) == data


def test_bytes_of_a_frame() -> None:
    assert SOCKETIO_5.binary(b"\x041") == b"\x041"
    assert SOCKETIO_4.binary(b"\x041") == b"1"
    for generation, frame in ((SOCKETIO_4, b"1"), (SOCKETIO_4, b""), (SOCKETIO_1, b"")):
        with pytest.raises(PayloadError):
            generation.binary(frame)


@pytest.mark.parametrize(
    ("generation", "text"),
    [(SOCKETIO_1, "0::"), (SOCKETIO_1, "0"), (SOCKETIO_4, "1"), (SOCKETIO_5, "1")],
)
def test_the_end_is_known_without_reading_it(generation: Any, text: str) -> None:
    assert generation.is_close(text)
    assert not generation.is_close(text + "::/chat")


# Writing


@pytest.mark.parametrize(
    ("generation", "text"),
    [
        (SOCKETIO_1, '5::/chat:{"name":"a","args":[1]}'),
        (SOCKETIO_4, '42/chat,["a",1]'),
        (SOCKETIO_5, '42/chat,["a",1]'),
    ],
)
def test_an_event(generation: Any, text: str) -> None:
    encoded = generation.encode(event_packet("/chat", "a", [1]), wire_json.dumps)
    assert (encoded.text, list(encoded.attachments)) == (text, [])


@pytest.mark.parametrize(
    ("generation", "main", "elsewhere"),
    [
        (SOCKETIO_1, "6:::7+[1]", "6::/chat:7+[1]"),
        (SOCKETIO_4, "437[1]", "43/chat,7[1]"),
        (SOCKETIO_5, "437[1]", "43/chat,7[1]"),
    ],
)
def test_an_ack(generation: Any, main: str, elsewhere: str) -> None:
    for endpoint, text in (("", main), ("/chat", elsewhere)):
        encoded = generation.encode_ack(endpoint, 7, [1], wire_json.dumps)
        assert encoded.text == text


@ON_ENGINEIO
def test_bytes_leave_as_attachments(generation: Any) -> None:
    packet = event_packet("/chat", "a", [{"b": b"1"}, b"2"])
    written = generation.encode(packet, wire_json.dumps)
    assert written.text.startswith("452-/chat,")
    assert (list(written.attachments), written.prefix) == (
        [b"1", b"2"],
        generation.prefix,
    )
    answered = generation.encode_ack("", 7, [b"1"], wire_json.dumps)
    assert answered.text.startswith("461-7[")
    assert list(answered.attachments) == [b"1"]
    # The given packet is unchanged.
    assert packet["args"] == [{"b": b"1"}, b"2"]


def test_clients_0_9_cannot_receive_bytes() -> None:
    for packet in (
        event_packet("", "a", [b"1"]),
        {"type": "message", "endpoint": "", "data": b"1"},
    ):
        with pytest.raises(TypeError):
            SOCKETIO_1.encode(packet, wire_json.dumps)  # type: ignore[arg-type]


@ALL
def test_values_that_json_cannot_hold_are_refused(generation: Any) -> None:
    with pytest.raises(TypeError):
        generation.encode(event_packet("", "a", [object()]), wire_json.dumps)
    with pytest.raises(TypeError):
        generation.encode_ack("", 7, [object()], wire_json.dumps)


def test_a_client_4_x_is_told_a_name_of_its_own_in_each_namespace() -> None:
    """The id is public, so it is not the session id; two ids are never equal."""
    packet: Packet = {"type": "connect", "endpoint": "/chat"}
    texts = [SOCKETIO_5.encode(packet, wire_json.dumps).text for _ in "12"]
    sids = [json.loads(text.removeprefix("40/chat,"))["sid"] for text in texts]
    assert sids[0] != sids[1]
    assert SOCKETIO_4.encode(packet, wire_json.dumps).text == "40/chat,"
    assert SOCKETIO_1.encode(packet, wire_json.dumps).text == "1::/chat"


# Answers


def test_a_namespace_is_refused_in_the_words_of_the_generation() -> None:
    data = {"why": "full"}
    written = [
        each.encode(each.refusal("/chat", "No room", data), wire_json.dumps).text
        for each in (SOCKETIO_1, SOCKETIO_4, SOCKETIO_5)
    ]
    assert written[0] == "7::/chat:2"  # the index of `unauthorized`
    assert written[1] == '44/chat,{"why":"full"}'
    assert json.loads(written[2].removeprefix("44/chat,")) == {
        "message": "No room",
        "data": data,
    }


@ON_ENGINEIO
def test_an_unknown_namespace_is_invalid(generation: Any) -> None:
    packet = generation.unknown_namespace("/unheard")
    assert (packet["type"], packet["reason"]) == ("error", "Invalid namespace")


def test_an_unknown_namespace_is_an_error_event_of_0_9() -> None:
    packet = SOCKETIO_1.unknown_namespace("/unheard")
    assert (packet["type"], packet["name"]) == ("event", "error")
    assert packet["args"][0] == "no_such_namespace"


@pytest.mark.parametrize(
    ("generation", "comes_back", "stays_away"),
    [
        (SOCKETIO_1, "7:::1+0", "7:::1+0"),
        (SOCKETIO_4, "1", None),
        (SOCKETIO_5, "1", None),
    ],
)
def test_the_last_word_says_whether_to_come_back(
    generation: Any, comes_back: str, stays_away: str | None
) -> None:
    assert generation.farewell(True) == comes_back
    assert generation.farewell(False) == stays_away


@ALL
def test_a_packet_that_cannot_be_read_ends_connections_on_engineio(
    generation: Any,
) -> None:
    """The reference server ends them with `parse error`; that of 0.9 did not."""
    assert generation.closes(PacketError("no packet")) is (generation != SOCKETIO_1)


@ALL
def test_a_failed_event_differs_from_a_null(generation: Any) -> None:
    """0.9 clients keep the null that gevent-socketio answered."""
    failed = {"error": {"name": "internal_error", "info": "no"}}
    expected = None if generation is SOCKETIO_1 else failed
    assert generation.failure("internal_error", "no") == expected


@ALL
def test_a_poll_brings_what_a_post_takes(generation: Any) -> None:
    texts = ["2::", "5:::{}"] if generation is SOCKETIO_1 else ['42["a"]', "1"]
    body = generation.encode_payload(texts)
    assert list(generation.decode_payload(body, DEFAULT_LIMITS)) == texts


@ALL
def test_only_clients_1_x_encode_twice(generation: Any) -> None:
    twice = "é".encode().decode("latin-1").encode()
    assert generation.is_encoded_twice(twice) == (generation is SOCKETIO_4)
    assert not generation.is_encoded_twice("é".encode())


# HTTP


@pytest.mark.parametrize(
    ("generation", "text"),
    [
        (SOCKETIO_1, "the-id:60:90:websocket,polling"),
        (SOCKETIO_4, None),
        (SOCKETIO_5, None),
    ],
)
def test_a_client_is_told_of_its_session(generation: Any, text: str | None) -> None:
    transports, upgrades = ["websocket", "polling"], ["websocket"]
    opening = Opening("the-id", transports, upgrades, 25.0, 35.0, 90.0, 1000)
    if text is not None:
        assert generation.opening(opening) == text
        return
    assert generation.opening(opening)[0] == "0"
    assert json.loads(generation.opening(opening)[1:]) == {
        "sid": "the-id",
        "upgrades": upgrades,
        "pingInterval": 25000,
        "pingTimeout": 35000,
        "maxPayload": 1000,
    }


def test_a_0_9_client_is_told_of_a_whole_second_at_least() -> None:
    opening = Opening("the-id", [], [], 0.1, 0.1, 0.4, 1000)
    assert SOCKETIO_1.opening(opening) == "the-id:1:0:"


def test_errors_are_text_or_json() -> None:
    content_type, body = SOCKETIO_1.error_body(1, "Session ID unknown")
    assert (content_type, body) == ("text/plain; charset=UTF-8", b"Session ID unknown")
    for generation in (SOCKETIO_4, SOCKETIO_5):
        content_type, body = generation.error_body(1, "Session ID unknown")
        assert content_type == "application/json"
        assert json.loads(body) == {"code": 1, "message": "Session ID unknown"}


@ALL
def test_bodies_of_bytes_are_for_bytes(generation: Any) -> None:
    assert generation.encode_binary_payload(["4text"]) is None
    body = generation.encode_binary_payload(["4text", b"bytes"])
    assert (body is not None) == (generation is SOCKETIO_4)
    if body is not None:
        read = generation.decode_payload(body, DEFAULT_LIMITS, binary=True)
        assert list(read) == ["4text", b"bytes"]


@pytest.mark.parametrize("text", ["1", "null", "{}", " [", ""])
def test_a_form_of_0_9_is_a_string_of_json(text: str) -> None:
    with pytest.raises(ValueError, match="string"):
        SOCKETIO_1.form_text(text)
    assert SOCKETIO_1.form_text(' "5:::{}"') == "5:::{}"


@ON_ENGINEIO
@pytest.mark.parametrize(
    ("text", "body"), [(r"a\nb", "a\nb"), (r"a\\nb", r"a\nb"), (r"a\tb", r"a\tb")]
)
def test_a_form_of_engineio_escapes_line_ends(
    generation: Any, text: str, body: str
) -> None:
    assert generation.form_text(text) == body
