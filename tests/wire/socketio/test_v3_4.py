"""Socket.IO 3 and 4: https://github.com/socketio/socket.io-protocol, revision 5.

Its section "Difference between v5 and v4" is about the packets around a connect; all
others are those of 5. The literal packets are what socket.io-parser 2.3.1 (1.x) and
3.3.6 (2.x) read and write.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.errors import PacketError
from tgext.socketio.wire.json import Dumps
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

JSON_READERS = pytest.mark.parametrize(
    "loads", [wire_json.loads, wire_json.py_loads], ids=["fast", "python"]
)
JSON_WRITERS = pytest.mark.parametrize(
    "dumps", [wire_json.dumps, wire_json.py_dumps], ids=["fast", "python"]
)


TEXTS = [
    vector.text for vector in SOCKETIO_4_VALID + SOCKETIO_4_READ + SOCKETIO_5_VALID
]


@JSON_WRITERS
@pytest.mark.parametrize(
    ("packet", "text"),
    [
        pytest.param({"type": "connect", "endpoint": ""}, "0", id="accepted"),
        pytest.param(
            {"type": "connect", "endpoint": "", "data": {"sid": "a"}},
            "0",
            id="accepted, without an id",
        ),
        pytest.param(
            {"type": "connect", "endpoint": "/admin", "data": {"sid": "a"}},
            "0/admin,",
            id="accepted in /admin, without an id",
        ),
        pytest.param(
            {"type": "connect", "endpoint": "/admin", "qs": "token=abc"},
            "0/admin,",
            id="accepted, without the query",
        ),
        pytest.param(
            {"type": "error", "endpoint": "", "reason": "Not authorized"},
            '4"Not authorized"',
            id="refused",
        ),
        pytest.param(
            {"type": "error", "endpoint": "/admin", "reason": "Invalid namespace"},
            '4/admin,"Invalid namespace"',
            id="refused in /admin",
        ),
        pytest.param(
            {
                "type": "error",
                "endpoint": "/admin",
                "reason": "no",
                "data": {"code": 7},
            },
            '4/admin,{"code":7}',
            id="details come instead of the reason",
        ),
        pytest.param(
            {"type": "error", "endpoint": "", "reason": "no", "data": {"code": 7}},
            '4{"code":7}',
            id="details without a namespace",
        ),
        pytest.param(
            {"type": "error", "endpoint": "", "reason": "no", "data": None},
            '4"no"',
            id="no details",
        ),
        pytest.param(
            {"type": "error", "endpoint": "", "reason": "no", "data": []},
            "4[]",
            id="empty details are details",
        ),
        pytest.param({"type": "error"}, '4""', id="refused in silence"),
        pytest.param(
            {"type": "error", "endpoint": "", "reason": 'a "b"\n'},
            '4"a \\"b\\"\\n"',
            id="the reason is JSON",
        ),
        pytest.param(
            {"type": "message", "endpoint": "/chat", "data": "hi"},
            '2/chat,["message","hi"]',
            id="a message is an event",
        ),
        pytest.param(
            {
                "type": "event",
                "endpoint": "/admin",
                "name": "baz",
                "id": 3,
                "attachments": 2,
                "args": [
                    {"_placeholder": True, "num": 0},
                    {"a": {"_placeholder": True, "num": 1}},
                ],
            },
            '52-/admin,3["baz",{"_placeholder":true,"num":0},'
            '{"a":{"_placeholder":true,"num":1}}]',
            id="bytes",
        ),
        pytest.param(
            {
                "type": "ack",
                "endpoint": "",
                "ackId": 15,
                "attachments": 1,
                "args": ["bar", {"_placeholder": True, "num": 0}],
            },
            '61-15["bar",{"_placeholder":true,"num":0}]',
            id="bytes of an ack",
        ),
    ],
)
def test_what_a_server_writes(packet: Packet, text: str, dumps: Dumps) -> None:
    """Section "Difference between v5 and v4"."""
    assert socketio_4.encode(packet, dumps) == text


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
