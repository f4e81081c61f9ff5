"""Sockets without a connection, for what administrators see of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.engine.io.traffic import NOTHING
from tgext.socketio.wire.socketio.encoded import Encoded
from tgext.socketio.wire.socketio.generations import SOCKETIO_5
from tgext.socketio.wire.socketio.packet import Packet


class FakeNamespace:
    def __init__(self, reason: str | None = None, entered: float = 0.0) -> None:
        self._tgsio_reason = reason
        self._tgsio_entered = entered

    def process_packet(self, packet: Packet) -> str:
        return "handled"


class FakeSocket:
    """A client in ``/chat``."""

    ended = False
    disconnect_reason: str | None = None

    def __init__(self, name: str = "ann", user: Any = None, **environ: Any) -> None:
        self.name = self.log_name = name
        self._tgsio_user = user
        self.environ = environ
        self.transport: Any = SimpleNamespace(name="polling", traffic=NOTHING)
        self.generation = SOCKETIO_5
        self.active_ns: dict[str, Any] = {"/chat": FakeNamespace()}
        self.json_dumps = self.outbox = None
        self.heard = 0

    def _tgsio_id_in(self, endpoint: str) -> str:
        return self.name

    def send_packet(self, pkt: Packet) -> None:
        self.heard += 1

    def encode(self, packet: Packet) -> Encoded:
        return Encoded("")

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None:
        self.heard += 1


def rooms_with(*sockets: Any) -> Rooms:
    """Rooms with sockets in ``/chat``."""
    rooms = Rooms(Batcher())
    for each in sockets:
        rooms.join("/chat", None, each)
    return rooms
