"""Real time for TurboGears 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .controller import SocketIOController
    from .engine.namespaces.events import event
    from .engine.namespaces.ratelimits import rate_limit
    from .namespace import SocketIOTGNamespace
    from .pluggable import plugme
    from .presence import PresenceMixin

__all__ = [
    "PresenceMixin",
    "SocketIOController",
    "SocketIOTGNamespace",
    "__version__",
    "event",
    "plugme",
    "rate_limit",
]


def __getattr__(name: str) -> Any:
    # gearbox imports `tgext.socketio.server` before it loads the application, and that
    # module patches the standard library. If TurboGears were imported here, before the
    # patch, its request would be in a native thread-local, shared by all greenlets.
    if name == "SocketIOController":
        from .controller import SocketIOController

        return SocketIOController
    if name == "SocketIOTGNamespace":
        from .namespace import SocketIOTGNamespace

        return SocketIOTGNamespace
    if name == "PresenceMixin":
        from .presence import PresenceMixin

        return PresenceMixin
    if name == "plugme":
        from .pluggable import plugme

        return plugme
    if name == "event":
        from .engine.namespaces.events import event

        return event
    if name == "rate_limit":
        from .engine.namespaces.ratelimits import rate_limit

        return rate_limit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
