"""Socket.IO 0.9: https://github.com/LearnBoost/socket.io-spec, "Messages"."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import fast, socketio_1
from tgext.socketio.wire.errors import PacketError, PayloadError, PayloadTooLarge
from tgext.socketio.wire.limits import DEFAULT_LIMITS, Limits
from tgext.socketio.wire.packet import Dumps, Loads, Packet

from .strategies import (
    MANY,
    SOME,
    endpoints,
    event_names,
    json_args,
    json_values,
    mutated,
    outcome,
    packet_ids,
    protocol_text,
)
from .vectors import (
    EMOJI,
    MARK,
    SOCKETIO_1_MALFORMED,
    SOCKETIO_1_PAYLOADS,
    SOCKETIO_1_PAYLOADS_MALFORMED,
    SOCKETIO_1_PAYLOADS_READ,
    SOCKETIO_1_READ,
    SOCKETIO_1_VALID,
    Malformed,
    MalformedBytes,
    Valid,
    ValidPayload,
)

JSON_READERS = pytest.mark.parametrize(
    "loads", [fast.loads, fast.py_loads], ids=["fast", "python"]
)


def name_of(vector: Any) -> str:
    return str(vector.name)


# Packets


@pytest.mark.cites(
    "Socket.IO 1, Encoding 1",
    "Socket.IO 1, Event 1",
    "Socket.IO 1, ACK 1",
    "Socket.IO 1, ACK 2",
    "Socket.IO 1, Error 1",
    "Socket.IO 1, Noop 1",
)
@JSON_READERS
@pytest.mark.parametrize("vector", SOCKETIO_1_VALID + SOCKETIO_1_READ, ids=name_of)
def test_a_packet_of_the_protocol_is_read(vector: Valid, loads: Loads) -> None:
    """Section "Encoding"."""
    assert socketio_1.decode(vector.text, loads) == vector.packet


@pytest.mark.cites("Socket.IO 1, Encoding 1", "Socket.IO 1, Event 1")
@pytest.mark.parametrize("dumps", [fast.dumps, fast.py_dumps], ids=["fast", "python"])
@pytest.mark.parametrize("vector", SOCKETIO_1_VALID, ids=name_of)
def test_a_packet_is_written_as_the_protocol_spells_it(
    vector: Valid, dumps: Dumps
) -> None:
    """Section "Encoding"."""
    assert socketio_1.encode(vector.packet, dumps) == vector.text


@JSON_READERS
@pytest.mark.parametrize("vector", SOCKETIO_1_MALFORMED, ids=name_of)
def test_a_malformed_packet_is_refused(vector: Malformed, loads: Loads) -> None:
    assert outcome(lambda: socketio_1.decode(vector.text, loads)) is vector.error


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


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        pytest.param({"type": "heartbeat"}, "2::", id="no endpoint"),
        pytest.param(
            {"type": "event", "endpoint": "", "name": "a", "args": (1, "b")},
            '5:::{"name":"a","args":[1,"b"]}',
            id="arguments are a tuple",
        ),
        pytest.param(
            {"type": "event", "endpoint": "", "name": "a", "args": None},
            '5:::{"name":"a"}',
            id="arguments are nothing",
        ),
        pytest.param(
            {"type": "event", "endpoint": "", "id": 0, "ack": "data", "name": "a"},
            '5:0+::{"name":"a"}',
            id="id 0",
        ),
        pytest.param({"type": "ack", "ackId": 4}, "6:::4", id="ack without arguments"),
        pytest.param(
            {"type": "ack", "ackId": 4, "args": (1, None)},
            "6:::4+[1,null]",
            id="answer is a tuple",
        ),
        pytest.param({"type": "connect", "endpoint": "/a"}, "1::/a", id="no query"),
        pytest.param(
            {"type": "error", "endpoint": "/a", "reason": "my own", "advice": "none"},
            "7::/a",
            id="reason that the protocol has no number for",
        ),
        pytest.param(
            {"type": "error", "reason": "unauthorized"}, "7:::2", id="no advice"
        ),
        pytest.param(
            {"type": "json", "data": [float("nan")]}, "4:::[null]", id="NaN is null"
        ),
    ],
)
def test_what_a_server_writes(packet: Packet, text: str) -> None:
    assert socketio_1.encode(packet) == text


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        pytest.param({"type": "event", "endpoint": ""}, KeyError, id="event, no name"),
        pytest.param({"type": "message"}, KeyError, id="message, no data"),
        pytest.param({"type": "ack", "args": []}, KeyError, id="ack, no id"),
        pytest.param(
            {"type": "event", "name": "a", "args": [object()]},
            TypeError,
            id="argument is not JSON",
        ),
        pytest.param({"type": "json", "data": b"a"}, TypeError, id="data is bytes"),
    ],
)
def test_a_packet_that_cannot_be_written_says_so(
    packet: Packet, error: type[Exception]
) -> None:
    with pytest.raises(error):
        socketio_1.encode(packet)


@MANY
@given(
    protocol_text
    | mutated(
        [vector.text for vector in SOCKETIO_1_VALID + SOCKETIO_1_READ], protocol_text
    )
)
def test_any_text_is_a_packet_or_refused(text: str) -> None:
    packet = outcome(lambda: socketio_1.decode(text))
    if isinstance(packet, dict):
        assert packet["type"] == socketio_1.TYPES[int(text[0])]
        assert isinstance(packet.get("args", []), list)
        assert isinstance(packet.get("name", ""), str)
        assert 0 <= packet.get("id", 0) < 10**16
        assert 0 <= packet.get("ackId", 0) < 10**16
    else:
        assert issubclass(packet, PacketError)


@SOME
@given(
    event_names,
    json_args,
    endpoints,
    st.none() | packet_ids,
    st.sampled_from(["data", True]),
)
def test_an_event_is_read_as_it_was_written(
    name: str, args: list[Any], endpoint: str, number: int | None, ack: Any
) -> None:
    packet: Packet = {"type": "event", "endpoint": endpoint, "name": name, "args": args}
    if number is not None:
        packet["id"] = number
        packet["ack"] = ack
    assert socketio_1.decode(socketio_1.encode(packet)) == packet


@SOME
@given(json_args, endpoints, packet_ids)
def test_an_ack_is_read_as_it_was_written(
    args: list[Any], endpoint: str, number: int
) -> None:
    packet: Packet = {
        "type": "ack",
        "endpoint": endpoint,
        "ackId": number,
        "args": args,
    }
    assert socketio_1.decode(socketio_1.encode(packet)) == packet


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
def test_a_payload_of_the_protocol_is_read(vector: ValidPayload) -> None:
    """Section "Framing": lengths are JavaScript's, which counts UTF-16 units."""
    assert socketio_1.decode_payload(vector.data, DEFAULT_LIMITS) == vector.packets


