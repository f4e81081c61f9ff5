"""The generations of Socket.IO clients, and what a server does differently for each.

Everything else of the server works on packets, and asks a :class:`Generation` for what
differs: texts, timeouts, payloads, error bodies, transports. Nothing else compares
generations.
"""

from __future__ import annotations

from typing import Final

from .base import ALIVE, CLOSE, Generation, Opening
from .socketio1 import SocketIO1
from .socketio4 import SocketIO4
from .socketio5 import SocketIO5

__all__ = [
    "ALIVE",
    "CLOSE",
    "GENERATIONS",
    "SOCKETIO_1",
    "SOCKETIO_4",
    "SOCKETIO_5",
    "Generation",
    "Opening",
]

#: Clients 0.9.
SOCKETIO_1: Final = SocketIO1()
#: Clients 1.x and 2.x.
SOCKETIO_4: Final = SocketIO4()
#: Clients 3.x and 4.x.
SOCKETIO_5: Final = SocketIO5()

GENERATIONS: Final = (SOCKETIO_1, SOCKETIO_4, SOCKETIO_5)
