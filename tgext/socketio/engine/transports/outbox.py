"""The output of a polling client, kept until a poll fetches it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from gevent.event import Event

from ...wire.limits import MAX_BYTES_SENT, MAX_PACKETS_SENT
from ...wire.socketio.encoded import Encoded, message_size
from ..io.backlog import OutputBounds
from ..io.outbox import Outbox
from ..io.output import SocketOutbox


class PollingOutbox(Outbox):
    """Packets that wait for a polling client to fetch them.

    :param bounds: how much may wait, and how long.
    :param overflow: called once, with the reason, when the client is too slow.

    :ivar ready: whether a poll is answered at once.
    :ivar answering: how many answers to polls are being sent. While there are some, the
        client is reading, even if it takes no further packet.
    """

    def __init__(
        self, bounds: OutputBounds, overflow: Callable[[str], object] | None = None
    ) -> None:
        super().__init__(bounds, overflow)
        self._packets: deque[str | bytes] = deque()
        self.ready = False
        #: What polls that wait have asked to be called.
        self._waiting: list[Callable[[], object]] = []
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
        self.wake()

    def send_own(self, encoded: Encoded) -> None:
        """Keep a packet of the protocol, even if more than ``max_outbox`` waits."""
        if not self.closed:
            self._packets.append(encoded.text)
            self.size += message_size(encoded.text)
            self.wake()

    @property
    def writable(self) -> bool:
        """Whether a poll waits, and takes what is sent now."""
        return bool(self._waiting) and self.size <= self.ease and not self.closed

    def flush(self) -> None:
        """Has no effect: the client fetches what waits."""

    def call_when_ready(self, function: Callable[[], object]) -> None:
        """Call a function once a poll can be answered, until :meth:`forget`.

        It is not called if one can be answered already. It must not block.
        """
        self._waiting.append(function)

    def forget(self, function: Callable[[], object]) -> None:
        """No longer call a function; one that is not called has no effect."""
        if function in self._waiting:
            self._waiting.remove(function)

    def wait(self) -> None:
        """Block until there is a packet, or :meth:`wake` or :meth:`close` is called."""
        if not self.ready:
            event = Event()
            self.call_when_ready(event.set)
            try:
                event.wait()
            finally:
                self.forget(event.set)

    def wake(self) -> None:
        """Let polls be answered, with or without a packet."""
        if not self.ready:
            self.ready = True
            for each in self._waiting:
                each()

    def take(
        self, most: int = MAX_PACKETS_SENT, most_bytes: int = MAX_BYTES_SENT
    ) -> list[str | bytes]:
        """The packets for one poll, oldest first; an empty list when there is none.

        :param most: the most packets.
        :param most_bytes: their most bytes; a single packet may have more.
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
        self.sent += len(packets)
        self.sent_bytes += taken
        if taken:
            self._took(taken)
        if not waiting:
            self._unwatch()
            self.ready = self.closed
        return packets

    def put_back(self, packets: Sequence[str | bytes]) -> None:
        """Keep packets that a poll took and did not deliver, for the next poll."""
        self._packets.extendleft(reversed(packets))
        size = sum(map(message_size, packets))
        self.size += size
        self.sent -= len(packets)
        self.sent_bytes -= size
        self.wake()

    def move_to(self, other: SocketOutbox, prefix: bytes) -> None:
        """Move what waits to the outbox of the transport that takes over.

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
            other.forgive()

    def close(self) -> None:
        """Take no more packets; those that wait may still be fetched."""
        self.closed = True
        self.wake()
        self._unwatch()

    def drop(self) -> None:
        self._packets.clear()
        self.size = 0
        self.close()

    def _is_taking(self) -> bool:
        return self.answering > 0