@pytest.mark.cites("Socket.IO 1, Framing 3")
@pytest.mark.parametrize("vector", SOCKETIO_1_PAYLOADS, ids=name_of)
def test_a_payload_is_written_as_the_protocol_spells_it(vector: ValidPayload) -> None:
    """Section "Framing"."""
    assert socketio_1.encode_payload(vector.packets) == vector.data


@pytest.mark.parametrize("vector", SOCKETIO_1_PAYLOADS_MALFORMED, ids=name_of)
def test_a_malformed_payload_is_refused(vector: MalformedBytes) -> None:
    found = outcome(lambda: socketio_1.decode_payload(vector.data, DEFAULT_LIMITS))
    assert found is vector.error


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
    """Nothing in it is read again and again; the bound is for slow machines."""
    assert len(data) <= DEFAULT_LIMITS.max_message_size
    started = process_time()
    outcome(lambda: socketio_1.decode_payload(data, DEFAULT_LIMITS))
    assert process_time() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(":" * 999_999, id="colons"),
        pytest.param("5:" + "1" * 999_000 + "::{}", id="id"),
        pytest.param("9" * 999_999, id="type"),
        pytest.param("6:::" + "1" * 999_000, id="ack id"),
        pytest.param('5:::{"name":"a","args":[' + "1," * 499_000 + "]}", id="list"),
        pytest.param('5:::{"name":"' + "\\ud800" * 166_000, id="surrogates"),
        pytest.param('5:::{"name":"a","args":[' + "9" * 999_000 + "]}", id="number"),
        pytest.param('5:::{"name":"a","args":' + "[" * 999_000, id="depth"),
    ],
)
@JSON_READERS
def test_a_packet_of_a_megabyte_takes_no_time(text: str, loads: Loads) -> None:
    started = process_time()
    outcome(lambda: socketio_1.decode(text, loads))
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
