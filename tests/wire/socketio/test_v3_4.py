"""Socket.IO 3 and 4: https://github.com/socketio/socket.io-protocol, revision 5.

Its section "Difference between v5 and v4" is about the packets around a connect; all
others are those of 5. The packets themselves are tested in ``test_packet.py``.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.errors import PacketError
from tgext.socketio.wire.limits import Limits
from tgext.socketio.wire.socketio import v3_4 as socketio_4
from tgext.socketio.wire.socketio import v5 as socketio_5
from tgext.socketio.wire.socketio.packet import Packet

from ...vectors.socketio_5 import (
    SOCKETIO_4_READ,
    SOCKETIO_4_VALID,
    SOCKETIO_5_VALID,
)
from ..strategies import (
    MANY,
    SOME,
    endpoints,
    json_values,
    mutated,
    outcome,
    protocol_text,
)

TEXTS = [
    vector.text for vector in SOCKETIO_4_VALID + SOCKETIO_4_READ + SOCKETIO_5_VALID
]


def test_writing_changes_nothing() -> None:
    packet: Packet = {"type": "connect", "endpoint": "/a", "data": {"sid": "a"}}
    socketio_4.encode(packet)
    assert packet == {"type": "connect", "endpoint": "/a", "data": {"sid": "a"}}


def test_the_limit_of_attachments_is_that_of_the_server() -> None:
    limits = Limits(max_attachments=2)
    assert socketio_4.decode('52-["a"]', limits)["attachments"] == 2
    assert outcome(lambda: socketio_4.decode('53-["a"]', limits)) is PacketError


@MANY
@given(protocol_text | mutated(TEXTS, protocol_text))
def test_any_text_is_a_packet_or_refused(text: str) -> None:
    packet = outcome(lambda: socketio_4.decode(text))
    five = outcome(lambda: socketio_5.decode(text))
    if isinstance(packet, dict):
        assert packet["type"] != "connect" or "data" not in packet
        if packet["type"] == "connect":
            assert isinstance(five, dict)
            del five["data"]
        assert five == packet
    else:
        assert issubclass(packet, PacketError)
        assert packet is five or isinstance(five, dict)


@SOME
@given(endpoints)
def test_a_connect_is_read_as_it_was_written(endpoint: str) -> None:
    packet: Packet = {"type": "connect", "endpoint": endpoint}
    assert socketio_4.decode(socketio_4.encode(packet)) == packet


@SOME
@given(endpoints, st.text(), st.dictionaries(st.text(), json_values, max_size=3))
def test_a_refusal_carries_what_an_event_would(
    endpoint: str, reason: str, data: dict[str, Any]
) -> None:
    packet: Packet = {"type": "error", "endpoint": endpoint, "reason": reason}
    head = f"4{endpoint}," if endpoint else "4"
    for sent in (reason, data):
        text = socketio_4.encode(packet)
        assert text.startswith(head)
        assert wire_json.loads(text[len(head) :]) == sent
        packet["data"] = data
