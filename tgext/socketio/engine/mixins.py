"""gevent-socketio's ``socketio.mixins``."""

from .namespaces.mixins import BroadcastMixin, RoomsMixin

__all__ = ["BroadcastMixin", "RoomsMixin"]
