"""gevent-socketio's ``socketio.virtsocket``."""

from .session.session import Socket, default_error_handler

__all__ = ["Socket", "default_error_handler"]
