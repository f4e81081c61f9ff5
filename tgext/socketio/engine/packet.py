"""gevent-socketio's ``packet``: Socket.IO 0.9 packets as dicts."""

from __future__ import annotations

from ..wire.socketio_1 import ADVICES, REASONS, TYPES, decode, encode

__all__ = [
    "ADVICES_VALUES",
    "ERROR_ADVICES",
    "ERROR_REASONS",
    "MSG_TYPES",
    "MSG_VALUES",
    "REASONS_VALUES",
    "decode",
    "encode",
]

MSG_TYPES = {name: number for number, name in enumerate(TYPES)}
MSG_VALUES = dict(enumerate(TYPES))
ERROR_REASONS = {name: number for number, name in enumerate(REASONS)}
REASONS_VALUES = dict(enumerate(REASONS))
ERROR_ADVICES = {name: number for number, name in enumerate(ADVICES)}
ADVICES_VALUES = dict(enumerate(ADVICES))
