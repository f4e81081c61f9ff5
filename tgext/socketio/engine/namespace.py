"""gevent-socketio's ``socketio.namespace``."""

from .namespaces.base import BaseNamespace
from .namespaces.handlers import allowed_event_name_regex

__all__ = ["BaseNamespace", "allowed_event_name_regex"]
