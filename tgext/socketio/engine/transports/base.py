"""Transports: how messages of one connection travel.

A connection has one transport at a time, and a transport one outbox. Polling is here,
:mod:`~tgext.socketio.engine.transports.websocket` has the other one, and
:mod:`~tgext.socketio.engine.transports.upgrade` leads from one to the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ...wire.errors import ProtocolError
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.reasons import CLIENT_LEFT, SERVER_LEFT
from ..concurrency.fairness import Turns, in_turns
from ..concurrency.heartbeat import Deadline, Heartbeat
from ..hub.account import cost
from ..io.hangup import HangupWatch, has_gone
from ..io.output import PollingOutbox
from ..logs import get_logger
from ..session import transport
from ..session.decoder import AckFilter
from ..session.session import Socket

if TYPE_CHECKING:
    from ..server.server import SocketIOServer
    from .websocket import WebSocketTransport

log = get_logger(__name__)

#: Messages handled before greenlets that are ready have a turn.
BATCH = 16

#: How often it is looked, in the time that a client waits for its pong, whether a
#: handler keeps it from being read: twice the time between two looks is enough.
LOOKS = 3

#: Seconds that the last packets of a polling connection can still be fetched.
LINGER = 5.0

#: Reasons after which the client shall not connect again by itself.
FINAL = (CLIENT_LEFT, SERVER_LEFT)

#: Reasons after which a session is unknown at once, as the reference server has it;
#: only a poll that waits is told of the end. Clients of all generations come back as
#: soon after either answer to the next one.
LOST = ("parse error", "ping timeout", "transport error")


class Transport(transport.Transport):
    """What the transports have in common."""

    def __init__(self, server: SocketIOServer, socket: Socket) -> None:
        self.server = server
        self.socket = socket
        self.closed = False
        self.heartbeat = self._heartbeat()

    def _heartbeat(self) -> Heartbeat:
        server, generation = self.server, self.socket.generation
        interval = server.heartbeat_interval
        timeout = server.heartbeat_timeout(generation)
        if generation.ping:
            return Heartbeat(interval, timeout, self._ping, self._timed_out)
        # The client pings once in an interval, and then waits as long as the timeout.
        often = min(interval, timeout) / LOOKS
        return Heartbeat(often, interval + timeout, self._look, self._timed_out)

    def start(self) -> None:
        """Begin to watch whether the client lives."""
        self.server.wheel.add(self.heartbeat, self.heartbeat.interval)

    def stop(self) -> None:
        """Hand the connection over to another transport."""
        self.closed = True
        self.server.wheel.discard(self.heartbeat)

    def expect_ack(self) -> None:
        pass

    def send_text(self, text: str) -> None:
        """Send a message of the server's own as it is: no client is given up for it."""
        self.outbox.send_own(Encoded(text))

    def _say_farewell(self, reason: str) -> None:
        farewell = self.socket.generation.farewell(reason not in FINAL)
        if farewell is not None:
            self.send_text(farewell)

    def _ping(self) -> None:
        self.send_text(self.socket.generation.ping)
        self._look()

    def _look(self) -> None:
        """Called now and then: whatever a handler does, the client is to be heard.

        One that pings must not wait for its pong, and one that has gone is noticed.
        """

    def _timed_out(self) -> None:
        gevent.spawn(self.socket.kill, reason="ping timeout")

    def _overflowed(self, reason: str) -> None:
        log.info("A client does not read: %s: %s", reason, self.socket)
        gevent.spawn(self.socket.kill, reason="slow consumer")


