"""Engine.IO 3: https://github.com/socketio/engine.io-protocol, revision 3, "Payload".

If the document and the parsers differ (its example of bytes lacks their type), the
tests follow the parsers, because clients use them.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.errors import PayloadError, PayloadTooLarge
from tgext.socketio.wire.limits import DEFAULT_LIMITS, Limits
from tgext.socketio.wire.socketio import v5 as socketio_5

from ...vectors.engineio_3 import ENGINEIO_3_DIALECTS, ENGINEIO_3_PAYLOADS
from ...vectors.shapes import (
    EMOJI,
    LOOSE_BASE64,
    MARK,
    Dialects,
    Payload,
    name_of,
)
from ..strategies import MANY, SOME, json_values, mutated, outcome

Packets = list["str | bytes"]
Decoder = Callable[[bytes, Limits], Packets]

DECODERS = pytest.mark.parametrize(
    "decode",
    [engineio_3.decode_payload, engineio_3.decode_binary_payload],
    ids=["text", "bytes"],
)
DIALECTS = pytest.mark.parametrize("vector", ENGINEIO_3_DIALECTS, ids=name_of)


def units(text: str) -> int:
    """The length of ``text`` in JavaScript."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def written_by_1(packets: Packets) -> bytes:
    """The text that a client 1.x posts."""
    parts = []
    for packet in packets:
        if isinstance(packet, bytes):
            parts.append(engineio_3.encode_payload([packet]).decode())
        else:
            once = packet.encode().decode("latin-1")
            parts.append(f"{len(once)}:{once}")
    return "".join(parts).encode()


def written_by_2(packets: Packets) -> bytes:
    """The text that a client 2.x posts."""
    return b"".join(
        engineio_3.encode_payload([packet])
        if isinstance(packet, bytes)
        else f"{units(packet)}:{packet}".encode()
        for packet in packets
    )


def looks_twice_encoded(text: str) -> bool:
    """Whether the bytes of 2.x for this text equal those of 1.x for another text."""
    try:
        return text.encode("latin-1").decode("utf-8") != text
    except UnicodeError:
        return False


# Text


@pytest.mark.cites("Engine.IO 3, Payload 1")
@pytest.mark.parametrize("vector", ENGINEIO_3_PAYLOADS, ids=name_of)
def test_a_payload_is_packets_with_their_lengths_in_front(vector: Payload) -> None:
    """Section "Payload": bytes travel as base64 behind ``b`` and their type."""
    assert engineio_3.encode_payload(vector.packets) == vector.data
    assert engineio_3.decode_payload(vector.data, DEFAULT_LIMITS) == vector.packets


@pytest.mark.cites("Real clients, Payloads 1")
@DIALECTS
def test_a_client_1_encodes_twice_and_counts_bytes(vector: Dialects) -> None:
    assert engineio_3.decode_payload(vector.twice, DEFAULT_LIMITS) == vector.packets
    assert written_by_1(vector.packets) == vector.twice


@pytest.mark.cites("Real clients, Payloads 1")
@pytest.mark.cites("Engine.IO 3, Payload 1")
@DIALECTS
def test_a_client_2_encodes_once_and_counts_utf_16_units(vector: Dialects) -> None:
    """Section "Payload": "length of the packet in characters"."""
    assert engineio_3.decode_payload(vector.once, DEFAULT_LIMITS) == vector.packets
    assert written_by_2(vector.packets) == vector.once


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("4\xe9", id="one accent"),
        pytest.param("4\xe9\xe8\xe0", id="accents"),
        pytest.param("4\xdcn\xefc\xf6d\xe9", id="accents and letters"),
        pytest.param("4\xa0\xab\xbb", id="no-break space and quotes"),
        pytest.param("4\xc3\xa9\u20ac", id="a mark of 1.x beside a euro"),
        pytest.param(f"4\xc3\xa9{EMOJI}", id="a mark of 1.x beside an emoji"),
        pytest.param("4\xc3\xa9\xe9", id="a mark of 1.x beside an accent"),
    ],
)
def test_text_of_a_client_2_in_latin_1_is_left_as_it_is(text: str) -> None:
    body = written_by_2([text])
    assert engineio_3.decode_payload(body, DEFAULT_LIMITS) == [text]


