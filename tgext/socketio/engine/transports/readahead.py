"""Reading ahead of a handler that waits.

A WebSocket is read by the greenlet that runs its handlers. If nothing else read it, a
handler that waits for an ack of its client would wait for ever, and a client 1.x or 2.x
would disconnect when its ping is not answered in time. So while such a handler waits,
another greenlet reads. It handles acks, answers pings, and keeps other messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from ...wire.errors import ProtocolError
from ...wire.websocket.frames import Message
from ..concurrency.fairness import Turns
from ..concurrency.heartbeat import Heartbeat
from ..hub.account import Account, cost
from ..session.decoder import AckFilter


class ReadAhead:
    """An iterator of messages in their order, which reads ahead of its consumer.

    It reads from :meth:`start` until the consumer asks for the next message, while the
    consumer's greenlet waits. It examines each message once, however often it starts.

    :param rest: messages that have been read and not handled.
    :param reads: the messages of each further read; ends with the connection.
    :param content: returns the content of a message; None for a control frame.
    :param acks: handles the acks.
    :param gone: called when the connection ends, with the error that ended it.
    :param account: is charged for the messages that are kept. Nothing is read while it
        is full: TCP makes the peer wait.
    :param heartbeat: is told when the client is heard, and while this reads.

    :ivar rest: the messages after those that this iterator has kept.
    :ivar kept: the messages that have been read and not been returned.
    """

    def __init__(
        self,
        rest: Iterator[Message],
        reads: Iterator[Iterator[Message]],
        content: Callable[[Message], str | bytes | None],
        acks: AckFilter,
        gone: Callable[[ProtocolError | OSError | None], object],
        account: Account,
        heartbeat: Heartbeat,
    ) -> None:
        self.rest = rest
        self._reads = reads
        self._content = content
        self._acks = acks
        self._gone = gone
        self._account = account
        self._heartbeat = heartbeat
        self.kept: deque[Message] = deque()
        #: The beginning of an ack whose attachments have not all come.
        self._begun: list[Message] = []
        self._ended = False
        self._error: ProtocolError | OSError | None = None
        #: A callback of the event loop, which runs when the consumer waits. Most
        #: handlers do not wait, and then no greenlet is started.
        self._due: Any = None
        self._greenlet: gevent.Greenlet[..., Any] | None = None

    def start(self) -> None:
        """Read when the current greenlet waits. A second call has no effect."""
        if self._due is None and self._greenlet is None and not self._ended:
            self._due = gevent.get_hub().loop.run_callback(self._spawn)

    def stop(self) -> None:
        """Stop reading."""
        if self._due is not None:
            self._due.stop()
            self._due = None
        if self._greenlet is not None:
            self._greenlet.kill()  # it waits for input, or for its turn
            self._greenlet = None
            self._heartbeat.listening = False

    def clear(self) -> None:
        """Drop the messages that are kept: the connection has ended."""
        self.kept.clear()
        self._begun.clear()
        self._acks.reset()
        self.rest = iter(())

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        if self._due is not None or self._greenlet is not None:
            self.stop()
        if not self.kept:
            if self._begun:
                self._keep_begun()
            elif self._error is not None:
                raise self._error
            else:
                raise StopIteration
        message = self.kept.popleft()
        self._account.release(cost(message[1]))
        return message

    def _spawn(self) -> None:
        self._due = None
        self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        self._heartbeat.listening = True
        try:
            self._read()
        except (ProtocolError, OSError) as error:
            self._error = error
            self._ended = True
        if self._ended:
            self._gone(self._error)
        else:
            self._heartbeat.listening = False

    def _read(self) -> None:
        account = self._account
        turns = Turns()
        # An ack that has begun is read to its end: the handler may wait for it.
        while not account.full or self._acks.incomplete:
            message = next(self.rest, None)
            if message is not None:
                self._keep(message)
                turns.check()
                continue
            following = next(self._reads, None)
            if following is None:
                self._ended = True
                return
            self._heartbeat.heard = True
            self.rest = following

    def _keep(self, message: Message) -> None:
        account, acks = self._account, self._acks
        content = self._content(message)
        begun = acks.incomplete
        if content is not None and acks.take(content):
            if not acks.incomplete:
                self._begun.clear()
            elif not begun or isinstance(content, bytes):
                self._begun.append(message)  # `acks` has charged it to the account
        elif not account.closed:
            if begun and (not acks.incomplete or isinstance(content, str)):
                # The ack is invalid: text came where attachments are due. The client is
                # told when it is handled in order.
                self._keep_begun()
            account.charge(cost(message[1]))
            self.kept.append(message)

    def _keep_begun(self) -> None:
        """Keep the messages of an incomplete ack, to be handled in order."""
        for message in self._begun:
            self._account.charge(cost(message[1]))
            self.kept.append(message)
        self._begun.clear()
        self._acks.reset()
