"""Frames that the tests of plain WebSockets send and expect."""

from __future__ import annotations

import struct

from tgext.socketio.wire.websocket.frames import (
    TEXT,
    encode_frame,
)

from ..clients import MASK

#: Closing resets the connection.
NO_LINGER = struct.pack("ii", 1, 0)


ABNORMAL = 1006


def text(payload: str | bytes) -> bytes:
    """A text message of a client."""
    data = payload.encode() if isinstance(payload, str) else payload
    return encode_frame(TEXT, data, MASK)
