"""The server; ``socketio.server`` of gevent-socketio."""

from .server import SocketIOServer

__all__ = ["SocketIOServer"]
