"""Listeners without a connection, which record the messages that they receive."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.messaging.channels import Listener
from tgext.socketio.wire.socketio import v1
from tgext.socketio.wire.socketio.encoded import Encoded
from tgext.socketio.wire.socketio.generations import SOCKETIO_1


class Mock:
    """A socket that records the events that are sent to it."""

    generation = SOCKETIO_1
    json_dumps = staticmethod(json.dumps)
    outbox = None
    hub = SimpleNamespace(batcher=Batcher())

    def __init__(self) -> None:
        self.packets: list[Any] = []

    def encode(self, packet: Any) -> Encoded:
        return SOCKETIO_1.encode(packet, self.json_dumps)

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None:
        packet = v1.decode(encoded.text)
        assert packet["endpoint"] == endpoint
        self.packets.append((endpoint, packet["name"], packet["args"]))


def listener(endpoint: str = "/chat", named: bool = False) -> Listener:
    mock: Any = Mock()
    return Listener(mock, endpoint, named)


def packets(each: Listener) -> Any:
    mock: Any = each.socket
    return mock.packets
