"""Clients 1.x and 2.x: Engine.IO 3 under Socket.IO 3 and 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...engineio import v3 as engineio_3
from ...engineio import v4 as engineio
from ...errors import PayloadError
from ...limits import Limits
from .. import v3_4 as socketio
from .engineio import EngineIO


class SocketIO4(EngineIO):
    """Clients 1.x and 2.x."""

    name = "1.x/2.x"
    prefix = bytes((int(engineio.MESSAGE),))
    implicit_main = True
    #: Those of ``lib/socket.js`` of socket.io-client 2 that later clients do send.
    keeps = frozenset(
        (
            "connect_timeout",
            "connecting",
            "error",
            "ping",
            "pong",
            "reconnect",
            "reconnect_attempt",
            "reconnect_error",
            "reconnect_failed",
            "reconnecting",
        )
    )
    _alive = (engineio.PING, engineio.PONG, engineio.NOOP)
    _decode = staticmethod(socketio.decode)
    _encode = staticmethod(socketio.encode)

    def bytes_in(self, text: str) -> bytes | None:
        return engineio_3.decode_binary(text) if self.is_base64(text) else None

    def binary(self, frame: bytes) -> bytes:
        if not frame.startswith(self.prefix):
            raise PayloadError("a binary packet is not a message")
        return frame[1:]

    def pong(self, text: str) -> str | None:
        # These clients ping, and the server's pong has the data of the ping.
        if text.startswith(engineio.PING):
            return engineio.PONG + text[1:]
        return None

    def encode_payload(
        self, messages: Sequence[str | bytes], twice: bool = False
    ) -> bytes:
        return engineio_3.encode_payload(messages, twice)

    def encode_binary_payload(self, messages: Sequence[str | bytes]) -> bytes | None:
        if engineio_3.needs_bytes(messages):
            return engineio_3.encode_binary_payload(messages)
        return None

    def decode_payload(
        self, body: bytes, limits: Limits, binary: bool = False
    ) -> Iterator[str | bytes]:
        if binary:
            return engineio_3.iter_binary_payload(body, limits)
        return engineio_3.iter_payload(body, limits)

    def is_encoded_twice(self, body: bytes) -> bool:
        return engineio_3.is_encoded_twice(body)
