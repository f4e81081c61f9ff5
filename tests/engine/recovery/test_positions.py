"""Events that carry positions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tgext.socketio.engine.recovery.positions import (
    Later,
    as_event,
    carries,
    with_position,
)
from tgext.socketio.wire.json import dumps
from tgext.socketio.wire.socketio.generations import SOCKETIO_5
from tgext.socketio.wire.socketio.packet import Packet

EVENT: Packet = {"type": "event", "endpoint": "/chat", "name": "said", "args": [1]}
MESSAGE: Packet = {"type": "message", "endpoint": "/chat", "data": "hello"}
JSON: Packet = {"type": "json", "endpoint": "/chat", "data": {"a": b"x"}}
NOTHING: Packet = {"type": "event", "endpoint": "", "name": "said", "args": ()}


@pytest.mark.parametrize("packet", [EVENT, MESSAGE, JSON, NOTHING])
def test_a_packet_with_its_position(packet: Packet) -> None:
    """Whether it is encoded with it, or before."""
    assert carries(packet)
    encoded = SOCKETIO_5.encode(with_position(packet, "e-1"), dumps)
    later = Later(SOCKETIO_5.encode(packet, dumps), packet, logged=True).at("e-1")
    assert json.loads(encoded.text[encoded.text.index("[") :])[-1] == "e-1"
    assert (later.text, later.attachments) == (encoded.text, encoded.attachments)
    assert later.frame == encoded.frame
    again = SOCKETIO_5.encode(as_event(packet), dumps)
    assert again.text == SOCKETIO_5.encode(packet, dumps).text


@pytest.mark.parametrize(
    "packet",
    [
        {**EVENT, "id": 1},
        {"type": "connect", "endpoint": ""},
        {"type": "ack", "endpoint": "", "ackId": 1, "args": ["a"]},
        {"type": "disconnect", "endpoint": ""},
        {"type": "error", "endpoint": "", "reason": "no"},
    ],
)
def test_packets_without_a_position(packet: Any) -> None:
    assert not carries(packet)
