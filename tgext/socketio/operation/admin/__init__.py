"""Socket.IO Admin UI, served by a namespace.

The protocol is that of ``@socket.io/admin-ui`` 0.5.
"""

from .namespace import AdminNamespace

__all__ = ["AdminNamespace"]
