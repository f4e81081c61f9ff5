"""A message for many WebSockets, which share its frames where possible."""

from __future__ import annotations

from .deflate import Deflater
from .frames import COMPRESSED, encode_frame


class Broadcast:
    """A message for many connections, which share its frames where possible.

    :param opcode: of the message.
    :param payload: its bytes.
    """

    __slots__ = ("_frames", "_opcode", "_payload")

    def __init__(self, opcode: int, payload: bytes) -> None:
        self._opcode = opcode
        self._payload = payload
        self._frames: dict[tuple[int, int] | None, bytes] = {}

    def frame(self, deflater: Deflater | None) -> bytes:
        """The frame for a connection.

        :param deflater: the connection's. One that keeps its context makes a frame that
            no other connection can decompress (RFC 7692, section 7.1.1).
        """
        if deflater is not None and deflater.keep_context:
            return self._encode(deflater)
        key = None if deflater is None else (deflater.window_bits, deflater.level)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = self._encode(deflater)
        return frame

    def _encode(self, deflater: Deflater | None) -> bytes:
        if deflater is None:
            return encode_frame(self._opcode, self._payload)
        payload = deflater.deflate(self._payload)
        return encode_frame(self._opcode | COMPRESSED, payload)
