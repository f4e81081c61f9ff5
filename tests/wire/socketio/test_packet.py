"""The packet that all generations share, and names of events."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.errors import PacketError
from tgext.socketio.wire.json import Dumps, Loads
from tgext.socketio.wire.limits import DEFAULT_LIMITS
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.socketio import v3_4 as socketio_4
from tgext.socketio.wire.socketio import v5 as socketio_5
from tgext.socketio.wire.socketio.packet import (
    Packet,
    PacketType,
    event_name,
)

from ...vectors.shapes import Valid
from ...vectors.socketio_1 import SOCKETIO_1_READ, SOCKETIO_1_VALID
from ...vectors.socketio_5 import (
    SOCKETIO_4_READ,
    SOCKETIO_4_VALID,
    SOCKETIO_5_READ,
    SOCKETIO_5_VALID,
)
from ...vectors.written import (
    SOCKETIO_1_WRITTEN,
    SOCKETIO_4_WRITTEN,
    SOCKETIO_5_WRITTEN,
)
from ..strategies import (
    MANY,
    SOME,
    endpoints,
    event_names,
    json_args,
    mutated,
    outcome,
    packet_ids,
    protocol_text,
)


def not_connects(vectors: list[Valid]) -> list[Valid]:
    """What revision 5 has in common with 3 and 4."""
    return [each for each in vectors if each.packet["type"] != "connect"]


class Protocol(NamedTuple):
    """One revision of Socket.IO.

    :param both: packets that are read and written.
    :param read: packets that are only read.
    :param written: packets that are only written.
    :param acks: what an event may ask for.
    """

    name: str
    decode: Callable[[str, Loads], Packet]
    encode: Callable[..., str]
    both: list[Valid]
    read: list[Valid]
    written: list[Valid]
    acks: list[Any]


PROTOCOLS = [
    Protocol(
        "1",
        socketio_1.decode,
        socketio_1.encode,
        SOCKETIO_1_VALID,
        SOCKETIO_1_READ,
        SOCKETIO_1_WRITTEN,
        ["data", True],
    ),
    Protocol(
        "3 and 4",
        lambda text, loads: socketio_4.decode(text, DEFAULT_LIMITS, loads),
        socketio_4.encode,
        SOCKETIO_4_VALID + not_connects(SOCKETIO_5_VALID),
        SOCKETIO_4_READ + not_connects(SOCKETIO_5_READ),
        SOCKETIO_4_WRITTEN,
        ["data"],
    ),
    Protocol(
        "5",
        lambda text, loads: socketio_5.decode(text, DEFAULT_LIMITS, loads),
        socketio_5.encode,
        SOCKETIO_5_VALID,
        SOCKETIO_5_READ,
        SOCKETIO_5_WRITTEN,
        ["data"],
    ),
]

EACH = pytest.mark.parametrize(
    "protocol", PROTOCOLS, ids=[each.name for each in PROTOCOLS]
)
READERS = pytest.mark.parametrize(
    "loads", [wire_json.loads, wire_json.py_loads], ids=["fast", "python"]
)
WRITERS = pytest.mark.parametrize(
    "dumps", [wire_json.dumps, wire_json.py_dumps], ids=["fast", "python"]
)
WRITTEN = pytest.mark.parametrize(
    ("protocol", "vector"),
    [
        pytest.param(protocol, vector, id=f"{protocol.name}-{vector.name}")
        for protocol in PROTOCOLS
        for vector in protocol.both + protocol.written
    ],
)
READ = pytest.mark.parametrize(
    ("protocol", "vector"),
    [
        pytest.param(protocol, vector, id=f"{protocol.name}-{vector.name}")
        for protocol in PROTOCOLS
        for vector in protocol.both + protocol.read
    ],
)


@pytest.mark.cites(
    "Socket.IO 1, Encoding 1",
    "Socket.IO 1, Event 1",
    "Socket.IO 1, ACK 1",
    "Socket.IO 1, ACK 2",
    "Socket.IO 1, Error 1",
    "Socket.IO 1, Noop 1",
    "Socket.IO 4, Packet format 1",
    "Socket.IO 4, EVENT 1",
    "Socket.IO 4, Encoding format 1",
    "Socket.IO 5, Exchange protocol 1",
    "Socket.IO 5, Packet encoding 2",
    "Socket.IO 5, Packet encoding 4",
)
@READERS
@READ
def test_a_packet_of_the_protocol_is_read(
    protocol: Protocol, vector: Valid, loads: Loads
) -> None:
    """Revision 1, section "Encoding"; revision 5, section "Packet encoding"."""
    packet = protocol.decode(vector.text, loads)
    assert packet == vector.packet
    assert packet["type"] in get_args(PacketType)
    assert isinstance(packet["endpoint"], str)
    assert packet.keys() <= Packet.__annotations__.keys()


@pytest.mark.cites(
    "Socket.IO 1, Encoding 1",
    "Socket.IO 1, Event 1",
    "Socket.IO 5, Packet encoding 2",
    "Socket.IO 5, Packet encoding 4",
)
@WRITERS
@WRITTEN
def test_a_packet_is_written_as_the_protocol_spells_it(
    protocol: Protocol, vector: Valid, dumps: Dumps
) -> None:
    """Revision 1, section "Encoding"; revision 5, section "Packet encoding"."""
    assert protocol.encode(vector.packet, dumps) == vector.text


@pytest.mark.parametrize("decode", [socketio_4.decode, socketio_5.decode])
def test_a_packet_is_read_where_it_stands_in_an_engine_io_message(
    decode: Callable[..., Packet],
) -> None:
    """Revision 5, section "Packet encoding": each packet is prefixed with ``4``."""
    for vector in not_connects(SOCKETIO_5_VALID + SOCKETIO_5_READ):
        assert decode("4" + vector.text, start=1) == vector.packet


def test_the_types_are_numbered_as_in_the_specification() -> None:
    """Socket.IO 0.9 specification, "Encoding": 0 disconnect to 8 noop."""
    assert get_args(PacketType) == socketio_1.TYPES
    assert [
        socketio_1.decode(f"{number}:::{data}")["type"]
        for number, data in enumerate(
            ["", "", "", "", "1", '{"name":"a"}', "1", "", ""]
        )
    ] == list(get_args(PacketType))


@EACH
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
        pytest.param(
            {"type": "event", "name": "a", "args": [b"bytes"]},
            TypeError,
            id="bytes that were not taken out",
        ),
        pytest.param({"type": "json", "data": b"a"}, TypeError, id="data is bytes"),
    ],
)
def test_a_packet_that_cannot_be_written_says_so(
    protocol: Protocol, packet: Packet, error: type[Exception]
) -> None:
    with pytest.raises(error):
        protocol.encode(packet)


@READERS
@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        pytest.param(protocol, text, id=f"{protocol.name}-{name}")
        for protocol, texts in [
            (
                PROTOCOLS[0],
                {
                    "colons": ":" * 999_999,
                    "id": "5:" + "1" * 999_000 + "::{}",
                    "type": "9" * 999_999,
                    "ack id": "6:::" + "1" * 999_000,
                    "list": '5:::{"name":"a","args":[' + "1," * 499_000 + "]}",
                    "surrogates": '5:::{"name":"' + "\\ud800" * 166_000,
                    "number": '5:::{"name":"a","args":[' + "9" * 999_000 + "]}",
                    "depth": '5:::{"name":"a","args":' + "[" * 999_000,
                },
            ),
            (
                PROTOCOLS[2],
                {
                    "id": "2" + "1" * 999_000 + "[]",
                    "attachments without an end": "5" + "1" * 999_000,
                    "attachments and id": "5" + "1" * 499_000 + "-" + "1" * 499_000,
                    "namespace": "2/" + "/" * 999_000,
                    "query": "2/" + "?" * 999_000 + ',["a"]',
                    "dashes": "2" + "1-" * 499_000,
                    "list": '2["a",' + "1," * 499_000 + "]",
                    "surrogates": '2["' + "\\ud800" * 166_000,
                    "number": '2["a",' + "9" * 999_000 + "]",
                    "depth": '2["a",' + "[" * 999_000,
                },
            ),
        ]
        for name, text in texts.items()
    ],
)
def test_a_packet_of_a_megabyte_takes_no_time(
    protocol: Protocol, text: str, loads: Loads
) -> None:
    """No part is read repeatedly; the time limit suits slow machines."""
    started = process_time()
    outcome(lambda: protocol.decode(text, loads))
    assert process_time() - started < 5


@EACH
@MANY
@given(st.data())
def test_any_text_is_a_packet_or_refused(
    protocol: Protocol, data: st.DataObject
) -> None:
    valid = [vector.text for vector in protocol.both + protocol.read]
    text = data.draw(protocol_text | mutated(valid, protocol_text))
    packet = outcome(lambda: protocol.decode(text, wire_json.loads))
    if isinstance(packet, dict):
        assert packet["type"] in get_args(PacketType)
        assert isinstance(packet.get("args", []), list)
        assert isinstance(packet.get("name", ""), str)
        assert 0 <= packet.get("attachments", 0) <= DEFAULT_LIMITS.max_attachments
        assert 0 <= packet.get("id", 0) < 10**16
        assert 0 <= packet.get("ackId", 0) < 10**16
    else:
        assert issubclass(packet, PacketError)


@EACH
@SOME
@given(event_names, json_args, endpoints, st.none() | packet_ids, st.data())
def test_an_event_is_read_as_it_was_written(
    protocol: Protocol,
    name: str,
    args: list[Any],
    endpoint: str,
    number: int | None,
    data: st.DataObject,
) -> None:
    packet: Packet = {"type": "event", "endpoint": endpoint, "name": name, "args": args}
    if number is not None:
        packet["id"] = number
        packet["ack"] = data.draw(st.sampled_from(protocol.acks))
    assert protocol.decode(protocol.encode(packet), wire_json.loads) == packet


@EACH
@SOME
@given(json_args, endpoints, packet_ids)
def test_an_ack_is_read_as_it_was_written(
    protocol: Protocol, args: list[Any], endpoint: str, number: int
) -> None:
    packet: Packet = {"type": "ack", "endpoint": endpoint, "ackId": number}
    packet["args"] = args
    assert protocol.decode(protocol.encode(packet), wire_json.loads) == packet


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (7, "7"),
        (-7.0, "-7"),
        (1.5, "1.5"),
        (-0.0, "0"),
        (7777777777777777777, "7777777777777778000"),
        (7777777777777777777777777, "7.777777777777778e+24"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (10**400, "Infinity"),
    ],
)
def test_a_number_as_a_name_is_what_javascript_writes(number: float, text: str) -> None:
    assert event_name(number) == text


@EACH
@pytest.mark.parametrize(
    "lone", [{"a": 1, "b": 2}, {}, "word", "", 7, 0, 1.5, True, False, None], ids=repr
)
def test_arguments_that_are_no_list_are_one_argument(
    protocol: Protocol, lone: Any
) -> None:
    event: Packet = {"type": "event", "endpoint": "/chat", "name": "said", "args": lone}
    ack: Packet = {"type": "ack", "endpoint": "/chat", "ackId": 1, "args": lone}
    for packet in (event, {**event, "id": 3, "ack": "data"}, ack):
        read = protocol.decode(protocol.encode(packet), wire_json.loads)  # type: ignore[arg-type]
        assert read["args"] == [lone]


@EACH
@pytest.mark.parametrize("args", [[], (), [1, "a"], (1, "a")], ids=repr)
def test_a_list_or_a_tuple_has_the_arguments(protocol: Protocol, args: Any) -> None:
    packet: Packet = {"type": "event", "endpoint": "", "name": "said", "args": args}
    assert protocol.decode(protocol.encode(packet), wire_json.loads)["args"] == [*args]


@EACH
def test_an_event_without_arguments_has_none(protocol: Protocol) -> None:
    packet: Packet = {"type": "event", "endpoint": "", "name": "said"}
    assert protocol.decode(protocol.encode(packet), wire_json.loads)["args"] == []
