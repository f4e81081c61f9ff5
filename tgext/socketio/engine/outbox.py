"""A connection's bounded output.

Sending never blocks. What a WebSocket's kernel buffer takes is gone at once; what it
does not take, and what a polling client has not fetched, waits here, up to a bound.
Past it the connection is ended: a slow client is disconnected, never skipped.
"""

from __future__ import annotations

from _socket import socket as NativeSocket
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gevent import get_hub
from gevent.event import Event

from ..wire.engineio import BINARY_MARK
from ..wire.limits import MAX_OUTBOX, MAX_PACKETS_SENT
from ..wire.websocket import BINARY, TEXT, encode_frame
from .tls import below

if TYPE_CHECKING:
    from .cork import Cork

#: Bytes that an outbox gathers before it writes all the same.
_FLUSH_SIZE = 65536

_WRITE = 2

#: Stands for the number of bytes that a connection that failed took.
_FAILED = -1


class Encoded:
    """A packet as text with its attachments, and as the frames that carry it.

    The frames are made once, however many connections they go to.

    :param text: the text of the message.
    :param attachments: the bytes that follow it, each a message of its own.
    :param prefix: what stands before the bytes of a message in a WebSocket frame.
    """

    __slots__ = ("_frame", "_text_frame", "attachments", "prefix", "text")

    def __init__(
        self, text: str, attachments: Sequence[bytes] = (), prefix: bytes = b""
    ) -> None:
        self.text = text
        self.attachments = attachments
        self.prefix = prefix
        self._frame = b""
        self._text_frame = b""

    @property
    def frame(self) -> bytes:
        """One frame for the text, and one for each attachment."""
        frame = self._frame
        if not frame:
            try:
                data = self.text.encode()
            except UnicodeEncodeError:
                # Half a surrogate pair; JSON escapes it, plain messages don't.
                data = self.text.encode("utf-8", "replace")
            frame = encode_frame(TEXT, data)
            for attachment in self.attachments:
                frame += encode_frame(BINARY, self.prefix + attachment)
            self._frame = frame
        return frame

    @property
    def text_frame(self) -> bytes:
        """The same for a client that takes no bytes: attachments are in base64."""
        frame = self._text_frame
        if not frame:
            frame = encode_frame(TEXT, self.text.encode("utf-8", "replace"))
            for attachment in self.attachments:
                frame += _as_text(attachment, self.prefix)
            self._text_frame = frame
        return frame


def _as_text(data: bytes, prefix: bytes) -> bytes:
    """The frame of a message of bytes in base64.

    Engine.IO 3 has the type of the packet behind the mark, as it has it before bytes.
    """
    head = BINARY_MARK + "".join(map(str, prefix))
    return encode_frame(TEXT, head.encode() + b64encode(data))


def _size(message: str | bytes) -> int:
    if isinstance(message, bytes) or message.isascii():
        return len(message)
    return len(message.encode("utf-8", "replace"))


class PollingOutbox:
    """Packets that wait for a polling client to fetch them.

    :param limit: bytes that may wait.
    :param overflow: called once when more would wait.
    """

    def __init__(
        self, limit: int = MAX_OUTBOX, overflow: Callable[[], object] | None = None
    ) -> None:
        self._limit = limit
        self._overflow = overflow
        self._packets: deque[str | bytes] = deque()
        self._ready = Event()
        self.size = 0
        self.closed = False

    def __len__(self) -> int:
        return len(self._packets)

    def send(self, encoded: Encoded) -> None:
        """Keep a packet for the next poll."""
        if self.closed:
            return
        packets: list[str | bytes] = [encoded.text, *encoded.attachments]
        size = sum(map(_size, packets))
        if self._packets and self.size + size > self._limit:
            self.close()
            self._packets.clear()
            if self._overflow is not None:
                self._overflow()
            return
        self._packets.extend(packets)
        self.size += size
        self._ready.set()

    def wait(self) -> None:
        """Block until there is a packet, or :meth:`wake` or :meth:`close`."""
        self._ready.wait()

    def wake(self) -> None:
        """End a :meth:`wait` without a packet."""
        self._ready.set()

    def take(self, most: int = MAX_PACKETS_SENT) -> list[str | bytes]:
        """The packets for one poll, oldest first; an empty list when there is none."""
        packets: list[str | bytes] = []
        while self._packets and len(packets) < most:
            packets.append(self._packets.popleft())
        self.size -= sum(map(_size, packets))
        if not self._packets and not self.closed:
            self._ready.clear()
        return packets

    def move_to(self, other: SocketOutbox, prefix: bytes) -> None:
        """Hand all that waits to the outbox of the transport that follows.

        :param prefix: see :class:`Encoded`.
        """
        while self._packets:
            packet = self._packets.popleft()
            if isinstance(packet, str):
                other.send(Encoded(packet))
            else:
                other.send_bytes(packet, prefix)
        self.size = 0
        self.close()

    def close(self) -> None:
        """Take no more packets; those that wait may still be fetched."""
        self.closed = True
        self._ready.set()


