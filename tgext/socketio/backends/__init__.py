"""What carries the channels: anypubsub's backends, and our own for Redis and AMQP.

Modules that need anypubsub are imported on first use, because the rules for channel
names and the errors are also used without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import BackendError, BackendOptionError, BrokerUnavailable

if TYPE_CHECKING:
    from .choice import backend_of, create_backend, is_local, shared_backend

__all__ = [
    "BackendError",
    "BackendOptionError",
    "BrokerUnavailable",
    "backend_of",
    "create_backend",
    "is_local",
    "shared_backend",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import choice

        return getattr(choice, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
