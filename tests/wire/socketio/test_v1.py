"""Socket.IO 0.9: https://github.com/LearnBoost/socket.io-spec, "Messages"."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.errors import PacketError, PayloadError, PayloadTooLarge
from tgext.socketio.wire.json import Dumps
from tgext.socketio.wire.limits import DEFAULT_LIMITS, MAX_CONNECT, Limits
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.socketio.packet import Packet

from ...vectors.shapes import EMOJI, MARK, Payload, name_of
from ...vectors.socketio_1 import SOCKETIO_1_PAYLOADS, SOCKETIO_1_PAYLOADS_READ
from ..strategies import (
    MANY,
    SOME,
    endpoints,
    json_values,
    mutated,
    outcome,
    protocol_text,
)

# Packets


def test_a_disconnect_of_the_whole_socket_needs_no_colon() -> None:
    """Section "(0) Disconnect", second example."""
    assert socketio_1.decode("0") == {"type": "disconnect", "endpoint": ""}


def test_the_query_of_a_connect_is_not_part_of_its_endpoint() -> None:
    """Section "(1) Connect", the example."""
    assert socketio_1.decode("1::/test?my=param") == {
        "type": "connect",
        "endpoint": "/test",
        "qs": "?my=param",
    }


@pytest.mark.cites("Socket.IO 1, Framing 1")
@pytest.mark.parametrize(
    ("constant", "text"),
    [
        (socketio_1.CONNECT, "1::"),
        (socketio_1.HEARTBEAT, "2::"),
        (socketio_1.NOOP, "8::"),
        (socketio_1.DISCONNECT, "0::"),
        (socketio_1.RECONNECT, "7:::1+0"),
    ],
)
def test_what_a_transport_sends_is_a_packet(constant: str, text: str) -> None:
    assert constant == text
    assert socketio_1.encode(socketio_1.decode(constant)) == text


@SOME
@given(json_values, st.text(), endpoints)
def test_json_and_messages_are_read_as_they_were_written(
    value: Any, text: str, endpoint: str
) -> None:
    packets: list[Packet] = [
        {"type": "json", "endpoint": endpoint, "data": value},
        {"type": "message", "endpoint": endpoint, "data": text},
    ]
    for packet in packets:
        assert socketio_1.decode(socketio_1.encode(packet)) == packet


# Payloads


@pytest.mark.cites("Socket.IO 1, Framing 3")
@pytest.mark.parametrize(
    "vector", SOCKETIO_1_PAYLOADS + SOCKETIO_1_PAYLOADS_READ, ids=name_of
)
def test_a_payload_of_the_protocol_is_read(vector: Payload) -> None:
    """Section "Framing": lengths are JavaScript's, which counts UTF-16 units."""
    assert socketio_1.decode_payload(vector.data, DEFAULT_LIMITS) == vector.packets


@pytest.mark.cites("Socket.IO 1, Framing 3")
@pytest.mark.parametrize("vector", SOCKETIO_1_PAYLOADS, ids=name_of)
def test_a_payload_is_written_as_the_protocol_spells_it(vector: Payload) -> None:
    """Section "Framing"."""
    assert socketio_1.encode_payload(vector.packets) == vector.data


def test_a_payload_may_be_as_large_as_the_limit_of_the_server() -> None:
    limits = Limits(max_message_size=6)
    assert socketio_1.decode_payload(b"3:::ab", limits) == ["3:::ab"]
    with pytest.raises(PayloadTooLarge):
        socketio_1.decode_payload(b"3:::abc", limits)


def test_the_limit_counts_bytes() -> None:
    with pytest.raises(PayloadTooLarge):
        socketio_1.decode_payload("3:::\u6f22".encode(), Limits(max_message_size=6))


def javascript_units(text: str) -> list[int]:
    """What ``charCodeAt`` gives in a browser that received ``text``."""
    data = text.encode("utf-16-le")
    return [
        int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)
    ]


