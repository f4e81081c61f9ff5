"""One connection to Redis, which receives all channels of a process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent import Greenlet
from gevent.event import AsyncResult, Event

from ..engine.concurrency.failures import ERRORS
from ..engine.logs import get_logger
from ..wire.escape import escape
from .backoff import FIRST, Backoff
from .errors import copied
from .feeds import Heard, yielding
from .redis_link import LOST, MESSAGE, REFUSED, WRONG, Link, text
from .together import Together

log = get_logger(__name__)

#: Channels of one SUBSCRIBE command.
_AT_ONCE = 500


class RedisListener:
    """Listens to channels over one connection, which is closed without channels.

    :param make_connection: makes a connection of redis-py, not connected yet.
    :param name: the name of the server in log lines.
    :param interval: seconds without input after which Redis is pinged.
    :param timeout: seconds within which it must answer, and confirm a subscription.
    :param describe: makes the text of an error for log lines.

    :ivar heard: maps a channel to the functions that are called with its messages.
    :ivar link: the connection; None while there is none.
    :ivar losses: how often Redis was lost.
    """

    def __init__(
        self,
        make_connection: Callable[[], Any],
        name: str,
        interval: float,
        timeout: float,
        describe: Callable[[object], str] = str,
    ) -> None:
        self._describe = describe
        self._make_connection = make_connection
        self._name = name
        self._interval = interval
        self._timeout = timeout
        self.heard: dict[str, list[Heard]] = {}
        #: Subscriptions that Redis has not confirmed, by channel.
        self._awaited: dict[str, AsyncResult[None]] = {}
        #: How many SUBSCRIBE commands of a channel are not answered on this connection.
        self._asked: dict[str, int] = {}
        self._starting = Together()
        self._greenlet: Greenlet[..., Any] | None = None
        self.link: Link | None = None
        #: Whether Redis has ever answered.
        self._was_there = False
        self._wake = Event()
        self._backoff = Backoff()
        #: The time at which Redis was lost; 0 while it is connected.
        self._lost_since = 0.0
        self.losses = 0
        #: Called when Redis is lost, and when a new connection hears all channels.
        self.lost: list[Callable[[], object]] = []
        self.returned: list[Callable[[], object]] = []
        #: Whether the answer to a ping will say that all channels are heard.
        self._returning = False

    @property
    def is_lost(self) -> bool:
        """Whether Redis does not answer, and is tried again."""
        return self._lost_since > 0

    @property
    def connecting(self) -> bool:
        """Whether the first connection is being made."""
        return self._starting.under_way

    def listen(self, channel: str, heard: Heard) -> None:
        """Call ``heard`` with each message of a channel.

        :raises redis.RedisError: or UnicodeError, when an option is wrong, or Redis
            refuses the channel. If Redis is not there, the channel is heard later.
        """
        listeners = self.heard.get(channel)
        first = listeners is None
        if listeners is None:
            listeners = self.heard[channel] = []
            self._awaited[channel] = AsyncResult()
        listeners.append(heard)
        try:
            if not self._start() and first and self.link is not None:
                self._subscribe(self.link, channel)
            answer = self._awaited.get(channel)
            if answer is not None and self.link is not None:
                # If Redis does not answer, a ping without an answer ends the
                # connection, and another one is opened.
                answer.wait(self._timeout)
                if answer.ready():
                    _raise_if_refused(answer)
        except BaseException:
            self.unlisten(channel, heard)
            raise

    def unlisten(self, channel: str, heard: Heard) -> None:
        """No longer call ``heard``, which was given to :meth:`listen`."""
        listeners = self.heard.get(channel, [])
        if heard in listeners:
            listeners.remove(heard)
        if listeners or channel not in self.heard:
            return
        del self.heard[channel]
        self._awaited.pop(channel, None)
        if not self.heard:
            self._stop()
        elif self.link is not None:
            self.link.send(("UNSUBSCRIBE", channel))

    def wake(self) -> None:
        """Redis answered another connection: if it is lost here, reconnect now."""
        if self.link is None:
            self._wake.set()

    def close(self) -> None:
        """End all subscriptions, and the connection."""
        self.heard.clear()
        self._awaited.clear()
        self._stop()

    def _start(self) -> bool:
        """Connect, unless that is done.

        :returns: whether it connected. A new connection subscribes to all channels.
        """
        while self._greenlet is None:
            if self._starting.do(self._begin):
                return True
        return False

    def _begin(self) -> None:
        try:
            link: Link | None = self._connect()
        except LOST as error:
            if isinstance(error, WRONG):
                raise
            self._report_loss(error)
            link = None
        self.link = link
        self._asked.clear()
        self._greenlet = gevent.spawn(self._run, link)
        if not self.heard:
            self._stop()  # it was closed meanwhile

    def _stop(self) -> None:
        greenlet, self._greenlet = self._greenlet, None
        link, self.link = self.link, None
        if link is not None:
            link.close()
        if greenlet is not None:
            greenlet.kill(block=False)

    def _connect(self) -> Link:
        connection = self._make_connection()
        try:
            connection.connect()
            # If a password is missing, Redis accepts the connection and refuses
            # commands.
            connection.send_command("PING", check_health=False)
            connection.read_response()
        except BaseException:
            connection.disconnect()
            raise
        self._was_there = True
        return Link(connection, self._interval, self._timeout, self._handle_refusal)

    # In the greenlet

    def _run(self, link: Link | None) -> None:
        while True:
            if link is None:
                link = self.link = self._connect_again()
                self._asked.clear()
            lost = self._hear(link)
            if self._greenlet is not gevent.getcurrent():
                return  # it was stopped
            link = self.link = None
            self._report_loss(lost)

    def _hear(self, link: Link) -> BaseException:
        """Receive all channels until that fails; returns the error.

        It catches every error, because nobody would notice the end of this greenlet.
        """
        channels = list(self.heard)
        try:
            for start in range(0, len(channels), _AT_ONCE):
                self._subscribe(link, *channels[start : start + _AT_ONCE])
            self._ask_whether_all_are_heard(link)
            for reply in yielding(link.replies()):
                self._handle(link, reply)
        except ERRORS as error:
            return error
        finally:
            link.close()
        raise AssertionError("replies never end")

    def _subscribe(self, link: Link, *channels: str) -> None:
        for each in channels:
            self._asked[each] = self._asked.get(each, 0) + 1
        link.send(("SUBSCRIBE", *channels))

    def _answer(self, channel: str) -> AsyncResult[None] | None:
        """Note that a SUBSCRIBE was answered; returns whom to tell.

        If the channel was left and is listened to again, the first answer is that of a
        subscription which has ended already.
        """
        asked = self._asked.pop(channel, 1) - 1
        if asked > 0:
            self._asked[channel] = asked
            return None
        return self._awaited.pop(channel, None)

    def _handle(self, link: Link, reply: list[Any]) -> None:
        kind = reply[0]
        if kind == MESSAGE:
            channel = text(reply[1])
            for heard in list(self.heard.get(channel, ())):
                try:
                    heard(reply[2])
                except ERRORS:
                    log.exception("A message of channel '%s' failed", escape(channel))
        elif kind == "subscribe":
            self._report_return()
            answer = self._answer(text(reply[1]))
            if answer is not None:
                answer.set()
        elif kind == REFUSED:
            self._handle_refusal(link, *reply[1:])
        elif kind == "pong" and self._returning:
            self._returning = False
            for returned in self.returned:
                returned()

    def _ask_whether_all_are_heard(self, link: Link) -> None:
        # Redis answers in order: this after all subscriptions.
        if self.returned:
            self._returning = True
            link.send(("PING",))

    def _handle_refusal(
        self, link: Link, error: Exception, command: str, *channels: str
    ) -> None:
        if command == "SUBSCRIBE" and len(channels) > 1:
            # One of the channels may be the reason: try them one by one.
            link.send(*((command, channel) for channel in channels))
            self._ask_whether_all_are_heard(link)
            return
        names = escape(" ".join(channels))
        log.warning("%s refuses %s: %s", self._name, names, self._describe(error))
        for channel in channels:
            answer = self._answer(channel) if command == "SUBSCRIBE" else None
            if answer is not None:
                answer.set_exception(error)

    def _connect_again(self) -> Link:
        known = ""
        while True:
            # Wait at least FIRST seconds, however often `wake` is called.
            gevent.sleep(FIRST)
            self._wake.wait(self._backoff.next() - FIRST)
            self._wake.clear()
            try:
                return self._connect()
            except ERRORS as error:
                # Every error, because nobody would notice the end of this greenlet.
                said = self._describe(error)
                if said != known:
                    known = said
                    log.warning("%s is still lost: %s", self._name, said)

    def _report_loss(self, error: BaseException) -> None:
        self._wake.clear()
        for lost in self.lost:
            lost()
        if not self._lost_since:
            self._lost_since = time.monotonic()
            self.losses += 1
            said = self._describe(error)
            if self._was_there:
                log.warning("%s is lost, reconnecting: %s", self._name, said)
            else:
                told = "anypubsub.host: %s is not there, connecting: %s"
                log.warning(told, self._name, said)

    def _report_return(self) -> None:
        if self._lost_since:
            seconds = time.monotonic() - self._lost_since
            self._lost_since = 0.0
            self._backoff.reset()
            log.warning(
                "%s is back after %.1f s, for %d channels",
                self._name,
                seconds,
                len(self.heard),
            )


def _raise_if_refused(answer: AsyncResult[None]) -> None:
    """Raise the error of Redis, which several may have waited for."""
    try:
        answer.get()
    except LOST as error:
        refused = copied(error)
    else:
        return
    raise refused
