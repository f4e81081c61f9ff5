"""A transport that needs no greenlet while it waits for input.

The event loop watches the socket, and a greenlet of the hub's pool handles what has
come. While a handler waits, the connection keeps that greenlet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent

from ...wire.errors import ProtocolError
from ...wire.websocket.connection import Connection
from ...wire.websocket.frames import Message
from ..hub.hub import Hub
from ..session.session import Socket
from .base import Transport
from .reads import Reads


class ResumedTransport(Transport):
    """Handles what is read, until the connection ends.

    :param sock: the gevent socket.
    :param connection: decodes what is read.
    :param early: bytes that were read with the handshake and follow it.

    :ivar worker: the greenlet in which handlers run; None while none does.
    """

    def __init__(
        self, hub: Hub, socket: Socket, sock: Any, connection: Connection, early: bytes
    ) -> None:
        super().__init__(hub, socket)
        self.reads = Reads(sock, connection, early)
        self.worker: Any = None
        #: Whether input is handled, or is about to be.
        self._busy = True
        self._has_left = False
        self._when_ended: Callable[[], object] | None = None

    def _handle(self, messages: Iterator[Message]) -> bool:
        """Handle what was read; True when it ended the connection."""
        raise NotImplementedError

    def _leave(self, error: ProtocolError | OSError | None) -> None:
        """End the session, and release what is the transport's.

        :param error: why the input has ended; None when the peer closed the connection.
        """
        raise NotImplementedError

    def when_ended(self, function: Callable[[], object]) -> None:
        """Call a function when the connection has ended."""
        if self._has_left:
            function()
        else:
            self._when_ended = function

    def _ready(self) -> None:
        """There is input. The event loop calls this until it is read."""
        if self._busy:
            # A handler waits. Until it has ended, TCP makes the client wait.
            self.reads.unwatch()
        else:
            self._busy = True
            self.hub.pool.add(self._resume)

    def _resume(self) -> None:
        if not self._has_left:
            self.go_on(self.reads.read_ready)

    def go_on(self, read: Callable[[], Iterator[Message] | None]) -> bool:
        """Handle messages, and from then on those that come.

        :param read: returns the messages; None at the end of the connection. It raises
            ``BlockingIOError`` when there are none yet.
        :returns: whether the connection goes on; otherwise it has ended.
        """
        goes_on = False
        error: ProtocolError | OSError | None = None
        try:
            if not self._read_and_handle(read):
                self.worker = None
                self.reads.watch(self._ready)
                goes_on = True
        except (ProtocolError, OSError) as raised:
            error = raised.with_traceback(None)  # which would keep this frame
        finally:
            if goes_on:
                self._busy = False
            else:
                self._end_input(error)
        return goes_on

    def _read_and_handle(self, read: Callable[[], Iterator[Message] | None]) -> bool:
        try:
            messages = read()
        except BlockingIOError:
            return False
        self.worker = gevent.getcurrent()
        return messages is None or self._handle(messages)

    def _end_input(self, error: ProtocolError | OSError | None) -> None:
        try:
            self._leave(error)
        finally:
            self.reads.close()
            self.worker = None
            self._has_left = True
            ended, self._when_ended = self._when_ended, None
            if ended is not None:
                ended()
