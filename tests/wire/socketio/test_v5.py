"""Socket.IO 5: https://github.com/socketio/socket.io-protocol, revision 5."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.errors import PacketError
from tgext.socketio.wire.limits import Limits
from tgext.socketio.wire.socketio import v3_4 as socketio_3_4
from tgext.socketio.wire.socketio import v5 as socketio_5
from tgext.socketio.wire.socketio.packet import Packet

from ...vectors.shapes import Valid, name_of
from ...vectors.socketio_5 import SOCKETIO_5_READ
from ..strategies import (
    SOME,
    endpoints,
    event_names,
    json_args,
    json_values,
    mutated,
    outcome,
    packet_ids,
)

JSON_READERS = pytest.mark.parametrize(
    "loads", [wire_json.loads, wire_json.py_loads], ids=["fast", "python"]
)


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        pytest.param(
            {
                "type": "connect",
                "endpoint": "",
                "data": {"sid": "wZX3oN0bSVIhsaknAAAI"},
            },
            '0{"sid":"wZX3oN0bSVIhsaknAAAI"}',
            id="connection accepted",
        ),
        pytest.param(
            {
                "type": "connect",
                "endpoint": "/admin",
                "data": {"sid": "oSO0OpakMV_3jnilAAAA"},
            },
            '0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}',
            id="connection to /admin accepted",
        ),
        pytest.param(
            {"type": "error", "endpoint": "", "reason": "Not authorized"},
            '4{"message":"Not authorized"}',
            id="connection refused",
        ),
        pytest.param(
            {"type": "error", "endpoint": "/random", "reason": "Invalid namespace"},
            '4/random,{"message":"Invalid namespace"}',
            id="unknown namespace",
        ),
        pytest.param(
            {"type": "error", "endpoint": "/a", "reason": "no", "data": {"code": 7}},
            '4/a,{"message":"no","data":{"code":7}}',
            id="refused with details",
        ),
        pytest.param({"type": "error"}, '4{"message":""}', id="refused in silence"),
        pytest.param(
            {"type": "event", "endpoint": "", "name": "a", "args": (1, "b")},
            '2["a",1,"b"]',
            id="arguments are a tuple",
        ),
        pytest.param({"type": "event", "name": "a"}, '2["a"]', id="no endpoint"),
        pytest.param(
            {"type": "message", "endpoint": "/chat", "data": "hi"},
            '2/chat,["message","hi"]',
            id="a message is an event called message",
        ),
        pytest.param(
            {"type": "json", "endpoint": "", "data": {"a": 1}, "id": 3, "ack": "data"},
            '23["message",{"a":1}]',
            id="so is a json message",
        ),
        pytest.param({"type": "ack", "ackId": 12}, "312[]", id="ack without arguments"),
        pytest.param(
            {"type": "ack", "endpoint": "/chat", "ackId": 0, "args": (1, None)},
            "3/chat,0[1,null]",
            id="answer is a tuple",
        ),
        pytest.param(
            {
                "type": "event",
                "endpoint": "",
                "name": "baz",
                "attachments": 1,
                "args": [{"_placeholder": True, "num": 0}],
            },
            '51-["baz",{"_placeholder":true,"num":0}]',
            id="an attachment",
        ),
        pytest.param(
            {
                "type": "event",
                "endpoint": "/admin",
                "name": "baz",
                "attachments": 2,
                "args": [
                    {"_placeholder": True, "num": 0},
                    {"_placeholder": True, "num": 1},
                ],
            },
            '52-/admin,["baz",{"_placeholder":true,"num":0},'
            '{"_placeholder":true,"num":1}]',
            id="attachments in a namespace",
        ),
        pytest.param(
            {
                "type": "event",
                "name": "foo",
                "id": 14,
                "attachments": 1,
                "args": [{"_placeholder": True, "num": 0}],
            },
            '51-14["foo",{"_placeholder":true,"num":0}]',
            id="an attachment and an id",
        ),
        pytest.param(
            {
                "type": "ack",
                "ackId": 15,
                "attachments": 1,
                "args": ["bar", {"_placeholder": True, "num": 0}],
            },
            '61-15["bar",{"_placeholder":true,"num":0}]',
            id="an attachment of an ack",
        ),
        pytest.param(
            {
                "type": "ack",
                "endpoint": "/admin",
                "ackId": 1,
                "attachments": 1,
                "args": [{"_placeholder": True, "num": 0}],
            },
            '61-/admin,1[{"_placeholder":true,"num":0}]',
            id="an attachment of an ack in a namespace",
        ),
        pytest.param(
            {
                "type": "message",
                "endpoint": "",
                "attachments": 1,
                "data": {"_placeholder": True, "num": 0},
            },
            '51-["message",{"_placeholder":true,"num":0}]',
            id="a message of bytes",
        ),
        pytest.param(
            {"type": "event", "name": "a", "attachments": 0},
            '50-["a"]',
            id="no attachments",
        ),
        pytest.param(
            {"type": "event", "name": "a", "attachments": 12},
            '512-["a"]',
            id="a count of two digits",
        ),
        pytest.param(
            {"type": "event", "name": "a", "args": [float("nan")]},
            '2["a",null]',
            id="NaN is null",
        ),
    ],
)
def test_what_a_server_writes(packet: Packet, text: str) -> None:
    """Sections "Connection to a namespace" and "Packet encoding"."""
    assert socketio_5.encode(packet) == text


@pytest.mark.parametrize("name", sorted(socketio_5.CLIENTS_OWN))
@pytest.mark.parametrize("more", [{}, {"id": 1}, {"attachments": 1}])
@pytest.mark.parametrize("codec", [socketio_3_4, socketio_5])
def test_a_client_is_not_told_its_own_events(codec: Any, more: Any, name: str) -> None:
    """socket.io-parser 4.2.3 and later takes such a packet for an invalid one."""
    packet = {"type": "event", "name": name, "endpoint": "/chat", **more}
    with pytest.raises(socketio_5.ReservedName, match=f"'{name}'"):
        codec.encode(packet)
    codec.encode({**packet, "name": name.upper()})


@pytest.mark.parametrize("form", ['5{}-["a"]', "6{}-1[]"], ids=["event", "ack"])
@pytest.mark.parametrize(
    ("count", "allowed"), [(0, True), (1, True), (2, True), (3, False), (64, False)]
)
def test_the_limit_of_attachments_is_that_of_the_server(
    form: str, count: int, allowed: bool
) -> None:
    limits = Limits(max_attachments=2)
    packet = outcome(lambda: socketio_5.decode(form.format(count), limits))
    if allowed:
        assert isinstance(packet, dict)
        assert packet["attachments"] == count
    else:
        assert packet is PacketError


def test_ten_attachments_are_allowed_by_default() -> None:
    """As in socket.io-parser since 4.2.6."""
    assert socketio_5.decode('510-["a"]')["attachments"] == 10
    with pytest.raises(PacketError):
        socketio_5.decode('511-["a"]')


BINARY = [
    vector
    for vector in SOCKETIO_5_READ
    if "attachments" in vector.packet and "/," not in vector.text
]


@pytest.mark.parametrize("vector", BINARY, ids=name_of)
def test_a_packet_with_attachments_is_written_as_it_was_read(vector: Valid) -> None:
    """Section "Packet encoding"."""
    assert socketio_5.encode(vector.packet) == vector.text


@SOME
@given(event_names, json_args, endpoints, st.none() | packet_ids, st.integers(0, 10))
def test_a_packet_with_attachments_is_read_as_it_was_written(
    name: str, args: list[Any], endpoint: str, number: int | None, attachments: int
) -> None:
    packet: Packet = {"type": "event", "endpoint": endpoint, "name": name, "args": args}
    packet["attachments"] = attachments
    if number is not None:
        packet["id"] = number
        packet["ack"] = "data"
    assert socketio_5.decode(socketio_5.encode(packet)) == packet
    if number is not None:
        ack: Packet = {"type": "ack", "endpoint": endpoint, "ackId": number}
        ack["args"] = args
        ack["attachments"] = attachments
        assert socketio_5.decode(socketio_5.encode(ack)) == ack


EVENTS = [vector.text for vector in SOCKETIO_5_READ if vector.text.startswith("2")]


@given(st.sampled_from(EVENTS) | mutated(EVENTS, st.text(max_size=2)))
def test_a_plain_event_is_read_as_any_packet_is(text: str) -> None:
    """If the fast function reads a packet, the general one gives the same result."""
    if not text.startswith("2"):
        return
    found = outcome(lambda: socketio_5.plain_event(text, wire_json.loads, 1))
    if found is not None:
        assert found == outcome(lambda: socketio_5.decode(text))


@SOME
@given(st.none() | st.dictionaries(st.text(), json_values, max_size=4), endpoints)
def test_a_connect_is_read_as_it_was_written(
    auth: dict[str, Any] | None, endpoint: str
) -> None:
    packet: Packet = {"type": "connect", "endpoint": endpoint, "data": auth}
    assert socketio_5.decode(socketio_5.encode(packet)) == packet