class PollingTransport(Transport):
    """HTTP requests: a GET waits for messages, a POST brings them."""

    name = "polling"

    def __init__(self, server: SocketIOServer, socket: Socket) -> None:
        super().__init__(server, socket)
        self.outbox: PollingOutbox = PollingOutbox(
            server.output_bounds, self._overflowed
        )
        #: How many polls wait.
        self.polling = 0
        #: How many POSTs are under way.
        self.posting = 0
        #: Whether a poll that waits is answered as one of a session that nobody knows.
        self.refused = False
        #: The WebSocket that is about to take over.
        self.follower: WebSocketTransport | None = None
        #: Whether there may be a next poll, which has what one did not take.
        self.keeps = True
        self._released = False
        self._watches: set[HangupWatch] = set()
        #: The connections on which polls are being answered.
        self._answering: set[Any] = set()
        self._answered: Event | None = None
        #: Ends the connection when no request follows a poll that failed.
        self._deserted = Deadline(self._desert)
        self._inbox: deque[str | bytes] = deque()
        #: Held by those whose bodies are read: one may be slow.
        self._readers = BoundedSemaphore(2)
        #: Held by the one whose messages are taken in.
        self._taking = BoundedSemaphore(1)
        self._acks = AckFilter(socket)
        self.worker: gevent.Greenlet[..., Any] | None = None
        # Requests come in whatever a handler does.
        self.heartbeat.listening = True
        #: Set while all that came in is handled.
        self.handled = Event()
        self.handled.set()

    def open(self) -> None:
        """Begin. Returns when there is something for the first poll, if there will be.

        The main namespace may ask its client for an ack as soon as it connects it.
        """
        self.socket.attach(self)
        self.start()
        self.handled.clear()
        self._start_worker(self._open)
        if self.socket.generation.implicit_main:
            self.outbox.wait()

    def _open(self) -> None:
        self.heartbeat.busy = True
        self.socket.connect_main()
        self._work()

    def handling(self) -> Sequence[gevent.Greenlet[..., Any]]:
        return () if self.worker is None else (self.worker,)

    def poll(self, sock: Any) -> list[str | bytes]:
        """Wait for messages, and return them.

        A poll whose connection ends takes none, and the next one has them.

        :param sock: the gevent socket that the answer leaves by.
        """
        self._request_came()
        if self._answering:
            self._end_answers()
        self.polling += 1
        try:
            if not self.outbox.ready and not (self.follower and self._released):
                self._wait(sock)
            dead = has_gone(sock)
            packets = self.outbox.take(0) if dead else self.outbox.take()
        finally:
            self.polling -= 1
        if dead:
            self._poll_failed()
        elif self.closed and not len(self.outbox):
            self.server.stop_lingering(self)
        return packets or [self.socket.generation.noop]

    def runs_in(self, greenlet: object) -> bool:
        return greenlet is self.worker

    def _wait(self, sock: Any) -> None:
        watch = HangupWatch(sock, self.server.wheel, self.outbox.wake)
        self._watches.add(watch)
        try:
            self.outbox.wait()
        finally:
            self._watches.discard(watch)
            watch.close()

    @property
    def waits_in_vain(self) -> bool:
        """Whether the clients of all polls that wait have gone."""
        return all(has_gone(each.sock) for each in self._watches)

    def _end_answers(self) -> None:
        """A client that polls anew has given up on an answer that is still under way.

        Returns when what it has of them is known, and the rest is put back.
        """
        for each in self._answering:
            try:
                each._sock.shutdown(SHUT_RDWR)
            except OSError:
                pass  # it has ended
        self._answered = self._answered or Event()
        self._answered.wait()

    def answer_begins(self, sock: Any) -> None:
        """What :meth:`poll` returned is about to be sent.

        A client that takes it is not slow.
        """
        self._answering.add(sock)
        self.outbox.answering += 1

    def answer_ends(self, sock: Any) -> None:
        """It has been sent, or put back."""
        self._answering.discard(sock)
        self.outbox.answering -= 1
        if self._answered is not None and not self._answering:
            self._answered.set()
            self._answered = None

    def put_back(self, messages: Sequence[str | bytes]) -> None:
        """What :meth:`poll` returned did not reach the client: the next one has it."""
        if messages != [self.socket.generation.noop] and self.keeps:
            self.outbox.put_back(messages)
            if self.closed and self.server.lingering(self.socket.sessid) is None:
                self.server.linger(self, LINGER)
        self._poll_failed()

    def _request_came(self) -> None:
        self.heartbeat.heard = True
        self.server.wheel.discard(self._deserted)

    def _poll_failed(self) -> None:
        """A poll ended with its connection. A client that lives polls again."""
        if not self.closed and self._deserted.slot < 0:
            self.server.wheel.add(self._deserted, self.server.handshake_timeout)

    def _desert(self) -> None:
        if not (self.polling or self.posting or self.follower):
            gevent.spawn(self.socket.kill, reason="transport close")

    def stop(self) -> None:
        super().stop()
        self.server.wheel.discard(self._deserted)

    @contextmanager
    def one_post(self) -> Iterator[None]:
        """A POST from its headers to its answer.

        It waits while two others are read, and while too much of what came before it is
        not handled; its body is read after that.
        """
        self._request_came()
        self.posting += 1
        try:
            with self._readers:
                self.heartbeat.heard = True
                if self.socket.account.full:
                    self.heartbeat.listening = False
                    self.handled.wait()
                yield
        finally:
            self.posting -= 1

    def post(self, messages: Iterable[str | bytes]) -> None:
        """Take messages in; they are handled after the request has been answered.

        A handler that waits for the client to answer would wait for ever if the POST
        that brought the event waited for the handler. What follows the end of the
        connection is ignored.

        :param messages: may be read from the body one by one, in which others have
            their turns.
        :raises PayloadError: when the body cannot be read; nothing of it is taken then.
        :raises MessageTooBig: when it would take too much memory; likewise.
        """
        self.heartbeat.heard = True
        with self._taking:
            came = self._charged(messages)
            if self.worker is not None or self._acks.incomplete:
                came = self._without_acks(came)
            if self.socket.account.closed:
                return
            self._inbox.extend(came)
            self.handled.clear()
            if self.worker is None:
                self._start_worker(self._work)

    def _charged(self, messages: Iterable[str | bytes]) -> list[str | bytes]:
        """Messages that are kept from now on."""
        account = self.socket.account
        came: list[str | bytes] = []
        size = 0
        try:
            for each in in_turns(messages):
                if account.closed:
                    return []
                each_size = cost(each)
                account.charge(each_size)
                size += each_size
                came.append(each)
        except ProtocolError:
            account.release(size)
            raise
        return came

    def _without_acks(self, messages: list[str | bytes]) -> list[str | bytes]:
        """What is left for the handlers: one that runs may wait for an ack."""
        account = self.socket.account
        left: list[str | bytes] = []
        for each in in_turns(messages):
            if account.closed:
                return []
            if self._acks.take(each):
                account.release(cost(each))
            else:
                left.append(each)
        return left

    def _start_worker(self, work: Callable[[], None]) -> None:
        """Run handlers, which a server that stops waits for as it does for requests."""
        self.server.request_began()
        self.worker = gevent.spawn(work)
        self.worker.rawlink(self._worker_ended)

    def _worker_ended(self, worker: gevent.Greenlet[..., Any]) -> None:
        self.server.request_ended()
        self.socket.settle()

    def _work(self) -> None:
        heartbeat = self.heartbeat
        heartbeat.busy = True
        account = self.socket.account
        turns = Turns()
        try:
            while self._inbox and self.socket.connected:
                message = self._inbox.popleft()
                account.release(cost(message))
                self.socket.receive(message)
                turns.check()
        finally:
            heartbeat.busy = False
            heartbeat.heard = heartbeat.listening = True
            self._forget_inbox()
            self.worker = None
            self.handled.set()

    def _forget_inbox(self) -> None:
        self.socket.account.release(sum(map(cost, self._inbox)))
        self._inbox.clear()

    def refuse(self) -> None:
        """End the connection because of a POST that was refused.

        Its client closes because of that answer, with the reason *transport error*. A
        poll that waits must not bring a close packet before (*transport close*).
        """
        self.refused = True
        self.socket.kill(reason="parse error")

    def release_polls(self) -> None:
        """Let go of a poll that waits, and let none wait: the follower takes over."""
        self._released = True
        self.outbox.wake()

    def close(self, reason: str, code: int) -> None:
        if self.closed:
            return
        self.stop()
        # A handler that still waits keeps none of what came after its event.
        self._forget_inbox()
        self._acks.reset()
        self.handled.set()
        if self.follower is not None:
            self.follower.abort()
        if self.refused or (reason in (*LOST, CLIENT_LEFT) and not self.polling):
            self.keeps = False
            self.outbox._drop()
        elif reason != CLIENT_LEFT:
            self._say_farewell(reason)
        self.outbox.close()
        if len(self.outbox):
            self.server.linger(self, LINGER)
