"""gevent-socketio's ``socketio.handler``."""

from .server.handler import SocketIOHandler

__all__ = ["SocketIOHandler"]
