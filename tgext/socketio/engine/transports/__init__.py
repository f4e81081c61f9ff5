"""Transports: how the messages of a session travel.

The module has the place of gevent-socketio's ``socketio.transports``.
"""

from .base import Transport
from .polling import PollingTransport
from .websocket import WebSocketTransport

__all__ = ["PollingTransport", "Transport", "WebSocketTransport"]
