"""gevent-socketio's ``socketio.virtsocket``."""

from .session.errors import default_error_handler
from .session.session import Socket

__all__ = ["Socket", "default_error_handler"]
