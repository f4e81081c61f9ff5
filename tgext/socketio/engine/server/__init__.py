"""The server; ``socketio.server`` of gevent-socketio."""

from .server import SocketIOServer
from .serving import serve, serve_paste

__all__ = ["SocketIOServer", "serve", "serve_paste"]
