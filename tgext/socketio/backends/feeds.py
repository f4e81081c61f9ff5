"""Hearing the channels of a backend: a function is called with each message.

Our own backends offer this themselves (:class:`Feed`). What else implements anypubsub's
interfaces gets one subscription and one greenlet per channel (:class:`Pumps`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import gevent
from anypubsub.interfaces import PubSub

from ..engine.concurrency.failures import ERRORS
from ..engine.concurrency.fairness import SLICE, Turns
from ..engine.logs import get_logger
from .backoff import Backoff
from .channelnames import check_channel

log = get_logger(__name__)

#: Called with a message. Must neither block nor raise.
Heard = Callable[[Any], object]


@runtime_checkable
class Feed(Protocol):
    """What can be listened to."""

    def listen(self, channel: str, heard: Heard) -> None:
        """Call ``heard`` with each message of a channel, in their order.

        Returns once the messages that are published from now on will be heard. A
        broker that is lost later is looked for until it is back.

        :raises ValueError: when no channel can have this name.
        :raises BackendError: when nothing can be heard, and will not be later either.
        """

    def unlisten(self, channel: str, heard: Heard) -> None:
        """No longer call ``heard``; does not block."""


def feed_of(backend: PubSub) -> Feed:
    """How to listen to a backend."""
    return backend if isinstance(backend, Feed) else Pumps(backend)


class Pumps:
    """Listens to any backend of anypubsub's interfaces."""

    def __init__(self, backend: PubSub) -> None:
        self._backend = backend
        self._pumps: dict[tuple[str, Heard], Pump] = {}

    def listen(self, channel: str, heard: Heard) -> None:
        channel = check_channel(channel)
        self._pumps[channel, heard] = Pump(self._backend, channel, heard)

    def unlisten(self, channel: str, heard: Heard) -> None:
        self._pumps.pop((channel, heard)).stop()


class Pump:
    """One subscription, and the greenlet that takes its messages."""

    def __init__(self, backend: PubSub, channel: str, heard: Heard) -> None:
        self._backend = backend
        self._channel = channel
        self._heard = heard
        self._subscriber: Any = backend.subscribe(channel)
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Take no more messages."""
        self._greenlet.kill(block=False)
        self._drop()

    def _run(self) -> None:
        while True:
            lost = self._take()
            self._drop()
            log.warning("Channel %r is lost: %s", self._channel, lost)
            self._subscribe_again()
            log.warning("Channel %r is back", self._channel)

    def _take(self) -> object:
        """Take messages until that fails; why it did."""
        try:
            for message in yielding(self._subscriber):
                self._heard(message)
        except ERRORS as error:
            return error or type(error).__name__
        return "the subscription ended"

    def _subscribe_again(self) -> None:
        backoff = Backoff()
        while self._subscriber is None:
            gevent.sleep(backoff.next())
            try:
                self._subscriber = self._backend.subscribe(self._channel)
            except ERRORS as error:
                log.debug("Channel %r is still lost: %s", self._channel, error)

    def _drop(self) -> None:
        subscriber, self._subscriber = self._subscriber, None
        _forget(self._backend, self._channel, subscriber)
        # anypubsub's subscribers have no `close`, what they hold may.
        for each in (subscriber, getattr(subscriber, "cursor", None)):
            close = getattr(each, "close", None)
            if close is not None:
                try:
                    close()
                except ERRORS as error:
                    log.debug("Closing %r failed: %s", self._channel, error)


def publish(backend: PubSub, channel: str, message: str) -> None:
    """Publish a message, after which nothing is kept of a channel that nobody hears.

    anypubsub's memory would keep the name of each, and a client may choose them.

    :raises BackendError: when a broker does not take it.
    """
    backend.publish(channel, message)
    subscribers = getattr(backend, "subscribers", None)
    if isinstance(subscribers, dict) and not subscribers.get(channel, True):
        del subscribers[channel]


def yielding(messages: Any) -> Iterator[Any]:
    """The messages, with turns for other greenlets whenever a slice of time has been
    worked.

    What a message costs depends on how many hear it. While nothing comes, others have
    their turns.
    """
    turns, source = Turns(), iter(messages)
    while True:
        asked = perf_counter()
        try:
            message = next(source)
        except StopIteration:
            return
        if perf_counter() - asked > SLICE:
            turns = Turns()
        yield message
        turns.check()


def _forget(backend: PubSub, channel: str, subscriber: object) -> None:
    """Let anypubsub's memory forget a subscriber, and a channel without any."""
    subscribers = getattr(backend, "subscribers", None)
    if isinstance(subscribers, dict) and channel in subscribers:
        subscribers[channel].discard(subscriber)
        if not subscribers[channel]:
            del subscribers[channel]