def test_half_a_surrogate_pair_does_not_shift_the_packets_behind_it() -> None:
    """A handler can echo the half of an emoji, which JSON can spell, as a message.

    UTF-8 has no surrogates (RFC 3629, section 3): a browser reads each byte of one as
    U+FFFD, three for the one unit that the length counted.
    """
    body = socketio_1.encode_payload(["3:::a\ud83d", "3:::b"])
    units = javascript_units(body.decode("utf-8", "replace"))
    assert socketio_1.decode_payload(body, DEFAULT_LIMITS)[1:] == ["3:::b"]
    assert units[0] == ord(MARK)
    length = int(chr(units[1]))
    assert units[3 + length] == ord(MARK)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param((MARK * 333_000).encode(), id="marks"),
        pytest.param((MARK + "9" * 999_000).encode(), id="digits"),
        pytest.param((MARK + "9" * 999_000 + MARK).encode(), id="one long length"),
        pytest.param(f"{MARK}0{MARK}".encode() * 140_000, id="empty packets"),
        pytest.param(f"{MARK}2{MARK}{EMOJI}".encode() * 90_000, id="emoji"),
        pytest.param(f"{MARK}1{MARK}{EMOJI}".encode() * 90_000, id="halves of emoji"),
        pytest.param(
            f"{MARK}900000{MARK}{EMOJI}".encode() + b"a" * 899_998, id="one emoji"
        ),
        pytest.param(
            f"{MARK}999900{MARK}".encode() + b"a" * 999_800, id="long and truncated"
        ),
    ],
)
def test_a_body_of_a_megabyte_takes_no_time(data: bytes) -> None:
    """No part is read repeatedly; the time limit suits slow machines."""
    assert len(data) <= DEFAULT_LIMITS.max_message_size
    started = process_time()
    outcome(lambda: socketio_1.decode_payload(data, DEFAULT_LIMITS))
    assert process_time() - started < 5


@MANY
@given(
    st.binary()
    | protocol_text.map(lambda text: (MARK + text).encode("utf-8", "replace"))
    | mutated(
        [vector.data for vector in SOCKETIO_1_PAYLOADS + SOCKETIO_1_PAYLOADS_READ],
        st.binary(max_size=4) | st.sampled_from([MARK.encode(), EMOJI.encode(), b"-1"]),
    )
)
def test_any_body_is_packets_or_refused(body: bytes) -> None:
    packets = outcome(lambda: socketio_1.decode_payload(body, DEFAULT_LIMITS))
    if isinstance(packets, list):
        assert packets
        # Whatever was read is text that can be sent on.
        assert all(packet.encode() is not None for packet in packets)
    else:
        assert packets is PayloadError


@MANY
@given(
    st.lists(
        st.text(st.sampled_from(f"a:3{MARK}\u6f22{EMOJI}")), min_size=2, max_size=6
    )
)
def test_a_payload_is_read_as_it_was_written(packets: list[str]) -> None:
    body = socketio_1.encode_payload(packets)
    assert socketio_1.decode_payload(body, DEFAULT_LIMITS) == packets


@MANY
@given(st.lists(st.text(), min_size=2, max_size=4))
def test_lengths_are_those_of_a_browser(packets: list[str]) -> None:
    """A client that walks the body by ``charCodeAt`` finds each packet."""
    units = javascript_units(socketio_1.encode_payload(packets).decode())
    mark = ord(MARK)
    for packet in packets:
        assert units.pop(0) == mark
        end = units.index(mark)
        length = int("".join(map(chr, units[:end])))
        assert units[end + 1 : end + 1 + length] == javascript_units(packet)
        del units[: end + 1 + length]
    assert units == []


json_packets = st.builds(
    lambda kind, value: {
        "event": {"type": "event", "name": str(value), "args": [value]},
        "json": {"type": "json", "data": value},
        "ack": {"type": "ack", "ackId": 1, "args": [value]},
    }[kind],
    st.sampled_from(["event", "json", "ack"]),
    json_values | st.text(st.sampled_from(f"a\xe9\u2028\u2029{MARK}{EMOJI}\U0010ffff")),
)


@MANY
@given(st.lists(json_packets, min_size=2, max_size=4))
def test_a_client_that_counts_characters_finds_each_packet(packets: Any) -> None:
    """Python's socketIO-client splits a payload at each U+FFFD."""
    texts = [socketio_1.encode(each) for each in packets]
    parts = socketio_1.encode_payload(texts).decode().split(MARK)
    assert parts[0] == ""
    assert parts[2::2] == texts
    assert parts[1::2] == [str(len(text)) for text in texts]
    for text, packet in zip(texts, packets, strict=True):
        read = socketio_1.decode(text)
        for field in ("name", "args", "data"):
            assert read.get(field) == packet.get(field)


def test_the_json_functions_of_the_caller_are_used() -> None:
    """An application may hand in its own, as gevent-socketio lets it."""
    calls: list[Any] = []

    def loads(text: str) -> Any:
        calls.append(text)
        return {"name": "read"}

    def dumps(value: Any) -> str:
        calls.append(value)
        return "written"

    write: Callable[[Packet, Dumps], str] = socketio_1.encode
    assert socketio_1.decode("5:::x", loads)["name"] == "read"
    assert write({"type": "event", "name": "a"}, dumps) == "5:::written"
    assert calls == ["x", {"name": "a"}]


def test_a_query_has_a_bound() -> None:
    with pytest.raises(PacketError, match="a query of more than"):
        socketio_1.decode(f"1::/chat?{'x' * MAX_CONNECT}")
