"""A bus in memory: it carries channels, and joins applications to a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gevent
from anypubsub.backends.memory import MemoryPubSub
from anypubsub.interfaces import PubSub, Subscriber
from gevent.queue import Queue

from ..backends.choice import is_local
from ..backends.logs.memory import MemoryLog
from ..messaging.cluster import clustered


class MemoryBus(PubSub):
    """A backend that several applications of one process share.

    Each message arrives in the next turn of the event loop, in order.
    """

    def __init__(self) -> None:
        self._heard: dict[str, list[Callable[[Any], object]]] = {}
        #: Of histories, and of sessions to be recovered.
        self.log = MemoryLog(self.publish)

    def publish(self, channel: str, message: Any) -> int:
        """Publish a message.

        :returns: how many listen.
        """
        listeners = list(self._heard.get(channel, ()))
        loop = gevent.get_hub().loop
        for heard in listeners:
            loop.run_callback(heard, message)
        return len(listeners)

    def listen(self, channel: str, heard: Callable[[Any], object]) -> None:
        """Call a function with each message of a channel."""
        self._heard.setdefault(channel, []).append(heard)

    def unlisten(self, channel: str, heard: Callable[[Any], object]) -> None:
        """No longer call it."""
        self._heard[channel].remove(heard)
        if not self._heard[channel]:
            del self._heard[channel]

    def subscribe(self, *channels: str) -> Subscriber:
        """anypubsub's way to listen: the messages are iterated over."""
        return _Subscriber(self, channels)


class _Subscriber(Subscriber):
    def __init__(self, bus: MemoryBus, channels: tuple[str, ...]) -> None:
        self._messages: Queue[Any] = Queue()
        for each in channels:
            bus.listen(each, self._messages.put_nowait)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._messages.get()

    next = __next__


#: That of all applications of this process with ``socketio.cluster``.
_bus = MemoryBus()


def join(configs: Sequence[Mapping[str, Any]]) -> None:
    """Give a bus to the applications with the backend ``memory``.

    Those with ``socketio.cluster`` share one. Others would have that of anypubsub,
    which blocks a process that is not patched.

    :param configs: their configurations.
    """
    joined = list(clustered(configs))
    for each in configs:
        app_globals = each.get("tg.app_globals")
        if app_globals is None or not is_local(each):
            continue
        if any(each is other for other in joined):
            app_globals.anypubsub = _bus
        elif _is_theirs(getattr(app_globals, "anypubsub", None)):
            app_globals.anypubsub = MemoryBus()


def _is_theirs(backend: PubSub | None) -> bool:
    """Whether a backend is that of anypubsub, or will be."""
    return backend is None or isinstance(backend, MemoryPubSub)