@pytest.mark.cites("Engine.IO 3, Payload 2")
def test_base64_is_the_same_in_both_dialects() -> None:
    body = written_by_1(["4\xe9", b"\xc3\xa9"]) + written_by_2([b"\xe9", "4\u2603"])
    found = engineio_3.decode_payload(body, DEFAULT_LIMITS)
    assert found == ["4\xe9", b"\xc3\xa9", b"\xe9", "4\u2603"]


@pytest.mark.parametrize(("text", "data"), LOOSE_BASE64.items())
def test_base64_is_what_node_takes_for_it(text: str, data: bytes) -> None:
    packet = f"b4{text}"
    assert engineio_3.decode_binary(packet) == data
    body = f"{len(packet)}:{packet}2:41".encode()
    assert engineio_3.decode_payload(body, DEFAULT_LIMITS) == [data, "41"]
    binary = engineio_3.encode_binary_payload([packet, "41"])
    assert engineio_3.decode_binary_payload(binary, DEFAULT_LIMITS) == [data, "41"]


NAMESPACES = [
    ("40/\u00e9t\u00e9,", "7:40/\u00e9t\u00e9,"),
    ("41/\u00e9,", "5:41/\u00e9,"),
    ('42/\u00e9,["\u00e9"]', '15:42/\u00e9,["\\u00e9"]'),
    (
        f'451-/{EMOJI},7["{EMOJI}",1]',
        f'27:451-/{EMOJI},7["\\ud83d\\ude00",1]',
    ),
    ('44/\u00e9,"\u00e9"', '13:44/\u00e9,"\\u00e9"'),
    ('42/["\u00e9",', '8:42/["\u00e9",'),
]


@pytest.mark.parametrize(("packet", "body"), NAMESPACES)
def test_a_namespace_beyond_ascii_travels_in_bytes(packet: str, body: str) -> None:
    """Clients 1.x and 2.x read bytes in the same way; text is written for 2.x."""
    assert engineio_3.needs_bytes(["40", packet])
    assert engineio_3.encode_payload([packet]).decode() == body
    for encode, decode in (
        (engineio_3.encode_payload, engineio_3.decode_payload),
        (engineio_3.encode_binary_payload, engineio_3.decode_binary_payload),
    ):
        (read,) = decode(encode([packet]), DEFAULT_LIMITS)
        assert isinstance(read, str)
        head = packet.partition(",")[0]
        assert read.startswith(head)


@pytest.mark.parametrize("packet", ['42/a,["\u00e9"]', '42["\u00e9"]', "2\u00e9"])
def test_what_can_be_escaped_needs_no_bytes(packet: str) -> None:
    assert not engineio_3.needs_bytes([packet, "2"])
    assert engineio_3.needs_bytes([packet, b""])


def test_a_length_may_have_sixteen_digits() -> None:
    body = b"0000000000000006:4hello"
    assert engineio_3.decode_payload(body, DEFAULT_LIMITS) == ["4hello"]


# Half a surrogate pair


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        pytest.param(
            engineio_3.decode_payload,
            b"6:4\xc3\x83\xc2\xa9\xc3\xad\xc2\xa0\xc2\xbd",
            id="1.x, text",
        ),
        pytest.param(
            engineio_3.decode_payload, b"3:4\xc3\xa9\xef\xbf\xbd", id="2.x, text"
        ),
        pytest.param(
            engineio_3.decode_binary_payload,
            b"\x00\x06\xff4\xc3\xa9\xed\xa0\xbd",
            id="1.x, bytes",
        ),
        pytest.param(
            engineio_3.decode_binary_payload,
            b"\x00\x06\xff4\xc3\xa9\xef\xbf\xbd",
            id="2.x, bytes",
        ),
    ],
)
def test_half_an_emoji_leaves_the_rest_of_a_message_alone(
    decode: Decoder, body: bytes
) -> None:
    """What the parsers write for ``\xe9`` and the first half of an emoji.

    1.x encodes the half (WTF-8), 2.x writes U+FFFD. A text that an application cut to a
    length may end with one.
    """
    packets = outcome(lambda: decode(body, DEFAULT_LIMITS))
    assert isinstance(packets, list)
    (text,) = packets
    assert isinstance(text, str)
    assert text[:2] == "4\xe9"
    assert all(each in ("\ud83d", MARK) for each in text[2:])


# Answers are kept to ASCII


