"""Listening to the channels of a backend: a function is called with each message.

Our own backends offer this themselves (:class:`Feed`). Other backends with anypubsub's
interfaces get one subscription and one greenlet per channel (:class:`Pumps`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import gevent
from gevent import GreenletExit
from gevent.monkey import is_module_patched

from ..engine.concurrency.failures import ERRORS, log_failure
from ..engine.concurrency.fairness import SLICE, Turns
from ..engine.logs import get_logger
from .backoff import Backoff
from .channelnames import check_channel
from .errors import BackendError

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

log = get_logger(__name__)

#: Called with a message. Must neither block nor raise.
Heard = Callable[[Any], object]


@runtime_checkable
class Feed(Protocol):
    """A backend that can be listened to."""

    def listen(self, channel: str, heard: Heard) -> None:
        """Call ``heard`` with each message of a channel, in order.

        When it returns, the subscription is active. If the broker is lost later, the
        backend reconnects by itself.

        :raises ValueError: when the name of the channel is invalid.
        :raises BackendError: when subscribing failed, and is not tried again.
        """

    def unlisten(self, channel: str, heard: Heard) -> None:
        """No longer call ``heard``; does not block."""


def feed_of(backend: PubSub) -> Feed:
    """The object that listens to a backend: the backend itself, or a :class:`Pumps`."""
    return backend if isinstance(backend, Feed) else Pumps(backend)


def check_patched() -> None:
    """Check that a greenlet which waits for a broker does not stop the process.

    :raises BackendError: when it would.
    """
    if not is_module_patched("socket"):
        raise BackendError(
            "this process is not patched for gevent, and would wait for messages of "
            "channels for ever: import tgext.socketio.server before anything that "
            "imports TurboGears. Tests with SocketIOTest need no patch if "
            "anypubsub.backend is memory"
        )


class Pumps:
    """Listens to any backend of anypubsub's interfaces.

    :ivar missed: called with the name of a channel that was lost, when it is heard
        again: what was published meanwhile was not heard. Must neither block nor raise.
    """

    def __init__(self, backend: PubSub) -> None:
        self._backend = backend
        self._pumps: dict[tuple[str, Heard], Pump] = {}
        self.missed: list[Callable[[str], object]] = []

    def listen(self, channel: str, heard: Heard) -> None:
        channel = check_channel(channel)
        check_patched()
        pump = Pump(self._backend, channel, heard, self._tell_missed)
        self._pumps[channel, heard] = pump

    def _tell_missed(self, channel: str) -> None:
        for told in list(self.missed):
            try:
                told(channel)
            except ERRORS:
                log_failure(log, "Telling of a channel that was lost failed")

    def unlisten(self, channel: str, heard: Heard) -> None:
        self._pumps.pop((channel, heard)).stop()


class Pump:
    """One subscription, and the greenlet that takes its messages.

    :param missed: called with the channel when it was lost, and is heard again.
    """

    def __init__(
        self,
        backend: PubSub,
        channel: str,
        heard: Heard,
        missed: Callable[[str], object],
    ) -> None:
        self._backend = backend
        self._missed = missed
        self._channel = channel
        self._heard = heard
        self._subscriber: Any = backend.subscribe(channel)
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """End the subscription."""
        self._greenlet.kill(block=False)
        self._drop()

    def _run(self) -> None:
        try:
            self._go_on()
        except GreenletExit:
            # A greenlet that has ended keeps this, and with its traceback all that the
            # subscription held, until the garbage collector finds the cycle.
            pass

    def _go_on(self) -> None:
        while True:
            lost = self._take()
            self._drop()
            log.warning("Channel %r is lost: %s", self._channel, lost)
            self._subscribe_again()
            log.warning("Channel %r is back", self._channel)
            self._missed(self._channel)

    def _take(self) -> object:
        """Take messages until that fails; returns the reason."""
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
        # anypubsub's subscribers have no `close`, but their cursors may.
        for each in (subscriber, getattr(subscriber, "cursor", None)):
            close = getattr(each, "close", None)
            if close is not None:
                try:
                    close()
                except ERRORS as error:
                    log.debug("Closing %r failed: %s", self._channel, error)


def publish(backend: PubSub, channel: str, message: str) -> None:
    """Publish a message, and keep nothing of a channel without subscribers.

    anypubsub's memory backend would keep the name of each channel that was published
    on, and clients may choose the names.

    :raises BackendError: when the broker does not accept it.
    """
    backend.publish(channel, message)
    subscribers = getattr(backend, "subscribers", None)
    if isinstance(subscribers, dict) and not subscribers.get(channel, True):
        del subscribers[channel]


def yielding(messages: Any) -> Iterator[Any]:
    """Yield messages, and yield to other greenlets after each slice of time.

    A message with many listeners takes longer. Other greenlets also run while this one
    waits for a message, so a new slice begins after the wait.
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
    """Remove a subscriber from anypubsub's memory, and its channel after the last."""
    subscribers = getattr(backend, "subscribers", None)
    if isinstance(subscribers, dict) and channel in subscribers:
        subscribers[channel].discard(subscriber)
        if not subscribers[channel]:
            del subscribers[channel]
