"""gevent-socketio's ``socketio.namespace``."""

from .namespaces.base import BaseNamespace

__all__ = ["BaseNamespace"]
