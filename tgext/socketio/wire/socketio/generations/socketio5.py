"""Clients 3.x and 4.x: Engine.IO 4 under Socket.IO 5."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from ...engineio import v4 as engineio
from ...limits import Limits
from .. import v5 as socketio
from ..packet import Packet
from .engineio import EngineIO


class SocketIO5(EngineIO):
    """Clients 3.x and 4.x."""

    name = "3.x/4.x"
    ping = engineio.PING
    implicit_main = False
    # Since 4.6; earlier ones ignore what it is based on.
    recovers = True
    _alive = (engineio.PONG, engineio.NOOP)
    _decode = staticmethod(socketio.decode)
    _encode = staticmethod(socketio.encode)

    def _connected(self, packet: Packet) -> Packet:
        # The answer to a connect names the client's id in that namespace, which is
        # public; the session's id is not.
        data = {"sid": packet.get("sid") or secrets.token_urlsafe(15)}
        if "pid" in packet:
            data["pid"] = packet["pid"]
        return {"type": "connect", "endpoint": packet["endpoint"], "data": data}

    def bytes_in(self, text: str) -> bytes | None:
        return engineio.decode_base64(text[1:]) if self.is_base64(text) else None

    def binary(self, frame: bytes) -> bytes:
        return frame

    def encode_payload(
        self, messages: Sequence[str | bytes], twice: bool = False
    ) -> bytes:
        return engineio.encode_payload(messages)

    def decode_payload(
        self, body: bytes, limits: Limits, binary: bool = False
    ) -> Iterator[str | bytes]:
        return engineio.iter_payload(body, limits)
