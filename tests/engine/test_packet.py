"""gevent-socketio's module ``packet``."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine import packet as module
from tgext.socketio.engine.packet import decode, encode


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        ({"type": "disconnect", "endpoint": "/chat"}, "0::/chat"),
        ({"type": "connect", "endpoint": "/chat", "qs": "?a=1"}, "1::/chat:?a=1"),
        ({"type": "heartbeat", "endpoint": ""}, "2::"),
        ({"type": "message", "endpoint": "", "data": "hi: you"}, "3:::hi: you"),
        (
            {"type": "json", "endpoint": "", "data": {"a": 1}, "id": 4, "ack": True},
            '4:4::{"a":1}',
        ),
        (
            {
                "type": "event",
                "endpoint": "/chat",
                "name": "say",
                "args": ["hi"],
                "id": 1,
                "ack": "data",
            },
            '5:1+:/chat:{"name":"say","args":["hi"]}',
        ),
        (
            {"type": "ack", "endpoint": "", "ackId": 12, "args": ["a", 2]},
            '6:::12+["a",2]',
        ),
        (
            {
                "type": "error",
                "endpoint": "/chat",
                "reason": "unauthorized",
                "advice": "reconnect",
            },
            "7::/chat:2+0",
        ),
        ({"type": "noop", "endpoint": ""}, "8::"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_packets_are_dicts_that_are_written_and_read(packet: Any, text: str) -> None:
    assert encode(packet) == text
    assert decode(text) == packet


def test_the_tables_number_what_the_specification_numbers() -> None:
    kinds = ["disconnect", "connect", "heartbeat", "message", "json", "event"]
    kinds += ["ack", "error", "noop"]
    assert [module.MSG_TYPES[kind] for kind in kinds] == list(range(9))
    assert [module.MSG_VALUES[number] for number in range(9)] == kinds
    reasons = ["transport not supported", "client not handshaken", "unauthorized"]
    assert [module.ERROR_REASONS[reason] for reason in reasons] == [0, 1, 2]
    assert [module.REASONS_VALUES[number] for number in range(3)] == reasons
    assert module.ERROR_ADVICES == {"reconnect": 0}
    assert module.ADVICES_VALUES == {0: "reconnect"}
