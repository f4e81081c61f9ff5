"""One connection to Redis that hears all channels of a process.

https://redis.io/docs/latest/develop/pubsub/ : a connection that has subscribed only
takes SUBSCRIBE, UNSUBSCRIBE and PING, at any time, and is sent arrays: ``subscribe``
and ``unsubscribe`` confirm, ``message`` carries, ``pong`` answers.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import gevent
import redis
from gevent import Greenlet
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ..engine.handlers import FAILURES
from .backoff import FIRST, Backoff
from .feeds import Heard, yielding

log = logging.getLogger(__name__)

#: What a connection fails with. A socket that is closed meanwhile fails on its own.
LOST: Final = (redis.RedisError, OSError)

#: Channels of one SUBSCRIBE command.
_AT_ONCE = 500


class Link:
    """A connection that stands.

    :param connection: redis-py's, connected.
    :param interval: seconds of silence after which Redis is asked whether it lives.
    :param timeout: seconds in which it must answer.
    """

    def __init__(self, connection: Any, interval: float, timeout: float) -> None:
        self._connection = connection
        self._interval = interval
        self._timeout = timeout
        self._asked = False
        self._commands: deque[tuple[str, ...]] = deque()
        self._sending = False

    def send(self, *commands: tuple[str, ...]) -> None:
        """Send commands after those before; what fails, :meth:`replies` fails with."""
        self._commands.extend(commands)
        if self._sending:
            return  # whoever is at it sends these too
        self._sending = True
        try:
            while self._commands:
                command = self._commands.popleft()
                self._connection.send_command(*command, check_health=False)
        except LOST as error:
            log.debug("Sending to Redis failed: %s", error)
            self.close()
        finally:
            self._sending = False

    def replies(self) -> Iterator[list[Any]]:
        """What Redis sends.

        :raises Exception: when the connection is lost, or closed meanwhile (redis-py
            has several for that).
        """
        connection = self._connection
        while True:
            patience = self._timeout if self._asked else self._interval
            if connection.can_read(timeout=patience):
                reply = connection.read_response(push_request=True)
                self._asked = False
                yield reply if isinstance(reply, list) else [reply]
            elif self._asked:
                raise redis.TimeoutError(f"no answer to a ping within {patience:g} s")
            else:
                self._asked = True
                self.send(("PING",))

    def close(self) -> None:
        self._commands.clear()
        self._connection.disconnect()


class RedisListener:
    """Hears channels over one connection, which is there while there are any.

    :param make_connection: makes a connection of redis-py, not connected yet.
    :param name: how log lines name the server.
    :param interval: seconds of silence after which Redis is asked whether it lives.
    :param timeout: seconds in which it must answer, and confirm a subscription.
    """

    def __init__(
        self,
        make_connection: Callable[[], Any],
        name: str,
        interval: float,
        timeout: float,
    ) -> None:
        self._make_connection = make_connection
        self._name = name
        self._interval = interval
        self._timeout = timeout
        self._heard: dict[str, list[Heard]] = {}
        #: Set when Redis has confirmed a channel.
        self._awaited: dict[str, Event] = {}
        self._starting = BoundedSemaphore(1)
        self._greenlet: Greenlet[..., Any] | None = None
        self._link: Link | None = None
        #: Whether Redis was ever there. Before, options may be what is wrong.
        self._was_there = False
        self._wake = Event()

    def listen(self, channel: str, heard: Heard) -> None:
        """Call ``heard`` with each message of a channel.

        :raises redis.RedisError: or OSError, when Redis was never reached, nor is now.
        """
        listeners = self._heard.get(channel)
        first = listeners is None
        if listeners is None:
            listeners = self._heard[channel] = []
            self._awaited[channel] = Event()
        listeners.append(heard)
        try:
            if not self._start() and first and self._link is not None:
                self._link.send(("SUBSCRIBE", channel))
            confirmed = self._awaited.get(channel)
            if confirmed is not None and self._link is not None:
                # Where Redis does not answer, it is found lost, and comes back.
                confirmed.wait(self._timeout)
        except BaseException:
            self.unlisten(channel, heard)
            raise

    def unlisten(self, channel: str, heard: Heard) -> None:
        """No longer call ``heard``, which was given to :meth:`listen`."""
        listeners = self._heard.get(channel, [])
        if heard in listeners:
            listeners.remove(heard)
        if listeners or channel not in self._heard:
            return
        del self._heard[channel]
        self._awaited.pop(channel, None)
        if not self._heard:
            self._stop()
        elif self._link is not None:
            self._link.send(("UNSUBSCRIBE", channel))

    def wake(self) -> None:
        """Redis was seen alive: if it is lost here, try again now."""
        if self._link is None:
            self._wake.set()

    def close(self) -> None:
        """Hear nothing any more."""
        self._heard.clear()
        self._awaited.clear()
        self._stop()

    def _start(self) -> bool:
        """Connect, unless that was done.

        :returns: whether all channels of this moment are being subscribed.
        """
        with self._starting:
            if self._greenlet is not None:
                return False
            try:
                link: Link | None = self._connect()
            except LOST as error:
                if not self._was_there:
                    raise
                self._report_loss(error)
                link = None
            self._link = link
            self._greenlet = gevent.spawn(self._run, link)
            return True

    def _stop(self) -> None:
        greenlet, self._greenlet = self._greenlet, None
        link, self._link = self._link, None
        if link is not None:
            link.close()
        if greenlet is not None:
            greenlet.kill(block=False)

    def _connect(self) -> Link:
        connection = self._make_connection()
        try:
            connection.connect()
        except BaseException:
            connection.disconnect()
            raise
        self._was_there = True
        return Link(connection, self._interval, self._timeout)

    # In the greenlet

    def _run(self, link: Link | None) -> None:
        while True:
            if link is None:
                link = self._link = self._connect_again()
            lost = self._hear(link)
            if self._greenlet is not gevent.getcurrent():
                return  # it was stopped
            link = self._link = None
            self._report_loss(lost)

    def _hear(self, link: Link) -> BaseException:
        """Hear all channels, until that fails; with what it did.

        Whatever that is: nobody would notice that this greenlet has ended.
        """
        channels = list(self._heard)
        try:
            for start in range(0, len(channels), _AT_ONCE):
                link.send(("SUBSCRIBE", *channels[start : start + _AT_ONCE]))
            for reply in yielding(link.replies()):
                self._handle(reply)
        except FAILURES as error:
            return error
        finally:
            link.close()
        raise AssertionError("replies never end")

    def _handle(self, reply: list[Any]) -> None:
        kind = _text(reply[0])
        if kind == "message":
            for heard in list(self._heard.get(_text(reply[1]), ())):
                try:
                    heard(reply[2])
                except FAILURES:
                    log.exception("A message of channel %r failed", _text(reply[1]))
        elif kind == "subscribe":
            confirmed = self._awaited.pop(_text(reply[1]), None)
            if confirmed is not None:
                confirmed.set()

    def _connect_again(self) -> Link:
        backoff = Backoff()
        begin = time.monotonic()
        known = ""
        while True:
            # Never at once, however often Redis is seen alive.
            gevent.sleep(FIRST)
            self._wake.wait(backoff.next() - FIRST)
            self._wake.clear()
            try:
                link = self._connect()
            except LOST as error:
                if str(error) != known:
                    known = str(error)
                    log.warning("%s is still lost: %s", self._name, error)
                continue
            seconds = time.monotonic() - begin
            count = len(self._heard)
            log.warning(
                "%s is back after %.1f s, for %d channels", self._name, seconds, count
            )
            return link

    def _report_loss(self, error: BaseException) -> None:
        self._wake.clear()
        log.warning("%s is lost, and looked for: %s", self._name, error)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
