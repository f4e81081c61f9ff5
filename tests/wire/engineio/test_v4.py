"""Engine.IO 4: https://github.com/socketio/engine.io-protocol, revision 4."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.errors import PayloadError, PayloadTooLarge
from tgext.socketio.wire.limits import DEFAULT_LIMITS, Limits

from ...vectors.shapes import EMOJI, LOOSE_BASE64
from ..strategies import MANY, mutated, outcome, protocol_text

PACKETS = [
    ("open", '0{"sid":"a"}', engineio.OPEN),
    ("close", "1", engineio.CLOSE),
    ("ping", "2", engineio.PING),
    ("ping of a probe", "2probe", engineio.PING),
    ("pong", "3", engineio.PONG),
    ("pong of a probe", "3probe", engineio.PONG),
    ("message", "4hello", engineio.MESSAGE),
    ("empty message", "4", engineio.MESSAGE),
    ("message of digits", "42", engineio.MESSAGE),
    ("Socket.IO event", '42["foo"]', engineio.MESSAGE),
    ("message in other scripts", f"4\u20ac\u6f22{EMOJI}", engineio.MESSAGE),
    ("upgrade", "5", engineio.UPGRADE),
    ("noop", "6", engineio.NOOP),
]

PAYLOADS = [
    ("one packet", b"4hello", ["4hello"]),
    ("three packets", b"4hello\x1e2\x1e4world", ["4hello", "2", "4world"]),
    (
        "the sample session",
        b'42["hello"]\x1e42["world"]',
        ['42["hello"]', '42["world"]'],
    ),
    ("test suite", b"4test1\x1e4test2\x1e4test3", ["4test1", "4test2", "4test3"]),
    ("other scripts", f"4\u20ac\x1e4{EMOJI}".encode(), ["4\u20ac", f"4{EMOJI}"]),
    ("the mark of 0.9", "4\ufffd3\ufffd".encode(), ["4\ufffd3\ufffd"]),
]

BINARY_PAYLOADS = [
    (
        "the example of the document",
        b"4hello\x1ebAQIDBA==",
        ["4hello", b"\x01\x02\x03\x04"],
    ),
    ("bytes alone", b"bAQIDBA==", [b"\x01\x02\x03\x04"]),
    ("no bytes", b"b", [b""]),
    ("bytes between others", b"4hello\x1eb+/8=\x1e2", ["4hello", b"\xfb\xff", "2"]),
    ("bytes of the separator", b"bHh4e\x1e4a", [b"\x1e\x1e\x1e", "4a"]),
    (
        "a packet and its attachments",
        b'452-["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
        b"\x1ebAQI=\x1ebAwQ=",
        [
            '452-["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
            b"\x01\x02",
            b"\x03\x04",
        ],
    ),
]


@pytest.mark.cites("Engine.IO 3, Packet 1", "Engine.IO 4, Protocol 1")
@pytest.mark.parametrize(
    ("text", "kind"), [pytest.param(*row[1:], id=row[0]) for row in PACKETS]
)
def test_a_packet_begins_with_its_type(text: str, kind: str) -> None:
    """Section "Packet encoding"."""
    assert engineio.check_packet(text) == kind


@pytest.mark.cites("Engine.IO 4, Handshake 1")
def test_the_handshake_is_the_documented_one() -> None:
    """Section "Handshake": the intervals are milliseconds."""
    assert engineio.encode_open(
        "lv_VI97HAXpY6yYWAAAC",
        ["websocket"],
        ping_interval=25,
        ping_timeout=20,
        max_payload=1_000_000,
    ) == (
        '0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],'
        '"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
    )


def test_intervals_of_a_fraction_of_a_second_are_whole_milliseconds() -> None:
    opened = engineio.encode_open("a", [], 4.02, 1.001, 10)
    handshake = json.loads(opened[1:])
    assert (handshake["pingInterval"], handshake["pingTimeout"]) == (4020, 1001)
    assert '"upgrades":[]' in opened
    assert "." not in opened


@pytest.mark.cites("Engine.IO 4, Packet encoding, polling 1")
@pytest.mark.parametrize(
    ("body", "packets"), [pytest.param(*row[1:], id=row[0]) for row in PAYLOADS]
)
def test_a_payload_is_packets_with_a_record_separator_between(
    body: bytes, packets: list[str]
) -> None:
    """Section "Packet encoding", "HTTP long-polling"."""
    assert engineio.encode_payload(packets) == body
    assert engineio.decode_payload(body, DEFAULT_LIMITS) == packets


def test_a_payload_is_written_from_any_iterable() -> None:
    assert engineio.encode_payload(iter(["2", "4a"])) == b"2\x1e4a"


@pytest.mark.cites("Engine.IO 4, Packet encoding, polling 2")
@pytest.mark.parametrize(
    ("body", "packets"), [pytest.param(*row[1:], id=row[0]) for row in BINARY_PAYLOADS]
)
def test_the_bytes_of_messages_travel_as_base64(
    body: bytes, packets: list[str | bytes]
) -> None:
    """Section "Packet encoding": in polling, binary is base64 behind a ``b``."""
    assert engineio.encode_payload(packets) == body
    assert engineio.decode_payload(body, DEFAULT_LIMITS) == packets


def test_a_b_inside_a_packet_does_not_mark_base64() -> None:
    assert engineio.decode_payload(b"4bAQIDBA==", DEFAULT_LIMITS) == ["4bAQIDBA=="]


@pytest.mark.parametrize(("text", "data"), LOOSE_BASE64.items())
def test_base64_is_what_node_takes_for_it(text: str, data: bytes) -> None:
    assert engineio.decode_base64(text) == data
    assert engineio.decode_payload(f"b{text}".encode(), DEFAULT_LIMITS) == [data]


def test_the_mark_of_base64_is_not_a_type() -> None:
    assert outcome(lambda: engineio.check_packet("bAQIDBA==")) is PayloadError


def test_a_payload_may_be_as_large_as_the_limit_of_the_server() -> None:
    limits = Limits(max_message_size=6)
    assert engineio.decode_payload(b"4hello", limits) == ["4hello"]
    with pytest.raises(PayloadTooLarge):
        engineio.decode_payload(b"4hello!", limits)


def test_the_limit_counts_bytes() -> None:
    with pytest.raises(PayloadTooLarge):
        engineio.decode_payload("4\u6f22\u5b57".encode(), Limits(max_message_size=6))


def test_half_a_surrogate_pair_does_not_make_the_body_unreadable() -> None:
    """The body is UTF-8 (``charset=UTF-8``), which has no surrogates (RFC 3629)."""
    body = engineio.encode_payload(["4a\ud83d", "4b"])
    packets = engineio.decode_payload(body, DEFAULT_LIMITS)
    assert len(packets) == 2
    assert packets[1] == "4b"


@MANY
@given(protocol_text | mutated([row[1] for row in PACKETS], protocol_text))
def test_any_text_has_a_type_or_is_refused(text: str) -> None:
    kind = outcome(lambda: engineio.check_packet(text))
    assert kind == text[0] if text[:1] in tuple("0123456") else kind is PayloadError


@MANY
@given(
    st.binary()
    | mutated(
        [row[1] for row in PAYLOADS] + [row[1] for row in BINARY_PAYLOADS],
        st.binary(max_size=4),
    )
)
def test_any_body_is_packets_or_refused(body: bytes) -> None:
    packets = outcome(lambda: engineio.decode_payload(body, DEFAULT_LIMITS))
    if isinstance(packets, list):
        again = engineio.encode_payload(packets)
        assert engineio.decode_payload(again, DEFAULT_LIMITS) == packets
        if b"b" not in body:
            assert again == body
    else:
        assert packets is PayloadError


@MANY
@given(
    st.lists(
        st.builds(
            str.__add__,
            st.sampled_from("0123456"),
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\x1e")
            ),
        )
        | st.binary(max_size=20),
        min_size=1,
        max_size=6,
    )
)
def test_a_payload_is_read_as_it_was_written(packets: list[str | bytes]) -> None:
    body = engineio.encode_payload(packets)
    assert engineio.decode_payload(body, DEFAULT_LIMITS) == packets
