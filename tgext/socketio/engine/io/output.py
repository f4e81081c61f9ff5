"""A connection's bounded output.

Sending never blocks. What a WebSocket's kernel buffer takes is gone at once; what it
does not take, and what a polling client has not fetched, waits here, within the bounds
of :mod:`~tgext.socketio.engine.io.backlog`. Past them the connection is ended: a slow
client is disconnected, never skipped.
"""

from __future__ import annotations

from _socket import socket as NativeSocket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gevent import get_hub
from gevent.event import Event

from ...wire.limits import MAX_BYTES_SENT, MAX_PACKETS_SENT
from ...wire.socketio.encoded import Encoded, as_text_frame, message_size
from ...wire.websocket.frames import BINARY, encode_frame
from .backlog import FLUSH_SIZE, Outbox, OutputBounds
from .tls import below

if TYPE_CHECKING:
    from .cork import Cork

_WRITE = 2

#: Stands for the number of bytes that a connection that failed took.
_FAILED = -1


class PollingOutbox(Outbox):
    """Packets that wait for a polling client to fetch them.

    :param bounds: what may wait.
    :param overflow: called once, with the reason, when the client is given up.

    :ivar answering: how many polls are being answered: the client is taking something.
    """

    def __init__(
        self, bounds: OutputBounds, overflow: Callable[[str], object] | None = None
    ) -> None:
        super().__init__(bounds, overflow)
        self._packets: deque[str | bytes] = deque()
        self._ready = Event()
        self.answering = 0

    def __len__(self) -> int:
        return len(self._packets)

    def send(self, encoded: Encoded) -> None:
        """Keep a packet for the next poll."""
        if self.closed:
            return
        packets: list[str | bytes] = [encoded.text, *encoded.attachments]
        size = sum(map(message_size, packets))
        if self.size + size > self.ease and not self._admit(size):
            return
        self._packets.extend(packets)
        self.size += size
        self._ready.set()

    def send_own(self, encoded: Encoded) -> None:
        """Keep a packet of the server's own, for which no client is given up."""
        if not self.closed:
            self._packets.append(encoded.text)
            self.size += message_size(encoded.text)
            self._ready.set()

    @property
    def ready(self) -> bool:
        """Whether :meth:`wait` would return at once."""
        return self._ready.is_set()

    def wait(self) -> None:
        """Block until there is a packet, or :meth:`wake` or :meth:`close`."""
        self._ready.wait()

    def wake(self) -> None:
        """End a :meth:`wait` without a packet."""
        self._ready.set()

    def take(
        self, most: int = MAX_PACKETS_SENT, most_bytes: int = MAX_BYTES_SENT
    ) -> list[str | bytes]:
        """The packets for one poll, oldest first; an empty list when there is none.

        :param most: how many there may be.
        :param most_bytes: bytes that they may have, unless it is one that is larger.
        """
        waiting = self._packets
        packets: list[str | bytes] = []
        taken = 0
        while waiting and len(packets) < most:
            size = message_size(waiting[0])
            if packets and taken + size > most_bytes:
                break
            packets.append(waiting.popleft())
            taken += size
        self.size -= taken
        if taken:
            self._took(taken)
        if not waiting:
            self._unwatch()
            if not self.closed:
                self._ready.clear()
        return packets

    def put_back(self, packets: Sequence[str | bytes]) -> None:
        """Packets that were taken did not get to the client: the next poll has them."""
        self._packets.extendleft(reversed(packets))
        self.size += sum(map(message_size, packets))
        self._ready.set()

    def move_to(self, other: SocketOutbox, prefix: bytes) -> None:
        """Hand all that waits to the outbox of the transport that follows.

        :param prefix: see :class:`Encoded`.
        """
        frames: list[bytes] = []
        while self._packets:
            packet = self._packets.popleft()
            if isinstance(packet, str):
                frames.append(Encoded(packet).frame)
            else:
                frames.append(other.bytes_frame(packet, prefix))
        self.size = 0
        self.close()
        if frames:
            other.write_own(b"".join(frames))
            other._forgive()

    def close(self) -> None:
        """Take no more packets; those that wait may still be fetched."""
        self.closed = True
        self._ready.set()
        self._unwatch()

    def _drop(self) -> None:
        self._packets.clear()
        self.size = 0
        self.close()

    def _is_taking(self) -> bool:
        return self.answering > 0


