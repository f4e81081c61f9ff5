"""The log of an application: the latest messages of its topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from ..backends.feeds import publish
from ..backends.logs.entries import Entry, Keep, Log, Position, Replay

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

__all__ = [
    "CARRIED",
    "Entry",
    "Keep",
    "Log",
    "Position",
    "Replay",
    "has_shared_log",
    "log_of",
    "log_of_backend",
]


#: How much of a topic is kept for a process that has lost its broker, and for clients
#: that recover.
CARRIED: Final = Keep(10_000, 300.0)


class HasBackend(Protocol):
    """The channels of a process."""

    backend: PubSub


@runtime_checkable
class Logged(Protocol):
    """A backend that has a log."""

    @property
    def log(self) -> Log:
        """The log of its topics."""


def has_shared_log(backend: PubSub) -> bool:
    """Whether a backend has a log that all processes of the application share."""
    return isinstance(backend, Logged)


#: The logs of anypubsub's memory backends, which have none of their own.
_in_memory: WeakKeyDictionary[PubSub, Log] = WeakKeyDictionary()


def log_of(channels: HasBackend) -> Log | None:
    """The log that a process' channels have; None when their backend keeps none."""
    return log_of_backend(channels.backend)


def log_of_backend(backend: PubSub) -> Log | None:
    """The log of a backend; None when it keeps none."""
    if isinstance(backend, Logged):
        return backend.log
    from anypubsub.backends.memory import MemoryPubSub

    if not isinstance(backend, MemoryPubSub):
        return None
    log = _in_memory.get(backend)
    if log is None:
        log = _in_memory[backend] = _make_memory_log(backend)
    return log


def _make_memory_log(backend: PubSub) -> Log:
    from weakref import ref

    from ..backends.logs.memory import MemoryLog

    # The log must not keep its backend, whose end is that of the log.
    referred = ref(backend)

    def tell(topic: str, text: str) -> None:
        backend = referred()
        if backend is not None and topic in backend.subscribers:
            publish(backend, topic, text)

    return MemoryLog(tell)
