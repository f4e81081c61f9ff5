"""Listening to topics: from the first member in this process until the last leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import gevent
from gevent.event import Event

from ..backends.backoff import Backoff
from ..backends.channelnames import OwnName
from ..backends.feeds import Heard
from ..engine.concurrency.failures import ERRORS
from ..engine.hub.roomkeys import Room
from ..engine.logs import get_logger
from ..wire.escape import escape
from .channels import Channels
from .throttle import ThrottledWarnings

log = get_logger(__name__)

#: Seconds for which a join waits until this process hears the room.
PATIENCE: Final = 3.0

Key = tuple[str, "Room | None"]


class Carrier(Protocol):
    """How the messages of topics travel between the processes."""

    def publish(self, topic: OwnName, message: str) -> None:
        """Send a message to all processes that listen to a topic.

        :raises BackendError: when the broker does not accept it within seconds.
        """

    def listen(self, topic: OwnName, heard: Heard) -> int:
        """Call ``heard`` with each message; active when it returns. May block.

        :returns: the number of the latest message in the log before; 0 without one.
        """

    def unlisten(self, topic: OwnName, heard: Heard) -> None:
        """No longer call ``heard``; does not block."""


class Plain:
    """Publishes messages on the channels of a backend, which keeps none of them."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    def publish(self, topic: OwnName, message: str) -> None:
        """See :class:`Carrier`."""
        self._channels.backend.publish(topic, message)

    def listen(self, topic: OwnName, heard: Heard) -> int:
        """See :class:`Carrier`."""
        self._channels.feed.listen(topic, heard)
        return 0

    def unlisten(self, topic: OwnName, heard: Heard) -> None:
        """See :class:`Carrier`."""
        self._channels.feed.unlisten(topic, heard)


class _Topic:
    """A topic that this process listens to, or will soon.

    :ivar wanted: the keys that it is listened to for.
    :ivar opening: the greenlet that begins to listen.
    :ivar open: whether this process hears it.
    :ivar since: the number of the latest message in the log before it did.
    :ivar settled: set when it does, or nobody wants it any more.
    """

    __slots__ = (
        "carrier",
        "heard",
        "name",
        "open",
        "opening",
        "settled",
        "since",
        "wanted",
    )

    def __init__(self, name: OwnName, carrier: Carrier, heard: Heard) -> None:
        self.name = name
        self.carrier = carrier
        self.heard = heard
        self.wanted: dict[Key, int] = {}
        self.opening: Any = None
        self.open = False
        self.since = 0
        self.settled = Event()


class Listening:
    """The topics that one process listens to.

    What is wanted changes at once; the broker follows. In between, a topic may be heard
    that nobody wants any more, and never is it heard twice.

    :param name_of: the name of the topic of a namespace and a room.
    :param carrier_of: how the topics of a namespace travel.
    :param ear_of: makes the function that is called with the messages of a topic.
    """

    def __init__(
        self,
        name_of: Callable[[str, Room | None], OwnName],
        carrier_of: Callable[[str], Carrier],
        ear_of: Callable[[OwnName], Heard],
    ) -> None:
        self._name_of = name_of
        self._carrier_of = carrier_of
        self._ear_of = ear_of
        self._topics: dict[OwnName, _Topic] = {}
        self._keys: dict[Key, _Topic] = {}
        self._warnings = ThrottledWarnings(log)

    def __len__(self) -> int:
        return len(self._topics)

    def begin(self, endpoint: str, room: Room | None) -> None:
        """Listen to a topic; does not block. Each call needs one of :meth:`end`."""
        key = (endpoint, room)
        topic = self._keys.get(key)
        if topic is None:
            topic = self._keys[key] = self._topic(endpoint, room)
        topic.wanted[key] = topic.wanted.get(key, 0) + 1
        if topic.opening is None and not topic.open:
            topic.opening = gevent.spawn(self._open, topic)

    def end(self, endpoint: str, room: Room | None) -> None:
        """End a :meth:`begin`; with the last, no longer listen."""
        key = (endpoint, room)
        topic = self._keys.get(key)
        if topic is None:
            return  # it was closed
        topic.wanted[key] -= 1
        if not topic.wanted[key]:
            del topic.wanted[key], self._keys[key]
            self._close_if_unwanted(topic)

    def wait(self, endpoint: str, rooms: Iterable[Room | None]) -> bool:
        """Wait until this process hears topics that it listens to.

        If the broker does not answer, it returns after :data:`PATIENCE` seconds.

        :returns: whether it hears all of them.
        """
        end, hears = 0.0, True
        for room in rooms:
            topic = self._keys.get((endpoint, room))
            if topic is None or topic.open:
                continue
            end = end or time.monotonic() + PATIENCE
            if not topic.settled.wait(max(0.0, end - time.monotonic())):
                text = f"{topic.name} is not heard yet: the broker does not answer"
                self._warnings.warn("slow", text)
            hears = hears and topic.open
        return hears

    def since(self, endpoint: str, room: Room | None) -> int:
        """The number of the latest message in the log before a topic was heard."""
        topic = self._keys.get((endpoint, room))
        return topic.since if topic is not None else 0

    def close(self) -> None:
        """Listen to nothing any more."""
        topics, self._topics, self._keys = self._topics, {}, {}
        for topic in topics.values():
            topic.wanted.clear()
            if topic.opening is not None:
                topic.opening.kill(block=False)
            self._close(topic)

    def _topic(self, endpoint: str, room: Room | None) -> _Topic:
        name = self._name_of(endpoint, room)
        topic = self._topics.get(name)
        if topic is None:
            carrier = self._carrier_of(endpoint)
            topic = self._topics[name] = _Topic(name, carrier, self._ear_of(name))
        return topic

    def _open(self, topic: _Topic) -> None:
        """Begin to listen, while the topic is wanted."""
        backoff = Backoff()
        while topic.wanted and not self._try_to_listen(topic):
            gevent.sleep(backoff.next())
        topic.opening = None
        self._close_if_unwanted(topic)

    def _try_to_listen(self, topic: _Topic) -> bool:
        try:
            topic.since = topic.carrier.listen(topic.name, topic.heard)
        except ERRORS as error:
            text = f"{topic.name} cannot be listened to yet: {escape(error)}"
            self._warnings.warn("refused", text)
            return False
        topic.open = True
        topic.settled.set()
        return True

    def _close_if_unwanted(self, topic: _Topic) -> None:
        if topic.wanted or topic.opening is not None:
            return
        if self._topics.get(topic.name) is topic:
            del self._topics[topic.name]
        self._close(topic)

    def _close(self, topic: _Topic) -> None:
        topic.settled.set()
        if topic.open:
            topic.open = False
            topic.carrier.unlisten(topic.name, topic.heard)