class SocketOutbox:
    """Bytes that wait for a connection's kernel buffer.

    :param sock: a gevent socket.
    :param cork: gathers output while it is held; one for all connections of a server.
    :param limit: bytes that may wait.
    :param overflow: called once when more would wait.
    """

    __slots__ = (
        "_chunks",
        "_cork",
        "_drained",
        "_ease",
        "_limit",
        "_overflow",
        "_sock",
        "_watcher",
        "closed",
        "size",
    )

    def __init__(
        self,
        sock: Any,
        cork: Cork,
        limit: int = MAX_OUTBOX,
        overflow: Callable[[], object] | None = None,
    ) -> None:
        # gevent's own `send` waits when the buffer is full.
        self._sock = below(sock)
        self._limit = limit
        #: As many bytes may wait before anything has to be done about them.
        self._ease = min(limit, _FLUSH_SIZE)
        self._overflow = overflow
        self._cork = cork
        #: What was gathered, or what the kernel did not take: then it is watched.
        self._chunks: list[bytes] = []
        self._watcher: Any = None
        self._drained: Event | None = None
        self.size = 0
        self.closed = False

    def send(self, encoded: Encoded) -> None:
        """Send a packet."""
        self.write(encoded._frame or encoded.frame)

    def send_bytes(self, data: bytes, prefix: bytes) -> None:
        """Send a message of bytes; see :class:`Encoded`."""
        self.write(encode_frame(BINARY, prefix + data))

    def write(self, data: bytes) -> None:
        """Send bytes: now if the kernel takes them, else when it does.

        While the cork is held they leave with all else that is gathered.
        """
        chunks = self._chunks
        size = self.size + len(data)
        if chunks:
            if size <= self._ease:
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
        if cork.held and size < _FLUSH_SIZE:
            if not cork.gathered:
                cork.begin()
            cork.gathered.append(self)
        else:
            self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the kernel takes it."""
        chunks = self._chunks
        if not chunks or self._watcher is not None:
            return
        self._flush_now()

    def wait_drained(self, timeout: float) -> bool:
        """Block until nothing waits.

        :param timeout: seconds to wait at most.
        :returns: whether all was sent.
        """
        self.flush()
        if self._chunks and not self.closed:
            if self._drained is None:
                self._drained = Event()
            self._drained.wait(timeout)
        return not self._chunks

    def wait_for_room(self, most: int, patience: float) -> bool:
        """Block until no more than ``most`` bytes wait.

        :param patience: seconds in which the peer has to take some.
        :returns: False when it took none.
        """
        while self.size > most:
            before = self.size
            if not self.wait_drained(patience) and self.size >= before:
                return False
        return True

    def close(self) -> None:
        """Drop what waits and take nothing more."""
        self.closed = True
        self._chunks.clear()
        self.size = 0
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        if self._drained is not None:
            self._drained.set()
            self._drained = None

    def _keep(self, data: bytes) -> None:
        """Put bytes behind others that wait."""
        size = self.size + len(data)
        # One message may be larger than the bound; nothing may wait behind it.
        if size > self._limit and not self._room(len(data)):
            self.close()
            if self._overflow is not None:
                self._overflow()
        if self.closed:
            return
        self._chunks.append(data)
        self.size += len(data)
        if size > _FLUSH_SIZE:
            self.flush()

    def _room(self, size: int) -> bool:
        # Gathered output has not been offered to the kernel yet: offer it first.
        self.flush()
        return not self._chunks or self.size + size <= self._limit

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

    def _fell_short(self, data: bytes, sent: int) -> None:
        """Keep what the kernel did not take of all that waited, and watch it.

        :param sent: how many bytes it took; negative where the connection failed.
        """
        if sent < 0:
            # The reader meets the same error and ends the connection.
            self.close()
            return
        self._chunks[:] = [data[sent:]]
        self.size = len(data) - sent
        if self._watcher is None:
            self._watch()

    def _watch(self) -> None:
        self._watcher = get_hub().loop.io(self._sock.fileno(), _WRITE)
        self._watcher.start(self._writable)

    def _writable(self) -> None:
        self._flush_now()
        if not self._chunks and self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
            self._wake_waiting()


class TextOutbox(SocketOutbox):
    """That of a WebSocket whose client takes text alone (``forceBase64``)."""

    __slots__ = ()

    def send(self, encoded: Encoded) -> None:
        self.write(encoded.text_frame if encoded.attachments else encoded.frame)

    def send_bytes(self, data: bytes, prefix: bytes) -> None:
        self.write(_as_text(data, prefix))


def flush_all(outboxes: Iterable[SocketOutbox]) -> None:
    """Send what waits in several outboxes, as far as the kernel takes it.

    A processor that comes back from the kernel runs the interpreter slowly at first, so
    the system calls come one after the other, and nothing is interpreted between them.

    :param outboxes: one may be there twice.
    """
    ready: list[SocketOutbox] = []
    output: list[bytes] = []
    for each in dict.fromkeys(outboxes):
        chunks = each._chunks
        if not chunks or each._watcher is not None:
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