@pytest.mark.parametrize(
    ("packets", "body"),
    [
        pytest.param(['42["caf\xe9"]'], b'15:42["caf\\u00e9"]', id="an accent"),
        pytest.param(['42["\u6f22\u5b57"]'], b'18:42["\\u6f22\\u5b57"]', id="kanji"),
        pytest.param(
            [f'42["{EMOJI}"]', "2"], b'18:42["\\ud83d\\ude00"]1:2', id="an emoji"
        ),
        pytest.param(
            ['43/a,1["\u2028"]', b"\xff"],
            b'16:43/a,1["\\u2028"]6:b4/w==',
            id="a line separator and bytes",
        ),
        pytest.param(['42["\ud83d"]'], b'12:42["\\ud83d"]', id="half a pair"),
    ],
)
def test_an_answer_reads_the_same_in_both_dialects(
    packets: Packets, body: bytes
) -> None:
    assert engineio_3.encode_payload(packets) == body
    assert body.isascii()


@SOME
@given(
    st.lists(st.lists(json_values, max_size=2) | st.binary(), min_size=1, max_size=4)
)
def test_an_answer_means_what_was_sent(values: list[Any]) -> None:
    packets: Packets = [
        each if isinstance(each, bytes) else f"42{wire_json.dumps(['a', *each])}"
        for each in values
    ]
    body = engineio_3.encode_payload(packets)
    assert body.isascii()
    found = [
        each if isinstance(each, bytes) else socketio_5.decode(each, start=1)["args"]
        for each in engineio_3.decode_payload(body, DEFAULT_LIMITS)
    ]
    assert found == values


# Bytes


@pytest.mark.cites("Engine.IO 3, Payload 3", "Engine.IO 3, Payload 4")
@DIALECTS
def test_a_binary_payload_counts_bytes(vector: Dialects) -> None:
    """Section "Payload": 0 or 1, the digits of the length as bytes, 255, the packet."""
    assert engineio_3.encode_binary_payload(vector.packets) == vector.binary
    found = engineio_3.decode_binary_payload(vector.binary, DEFAULT_LIMITS)
    assert found == vector.packets


@pytest.mark.parametrize(
    ("packets", "body"),
    [
        pytest.param([b""], b"\x01\x01\xff\x04", id="no bytes"),
        pytest.param(
            [b"\xff\x00\x01\xff"], b"\x01\x05\xff\x04\xff\x00\x01\xff", id="255 in it"
        ),
        pytest.param(
            [bytes(255)], b"\x01\x02\x05\x06\xff\x04" + bytes(255), id="three digits"
        ),
        pytest.param(["2"], b"\x00\x01\xff2", id="ping"),
        pytest.param(
            ["4" + "a" * 99], b"\x00\x01\x00\x00\xff4" + b"a" * 99, id="zeros as digits"
        ),
        pytest.param(
            ['451-["a",{"_placeholder":true,"num":0}]', b"\xfb\xff", "2"],
            b'\x00\x03\x09\xff451-["a",{"_placeholder":true,"num":0}]'
            b"\x01\x03\xff\x04\xfb\xff\x00\x01\xff2",
            id="a packet and its attachments",
        ),
    ],
)
def test_the_digits_of_a_length_are_bytes(packets: Packets, body: bytes) -> None:
    assert engineio_3.encode_binary_payload(packets) == body
    assert engineio_3.decode_binary_payload(body, DEFAULT_LIMITS) == packets


def test_a_binary_length_may_have_sixteen_digits() -> None:
    body = b"\x00" + bytes(15) + b"\x06\xff4hello"
    assert engineio_3.decode_binary_payload(body, DEFAULT_LIMITS) == ["4hello"]


def test_half_a_surrogate_pair_does_not_make_the_answer_unreadable() -> None:
    body = engineio_3.encode_binary_payload(["4a\ud83d", b"b"])
    found = engineio_3.decode_binary_payload(body, DEFAULT_LIMITS)
    assert len(found) == 2
    assert found[1] == b"b"


