"""Reading on while a handler waits.

A WebSocket is read by the greenlet that runs its handlers. A handler that asks the
client for an ack and waits for it would wait for ever; and a client 1.x or 2.x whose
ping lies unread behind a handler that takes long would give the server up. So while
such a handler waits, another greenlet reads on, has acks handled and pings answered,
and keeps all else for later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NoReturn

import gevent

from ..wire.errors import ProtocolError
from ..wire.websocket import Message
from .assembler import AckFilter


class ReadAhead:
    """Reads a connection until :meth:`stop`; starts when the current greenlet waits.

    :param messages: what was read and is not handled yet.
    :param reads: what can be read after that; ends with the connection.
    :param content: what a message holds; None for a control frame.
    :param acks: takes the acks.
    :param gone: called when the connection ends, with the error that ended it.
    :param limit: bytes that may be kept; past them the peer has to wait.
    """

    def __init__(
        self,
        messages: Iterator[Message],
        reads: Iterator[Iterator[Message]],
        content: Callable[[Message], str | bytes | None],
        acks: AckFilter,
        gone: Callable[[ProtocolError | OSError | None], object],
        limit: int,
    ) -> None:
        self._messages = messages
        self._reads = reads
        self._content = content
        self._acks = acks
        self._gone = gone
        self._room = limit
        self._kept: deque[Message] = deque()
        #: The beginning of an ack whose attachments have not all come.
        self._begun: list[Message] = []
        self._error: ProtocolError | OSError | None = None
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> Iterator[Message]:
        """End it.

        :returns: what is still to be handled, in order; raises where reading failed.
        """
        self._greenlet.kill()  # it waits for input, if it has begun at all
        rest = self._messages if self._error is None else _failing(self._error)
        return chain(self._kept, self._begun, rest)

    def _run(self) -> None:
        try:
            self._keep()
            while self._room > 0:
                following = next(self._reads, None)
                if following is None:
                    break
                self._messages = following
                self._keep()
            else:
                return
        except (ProtocolError, OSError) as error:
            self._error = error
        self._gone(self._error)

    def _keep(self) -> None:
        for message in self._messages:
            content = self._content(message)
            if content is None or not self._acks.take(content):
                self._kept.append(message)
                self._room -= len(message[1])
            elif self._acks.incomplete:
                self._begun.append(message)
            else:
                self._begun.clear()


def _failing(error: Exception) -> Iterator[NoReturn]:
    raise error
    yield
