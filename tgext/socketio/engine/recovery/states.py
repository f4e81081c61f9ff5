"""Where the client of a session is, and after which ends it can recover."""

from __future__ import annotations

import enum
from typing import Final

from ...wire.socketio.reasons import (
    CLIENT_LEFT,
    PING_TIMEOUT,
    SLOW_CONSUMER,
    TRANSPORT_CLOSE,
    TRANSPORT_ERROR,
)

#: The ends of a connection after which its client can recover. The last is also that of
#: a client which closes its connection and leaves no namespace.
RECOVERABLE: Final = frozenset(
    (TRANSPORT_CLOSE, TRANSPORT_ERROR, PING_TIMEOUT, SLOW_CONSUMER, CLIENT_LEFT)
)


class State(enum.Enum):
    """Where the client of a session is."""

    ASKING = "asking"
    IN = "in"
    GONE = "gone"
    #: At another process, which has the session or is about to take it.
    MOVED = "moved"
    OVER = "over"
