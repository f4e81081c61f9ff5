"""Polling: the transport of clients that have no WebSocket, or not yet.

HTTP requests carry the messages: a GET receives them, a POST sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

import gevent
from gevent.event import Event

from ...wire.socketio.reasons import (
    CLIENT_LEFT,
    PARSE_ERROR,
    PING_TIMEOUT,
    TRANSPORT_CLOSE,
    TRANSPORT_ERROR,
)
from ..concurrency.heartbeat import Deadline
from ..hub.hub import Hub
from ..io.hangup import HangupWatch, has_gone
from ..io.sockets import end_both
from ..session.session import Socket
from .base import Transport
from .inbox import Inbox
from .outbox import PollingOutbox

#: Seconds that the last packets of a polling connection can still be fetched.
LINGER = 5.0

#: Reasons after which the session is unknown at once, as in the reference server: a
#: poll that waits gets the close packet, later requests the error of an unknown
#: session. Clients of all generations reconnect equally soon after both.
LOST = (PARSE_ERROR, PING_TIMEOUT, TRANSPORT_ERROR)


class PostLost(Exception):
    """The connection of a POST ended before its body was read."""


class Abortable(Protocol):
    """The transport that is about to take over."""

    def abort(self) -> None: ...


class PollingTransport(Transport):
    """Carries messages in HTTP requests.

    :ivar polling: how many polls wait.
    :ivar posting: how many POSTs are under way.
    :ivar refused: whether polls are answered as those of an unknown session.
    :ivar follower: the WebSocket that is about to take over.
    :ivar keeps: whether messages that a poll did not deliver are kept for the next one.
    :ivar handled: set while all that was posted is handled.
    """

    name = "polling"
    outbox: PollingOutbox

    def __init__(self, hub: Hub, socket: Socket) -> None:
        super().__init__(hub, socket)
        self.outbox = PollingOutbox(hub.output_bounds, self._overflowed)
        self.polling = 0
        self.posting = 0
        self.refused = False
        self.follower: Abortable | None = None
        self.keeps = True
        self._released = False
        #: Bytes of the bodies of POSTs.
        self._posted = 0
        #: The connections of polls that wait, by what is called to answer them.
        self._waiting: dict[Callable[[], object], Any] = {}
        #: The connections on which polls are being answered.
        self._answering: set[Any] = set()
        self._answered: Event | None = None
        #: Ends the session when no request follows a poll whose connection ended.
        self._deserted = Deadline(self._desert)
        self.inbox = Inbox(hub, socket, self.heartbeat)
        self.handled = self.inbox.handled
        # Requests are read while a handler runs, whatever it does.
        self.heartbeat.listening = True

    @property
    def sessid(self) -> str:
        """The id of the session."""
        return self.socket.sessid

    @property
    def unfetched(self) -> int:
        """Bytes of the messages that the client has not fetched."""
        return self.outbox.size

    def drop(self) -> None:
        """Drop the messages that the client has not fetched."""
        self.outbox.drop()

    def open(self) -> None:
        """Begin; in some generations, wait for the main namespace's first packet.

        It may send one before the client is admitted, and wait for an ack of it.
        """
        self.socket.attach(self)
        self.start()
        self.inbox.open()
        if self.socket.generation.implicit_main:
            self.outbox.wait()

    def stop(self) -> None:
        super().stop()
        self.hub.timers.discard(self._deserted)
        self._let_go(self._deserted)

    def handling(self) -> Sequence[gevent.Greenlet[..., Any]]:
        worker = self.inbox.worker
        return () if worker is None else (worker,)

    def runs_in(self, greenlet: object) -> bool:
        return greenlet is self.inbox.worker

    # Polls

    def begin_poll(self, sock: Any, ready: Callable[[], object]) -> bool:
        """A request asks for messages; :meth:`end_poll` returns them.

        :param sock: the gevent socket on which the answer is sent.
        :param ready: called when there is an answer. It must not block.
        :returns: whether there is one already; then ``ready`` is not called.
        """
        self._request_came()
        if self._answering:
            self._end_answers()
        return self._begin(sock, ready)

    def end_poll(self, sock: Any, ready: Callable[[], object]) -> list[str | bytes]:
        """The messages for a poll that has begun: one for nothing if there is none.

        A poll whose connection has ended takes no messages: the next one gets them.
        Call it once, with the same arguments, when there is an answer or the connection
        has ended.
        """
        self.forget_poll(ready)
        dead = has_gone(sock)
        packets = self.outbox.take(0) if dead else self.outbox.take()
        if dead:
            self._poll_failed()
        elif self.closed and not len(self.outbox):
            self.hub.lingering.remove(self)
        return packets or [self.socket.generation.noop]

    def poll(self, sock: Any) -> list[str | bytes]:
        """Wait for the messages that a request asks for, and return them."""
        self._request_came()
        if self._answering:
            self._end_answers()
        return self.more(sock)

    def more(self, sock: Any) -> list[str | bytes]:
        """Wait for messages, and return them. The client need not have asked again."""
        came = Event()
        try:
            if not self._begin(sock, came.set):
                self._wait(sock, came)
        except BaseException:
            self.forget_poll(came.set)
            raise
        return self.end_poll(sock, came.set)

    def _begin(self, sock: Any, ready: Callable[[], object]) -> bool:
        self.polling += 1
        if self.outbox.ready or (self.follower is not None and self._released):
            return True
        self._waiting[ready] = sock
        self.outbox.call_when_ready(ready)
        return False

    def forget_poll(self, ready: Callable[[], object]) -> None:
        """End a poll that has begun, without an answer."""
        self.polling -= 1
        if self._waiting.pop(ready, None) is not None:
            self.outbox.forget(ready)

    def _wait(self, sock: Any, came: Event) -> None:
        watch = HangupWatch(sock, self.hub.timers, came.set)
        try:
            came.wait()
        finally:
            watch.close()

    @property
    def waits_in_vain(self) -> bool:
        """Whether the clients of all polls that wait have gone."""
        return all(map(has_gone, self._waiting.values()))

    def release_polls(self) -> None:
        """Answer the waiting poll, and later ones at once: the follower takes over."""
        self._released = True
        self.outbox.wake()

    def _end_answers(self) -> None:
        """End answers that are still being sent: the client has polled again instead.

        Returns when what was not sent has been put back.
        """
        for each in self._answering:
            end_both(each)
        self._answered = self._answered or Event()
        self._answered.wait()

    def answer_begins(self, sock: Any) -> None:
        """What :meth:`poll` returned is about to be sent: the client is reading."""
        self._answering.add(sock)
        self.outbox.answering += 1

    def answer_ends(self, sock: Any) -> None:
        """The answer has been sent, or its messages were put back."""
        self._answering.discard(sock)
        self.outbox.answering -= 1
        if self._answered is not None and not self._answering:
            self._answered.set()
            self._answered = None

    def put_back(self, messages: Sequence[str | bytes]) -> None:
        """Keep what :meth:`poll` returned for the next poll: sending it failed."""
        if messages != [self.socket.generation.noop] and self.keeps:
            self.outbox.put_back(messages)
            if self.closed and self.hub.lingering.get(self.sessid) is None:
                self.hub.lingering.add(self, LINGER)
        self._poll_failed()

    def _request_came(self) -> None:
        self.heartbeat.heard = True
        self.hub.timers.discard(self._deserted)

    def _poll_failed(self) -> None:
        """A poll's connection ended: end the session if no request follows in time."""
        if not (self.closed or self.deserted):
            self.hub.timers.add(self._deserted, self.hub.settings.handshake_timeout)

    @property
    def deserted(self) -> bool:
        """Whether the connection of a poll ended, and no request has come since."""
        return self._deserted.slot >= 0

    def _desert(self) -> None:
        if not (self.polling or self.posting or self.follower):
            gevent.spawn(self.socket.kill, reason=TRANSPORT_CLOSE)

    # POSTs

    def begin_post(self, sock: Any) -> None:
        """A POST has come; wait until its body may be read. :meth:`end_post` ends it.

        See :meth:`.Inbox.begin_reading`.

        :param sock: the gevent socket of the request.
        :raises PostLost: when the connection ended while it waited. A client that has
            gone would be kept as long as its handler runs.
        """
        self._request_came()
        self.posting += 1
        try:
            if self.inbox.blocked:
                self._wait_for_inbox(sock)
            else:
                self.inbox.begin_reading()
        except BaseException:
            self.posting -= 1
            raise

    def _wait_for_inbox(self, sock: Any) -> None:
        gone = partial(gevent.getcurrent().throw, PostLost())
        watch = HangupWatch(sock, self.hub.timers, gone)
        try:
            self.inbox.begin_reading()
        finally:
            watch.close()

    def end_post(self) -> None:
        """A POST has been read, or refused."""
        self.inbox.end_reading()
        self.posting -= 1

    def post(self, messages: Iterable[str | bytes], size: int = 0) -> None:
        """Take the messages of a POST; see :meth:`.Inbox.add`.

        :param size: the bytes of its body.
        """
        self._posted += size
        self.inbox.add(messages)

    @property
    def received(self) -> tuple[int, int]:
        return self.inbox.taken, self._posted

    def refuse(self) -> None:
        """End the session because of a POST that was refused.

        When the client reads that answer, it closes with the reason *transport error*.
        A waiting poll must not get a close packet before, since the client would then
        close with the reason *transport close*.
        """
        self.refused = True
        self.socket.kill(reason=PARSE_ERROR)

    def close(self, reason: str, code: int) -> None:
        if self.closed:
            return
        self.stop()
        self.inbox.close()
        if self.follower is not None:
            self.follower.abort()
        if self.refused or (reason in (*LOST, CLIENT_LEFT) and not self.polling):
            self.keeps = False
            self.outbox.drop()
        elif reason != CLIENT_LEFT:
            self._say_farewell(reason)
        self.outbox.close()
        if len(self.outbox):
            self.hub.lingering.add(self, LINGER)