class SocketOutbox(Outbox):
    """Bytes that wait for a connection's kernel buffer.

    :param sock: a gevent socket.
    :param cork: gathers output while it is held; one for all connections of a server.
    :param bounds: what may wait.
    :param overflow: called once, with the reason, when the peer is given up.
    """

    __slots__ = ("_chunks", "_cork", "_sock")

    def __init__(
        self,
        sock: Any,
        cork: Cork,
        bounds: OutputBounds,
        overflow: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(bounds, overflow)
        # gevent's own `send` waits when the buffer is full.
        self._sock = below(sock)
        self._cork = cork
        #: What was gathered, or what the kernel did not take: then it is watched.
        self._chunks: list[bytes | memoryview] = []

    def send(self, encoded: Encoded) -> None:
        """Send a packet."""
        self.write(encoded._frame or encoded.frame)

    def bytes_frame(self, data: bytes, prefix: bytes) -> bytes:
        """The frame of a message of bytes; see :class:`Encoded`."""
        return encode_frame(BINARY, prefix + data)

    def write(self, data: bytes) -> None:
        """Send bytes: now if the kernel takes them, else when it does.

        While the cork is held they leave with all else that is gathered.
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
        cork = self._cork
        if cork.held and size < FLUSH_SIZE:
            if not cork.gathered:
                cork.begin()
            cork.gathered.append(self)
        else:
            self.flush()

    def send_own(self, encoded: Encoded) -> None:
        """Send a packet of the server's own, for which no client is given up."""
        self.write_own(encoded.frame)

    def write_own(self, data: bytes) -> None:
        """Send bytes for which no peer is given up: pings, pongs, farewells."""
        if self._watch is None:
            self.write(data)
        elif not self.closed:
            self._chunks.append(data)
            self.size += len(data)

    def flush(self) -> None:
        """Send what waits, as far as the kernel takes it."""
        chunks = self._chunks
        if not chunks or self._watch is not None:
            return
        self._flush_now()

    def wait_drained(self, timeout: float) -> bool:
        """Block until nothing waits.

        :param timeout: seconds to wait at most.
        :returns: whether all was sent.
        """
        self.flush()
        if self._chunks and not self.closed:
            watch = self._watched()
            if watch.drained is None:
                watch.drained = Event()
            watch.drained.wait(timeout)
        return not self._chunks

    def close(self) -> None:
        """Drop what waits and take nothing more."""
        self.closed = True
        self._chunks.clear()
        self.size = 0
        self._unwatch()

    _drop = close

    def _keep(self, data: bytes) -> None:
        """Put bytes behind others that wait."""
        gathered = self._watch is None
        if not gathered and not self._admit(len(data)):
            return
        self._chunks.append(data)
        self.size += len(data)
        if gathered:
            # They have not been offered to the kernel yet.
            self._flush_now()

    def _flush_now(self) -> None:
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = _FAILED
        if sent == len(data):
            self._chunks.clear()
            self.size = 0
        else:
            self._fell_short(data, sent)

    def _fell_short(self, data: bytes | memoryview, sent: int) -> None:
        """Keep what the kernel did not take of all that waited, and watch it.

        :param sent: how many bytes it took; negative where the connection failed.
        """
        if sent < 0:
            # The reader meets the same error and ends the connection.
            self.close()
            return
        rest = len(data) - sent
        large = rest > FLUSH_SIZE
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
        self._forgive()

    def _writable(self) -> None:
        self._flush_now()
        if not self._chunks:
            self._unwatch()


class TextOutbox(SocketOutbox):
    """That of a WebSocket whose client takes text alone (``forceBase64``)."""

    __slots__ = ()

    def send(self, encoded: Encoded) -> None:
        self.write(encoded.text_frame if encoded.attachments else encoded.frame)

    def bytes_frame(self, data: bytes, prefix: bytes) -> bytes:
        return as_text_frame(data, prefix)


def flush_all(outboxes: Iterable[SocketOutbox]) -> None:
    """Send what waits in several outboxes, as far as the kernel takes it.

    A processor that comes back from the kernel runs the interpreter slowly at first, so
    the system calls come one after the other, and nothing is interpreted between them.

    :param outboxes: one may be there twice.
    """
    ready: list[SocketOutbox] = []
    output: list[bytes | memoryview] = []
    for each in dict.fromkeys(outboxes):
        chunks = each._chunks
        if not chunks or each._watch is not None:
            continue
        if isinstance(each._sock, NativeSocket):
            ready.append(each)
            output.append(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        else:
            each.flush()  # TLS
    calls = map(NativeSocket.send, [each._sock for each in ready], output)
    sent: list[int] = []
    while len(sent) < len(ready):
        try:
            sent.extend(calls)
        except BlockingIOError:
            sent.append(0)
        except OSError:
            sent.append(_FAILED)
    for outbox, data, count in zip(ready, output, sent, strict=True):
        if count == len(data):
            outbox._chunks.clear()
            outbox.size = 0
        else:
            outbox._fell_short(data, count)
