"""gevent-socketio's ``socketio.namespace``."""

from .namespaces.base import BaseNamespace
from .namespaces.events import allowed_event_name_regex, event

__all__ = ["BaseNamespace", "allowed_event_name_regex", "event"]
