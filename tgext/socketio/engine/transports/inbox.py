"""The messages that a polling client posted, kept until they are handled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ...wire.errors import ProtocolError
from ..concurrency.fairness import Turns, in_turns
from ..concurrency.heartbeat import Heartbeat
from ..hub.account import cost
from ..hub.hub import Hub
from ..session.decoder import AckFilter
from ..session.session import Socket

#: The most bodies of one session that are read at a time: one of them may be slow.
READERS = 2


class Inbox:
    """Handles messages in the order in which they came, in a greenlet of the pool.

    A POST is answered before its messages are handled. If it waited for the handlers, a
    handler that waits for an ack would wait for ever, since the client sends the ack
    after the answer.

    :param hub: its pool has the greenlets, and is told when handlers begin and end.
    :param socket: handles the messages.
    :param heartbeat: is told when the client is heard, and whether a handler runs.

    :ivar worker: the greenlet in which handlers run; None while none does.
    :ivar taken: how many messages were added.
    :ivar handled: set while nothing waits to be handled, and no handler runs.
    """

    def __init__(self, hub: Hub, socket: Socket, heartbeat: Heartbeat) -> None:
        self._hub = hub
        self._socket = socket
        self._heartbeat = heartbeat
        self._messages: deque[str | bytes] = deque()
        self._readers = BoundedSemaphore(READERS)
        #: How many POSTs wait because the account is full.
        self._held = 0
        #: Held while the messages of a POST are added.
        self._adding = BoundedSemaphore(1)
        self._acks = AckFilter(socket)
        self.taken = 0
        self.worker: Any = None
        #: Whether handlers run, or are about to.
        self._busy = False
        self.handled = Event()
        self.handled.set()

    def __len__(self) -> int:
        return len(self._messages)

    def open(self) -> None:
        """Begin: connect clients of some generations to the main namespace."""
        self.handled.clear()
        self._start_worker(self._open)

    def _open(self) -> None:
        self._socket.admission.connect_main()
        self._handle()

    @property
    def blocked(self) -> bool:
        """Whether the next POST has to wait before its body is read."""
        return self._readers.locked() or self._socket.account.full

    def begin_reading(self) -> None:
        """A POST is about to be read; call :meth:`end_reading` after it.

        It waits while :data:`READERS` others are being read, and while the session's
        account is full.
        """
        self._readers.acquire()
        self._heartbeat.heard = True
        if self._socket.account.full:
            try:
                self._wait_for_room()
            except BaseException:
                self._readers.release()
                raise

    def end_reading(self) -> None:
        """A POST has been read, or not."""
        self._readers.release()

    def _wait_for_room(self) -> None:
        # Until then, pongs of the client are not read.
        self._held += 1
        self._heartbeat.listening = False
        try:
            self.handled.wait()
        finally:
            self._held -= 1
            self._heartbeat.listening = not self._held

    def add(self, messages: Iterable[str | bytes]) -> None:
        """Take the messages of a POST. None is taken after the end of the session.

        :param messages: may be decoded one by one; other greenlets run in between.
        :raises PayloadError: when the body is invalid; then none of them is taken.
        :raises MessageTooBig: when they would take too much memory; then none is taken.
        """
        self._heartbeat.heard = True
        with self._adding:
            came = self._charged(messages)
            self.taken += len(came)
            if self._busy or self._acks.incomplete:
                came = self._without_acks(came)
            if self._socket.account.closed:
                return
            self._messages.extend(came)
            self.handled.clear()
            if not self._busy:
                self._start_worker(self._handle)

    def _charged(self, messages: Iterable[str | bytes]) -> list[str | bytes]:
        """The messages, charged to the session's account."""
        account = self._socket.account
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
        """Handle acks now, since a handler may wait for one. Returns other messages."""
        account = self._socket.account
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
        """Run handlers. A server that stops waits for them, as it does for requests."""
        self._busy = True
        self._hub.requests.began()
        self._hub.pool.add(partial(self._work, work))

    def _work(self, work: Callable[[], None]) -> None:
        heartbeat = self._heartbeat
        heartbeat.busy = True
        self.worker = gevent.getcurrent()
        try:
            work()
        finally:
            heartbeat.busy = False
            heartbeat.heard = heartbeat.listening = True
            self._forget()
            self.worker = None
            self._busy = False
            self.handled.set()
            self._hub.requests.ended()
            self._socket.settle()

    def _handle(self) -> None:
        socket = self._socket
        account = socket.account
        turns = Turns()
        while self._messages and socket.connected:
            message = self._messages.popleft()
            account.release(cost(message))
            socket.dispatcher.receive(message)
            turns.check()

    def _forget(self) -> None:
        self._socket.account.release(sum(map(cost, self._messages)))
        self._messages.clear()

    def close(self) -> None:
        """Drop what waits: the session has ended. A handler that runs goes on."""
        self._forget()
        self._acks.reset()
        self.handled.set()