# Limits


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        pytest.param(engineio_3.decode_payload, b"6:4hello", id="text"),
        pytest.param(engineio_3.decode_payload, "4:4\u20ac".encode()[:-1], id="cut"),
        pytest.param(
            engineio_3.decode_binary_payload, b"\x00\x06\xff4hello", id="bytes"
        ),
    ],
)
def test_a_payload_may_be_as_large_as_the_limit_of_the_server(
    decode: Decoder, body: bytes
) -> None:
    allowed = outcome(lambda: decode(body, Limits(max_message_size=len(body))))
    assert allowed is not PayloadTooLarge
    with pytest.raises(PayloadTooLarge):
        decode(body, Limits(max_message_size=len(body) - 1))


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        pytest.param(engineio_3.decode_payload, b"1" * 1_000_000, id="digits"),
        pytest.param(engineio_3.decode_payload, b"6:4hello" * 125_000, id="messages"),
        pytest.param(
            engineio_3.decode_payload,
            b"999986:4" + b"\xc3\xa9" * 499_996,
            id="a length too large",
        ),
        pytest.param(
            engineio_3.decode_binary_payload, b"\x00\x01\xff2" * 250_000, id="pings"
        ),
        pytest.param(
            engineio_3.decode_binary_payload, bytes(1_000_000), id="zeros of a length"
        ),
    ],
)
def test_a_body_of_a_megabyte_takes_no_time(decode: Decoder, body: bytes) -> None:
    started = process_time()
    outcome(lambda: decode(body, DEFAULT_LIMITS))
    assert process_time() - started < 5


# Anything


bodies = st.binary() | mutated(
    [vector.data for vector in ENGINEIO_3_PAYLOADS]
    + [vector.twice for vector in ENGINEIO_3_DIALECTS]
    + [vector.once for vector in ENGINEIO_3_DIALECTS]
    + [vector.binary for vector in ENGINEIO_3_DIALECTS],
    st.binary(max_size=4) | st.sampled_from([b"0:", b":", b"b4", b"\xff", b"\x00"]),
)


@DECODERS
@MANY
@given(body=bodies)
def test_any_body_is_packets_or_refused(decode: Decoder, body: bytes) -> None:
    packets = outcome(lambda: decode(body, DEFAULT_LIMITS))
    if isinstance(packets, list):
        assert packets
        assert all(isinstance(each, (str, bytes)) for each in packets)
    else:
        assert packets is PayloadError


@DECODERS
@MANY
@given(text=st.text(st.sampled_from("0123:b4A=\xe9\xc3\xa9\u2603\U0001f600\ufffd\x00")))
def test_any_text_is_packets_or_refused(decode: Decoder, text: str) -> None:
    packets = outcome(lambda: decode(text.encode(), DEFAULT_LIMITS))
    assert isinstance(packets, list) or packets is PayloadError


any_text = st.text(st.characters(exclude_categories=["Cs"])).map("4{}".format)
payloads = st.lists(any_text | st.binary(max_size=20), min_size=1, max_size=5)


@MANY
@given(payloads)
def test_the_text_of_a_client_1_is_read_as_it_was_written(packets: Packets) -> None:
    body = written_by_1(packets)
    assert engineio_3.decode_payload(body, DEFAULT_LIMITS) == packets


@MANY
@given(payloads)
def test_the_text_of_a_client_2_is_read_as_it_was_written(packets: Packets) -> None:
    body = written_by_2(packets)
    found = engineio_3.decode_payload(body, DEFAULT_LIMITS)
    assert len(found) == len(packets)
    for there, here in zip(packets, found, strict=True):
        # Both send `EIO=3`: a text that a client 1.x could have encoded is decoded as
        # its.
        if isinstance(there, bytes) or not looks_twice_encoded(there):
            assert here == there


@MANY
@given(payloads)
def test_a_binary_payload_is_read_as_it_was_written(packets: Packets) -> None:
    body = engineio_3.encode_binary_payload(packets)
    assert engineio_3.decode_binary_payload(body, DEFAULT_LIMITS) == packets


@pytest.mark.parametrize(("packet", "body"), NAMESPACES)
def test_a_client_1_that_takes_no_bytes_is_answered_as_it_writes(
    packet: str, body: str
) -> None:
    answer = engineio_3.encode_payload(["2", packet], twice=True)
    first, second = engineio_3.decode_payload(answer, DEFAULT_LIMITS)
    assert first == "2"
    assert [second] == engineio_3.decode_payload(body.encode(), DEFAULT_LIMITS)
    assert engineio_3.is_encoded_twice(answer)
    assert not engineio_3.is_encoded_twice(body.encode())


@pytest.mark.parametrize("body", [b"\xff", b"3:4\xe2\x82\xac1", b"\xc3\xa9"])
def test_other_text_is_not_encoded_twice(body: bytes) -> None:
    assert not engineio_3.is_encoded_twice(body)
