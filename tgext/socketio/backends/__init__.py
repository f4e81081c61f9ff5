"""What carries the channels: anypubsub's backends, and our own for Redis and AMQP.

What needs anypubsub is imported when it is asked for: the names of channels and the
errors are needed without it too.
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
