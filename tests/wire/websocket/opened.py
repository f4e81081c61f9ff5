"""Makes connections that are in a given state."""

from __future__ import annotations

from tgext.socketio.wire.websocket.close import encode_close
from tgext.socketio.wire.websocket.connection import (
    Connection,
)
from tgext.socketio.wire.websocket.frames import FrameReader

#: The time of the tests that do not let it pass.
NOW = 100.0


def made() -> Connection:
    """A connection whose opening handshake is not finished; it takes bare frames."""
    return Connection(FrameReader(1000, masked=False))


def opened() -> Connection:
    connection = made()
    connection.establish()
    return connection


OURS = encode_close(4001, "enough")
