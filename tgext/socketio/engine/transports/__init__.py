"""Transports: how the messages of a session travel.

It replaces gevent-socketio's ``socketio.transports``.
"""

from .base import Transport
from .polling import PollingTransport
from .websocket import WebSocketTransport

__all__ = ["PollingTransport", "Transport", "WebSocketTransport"]
