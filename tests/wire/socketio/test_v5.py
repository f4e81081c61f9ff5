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
from tgext.socketio.wire.socketio.packet import Packet, ReservedName

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


@pytest.mark.parametrize("name", sorted(socketio_5.CLIENTS_OWN))
@pytest.mark.parametrize("more", [{}, {"id": 1}, {"attachments": 1}])
@pytest.mark.parametrize("codec", [socketio_3_4, socketio_5])
def test_a_client_is_not_told_its_own_events(codec: Any, more: Any, name: str) -> None:
    """socket.io-parser 4.2.3 and later takes such a packet for an invalid one."""
    packet = {"type": "event", "name": name, "endpoint": "/chat", **more}
    with pytest.raises(ReservedName, match=f"'{name}'"):
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
