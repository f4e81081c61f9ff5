"""Output of connections: the write buffer of a socket.

Sending never blocks. What the kernel does not take waits in the connection's write
buffer, within the bounds of :mod:`~tgext.socketio.engine.io.backlog`. When they are
exceeded the connection ends: a slow client is disconnected, but never misses single
messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent import get_hub

from ...wire.socketio.encoded import Encoded, as_text_frame
from ...wire.websocket.frames import BINARY, encode_frame
from .backlog import FLUSH_SIZE, OutputBounds
from .batcher import Batcher
from .outbox import Outbox
from .sockets import below

_WRITE = 2


class SocketOutbox(Outbox):
    """The write buffer of a connection.

    :param sock: a gevent socket.
    :param batcher: coalesces output while it is held.
    :param bounds: how much may wait, and how long.
    :param overflow: called once, with the reason, when the peer is too slow.
    """

    __slots__ = ("_batcher", "_chunks", "_sock")

    def __init__(
        self,
        sock: Any,
        batcher: Batcher,
        bounds: OutputBounds,
        overflow: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(bounds, overflow)
        # gevent's own `send` waits when the buffer is full.
        self._sock = below(sock)
        self._batcher = batcher
        #: What is part of a batch, or what the kernel did not take. In the second case
        #: `_watch` is set, and nothing is written before the kernel takes more.
        self._chunks: list[bytes | memoryview] = []

    def send(self, encoded: Encoded) -> None:
        """Send a packet."""
        self.write(encoded.frame)

    def bytes_frame(self, data: bytes, prefix: bytes) -> bytes:
        """The frame of a message of bytes; see :class:`Encoded`."""
        return encode_frame(BINARY, prefix + data)

    def write(self, data: bytes) -> None:
        """Send bytes: with the batch while the batcher is held, otherwise now. What the
        kernel does not take is sent later.
        """
        chunks = self._chunks
        size = self.size + len(data)
        if chunks:
            if size <= self.ease:
                chunks.append(data)
                self.size = size
            else:
                self._keep(data)
            return
        if self.closed:
            return
        chunks.append(data)
        self.size = size
        batcher = self._batcher
        if batcher.holders and size < FLUSH_SIZE:
            if not batcher.pending:
                batcher.begin()
            batcher.pending.append(self)
        else:
            self.flush()

    @property
    def writable(self) -> bool:
        """Whether the kernel has taken all that was offered to it."""
        return self._watch is None and not self.closed

    def send_own(self, encoded: Encoded) -> None:
        """Send a packet of the protocol, which never disconnects a slow client."""
        self.write_own(encoded.frame)

    def write_own(self, data: bytes) -> None:
        """Send bytes that never disconnect a slow peer: pings, pongs, close frames."""
        if self._watch is None:
            self.write(data)
        elif not self.closed:
            self._chunks.append(data)
            self.size += len(data)

    def flush(self) -> None:
        """Send what waits, as far as the kernel takes it."""
        if self._chunks and self._watch is None:
            self._flush_now()

    def close(self) -> None:
        """Drop what waits, and send nothing more."""
        self.closed = True
        self._chunks.clear()
        self.size = 0
        self.ease = -1
        self._unwatch()

    def drop(self) -> None:
        self.close()

    def _keep(self, data: bytes) -> None:
        """Append bytes when more than ``ease`` bytes wait."""
        batched = self._watch is None
        if not batched and not self._admit(len(data)):
            return
        self._chunks.append(data)
        self.size += len(data)
        if batched:
            # None of them has been offered to the kernel yet.
            self._flush_now()

    def _flush_now(self) -> None:
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The reader of the connection gets the same error, and ends it.
            self.close()
            return
        self.sent_bytes += sent
        if sent == len(data):
            self.sent += len(chunks)
            chunks.clear()
            self.size = 0
        else:
            self._keep_rest(data, sent)

    def _keep_rest(self, data: bytes | memoryview, sent: int) -> None:
        """Keep what the kernel did not take, and wait until it takes more.

        :param sent: how many bytes it took.
        """
        rest = len(data) - sent
        large = rest > FLUSH_SIZE
        self.sent += len(self._chunks) - 1
        self._chunks[:] = [memoryview(data)[sent:] if large else data[sent:]]
        self.size = rest
        if self._watch is None:
            self._begin_watch()
        elif sent:
            self._took(sent)

    def _begin_watch(self) -> None:
        watch = self._watched()
        watch.io = get_hub().loop.io(self._sock.fileno(), _WRITE)
        watch.io.start(self._writable)
        self.forgive()

    def _writable(self) -> None:
        self._flush_now()
        if not self._chunks:
            self._unwatch()


class TextOutbox(SocketOutbox):
    """The write buffer of a client that can receive only text (``forceBase64``)."""

    __slots__ = ()

    def send(self, encoded: Encoded) -> None:
        self.write(encoded.text_frame if encoded.attachments else encoded.frame)

    def bytes_frame(self, data: bytes, prefix: bytes) -> bytes:
        return as_text_frame(data, prefix)
