"""What clients send to a namespace before they connect to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...wire.errors import ProtocolError
from ...wire.socketio.packet import Packet
from ..concurrency.fairness import in_turns
from ..concurrency.heartbeat import Deadline

if TYPE_CHECKING:
    from .session import Socket

#: Seconds in which the connect packet has to follow.
PATIENCE = 5.0

#: Packets that may wait; they may have as many bytes as one message.
MOST = 1000


class EarlyPackets:
    """The packets of a 0.9 client for namespaces that it has not asked for yet.

    It gathers events while it has no connection. When it has one again, it sends them,
    and after them the connect packets of its namespaces.

    :param socket: the client's connection.
    """

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._waiting: dict[str, list[str]] = {}
        self._size = 0
        self._count = 0
        self._deadline = Deadline(self._expire)

    def hold(self, packet: Packet) -> bool:
        """Keep a packet until the connect packet comes.

        :returns: False when there are too many.
        """
        socket = self._socket
        # Read again later, it takes no more than its text meanwhile.
        text = socket.encode(packet).text
        most = socket.hub.limits.max_message_size
        if self._count >= MOST or self._size + len(text) > most:
            return False
        if not self._waiting:
            socket.hub.timers.add(self._deadline, PATIENCE)
        self._waiting.setdefault(packet["endpoint"], []).append(text)
        self._size += len(text)
        self._count += 1
        return True

    def take(self, endpoint: str) -> Iterator[Packet]:
        """What came for a namespace; it is not kept any more.

        Ends with the connection.
        """
        texts = self._waiting.pop(endpoint, [])
        self._size -= sum(map(len, texts))
        self._count -= len(texts)
        if not self._waiting:
            self._socket.hub.timers.discard(self._deadline)
        for text in in_turns(texts):
            if not self._socket.connected:
                return
            packet = self._read(text)
            if packet is not None:
                yield packet

    def _read(self, text: str) -> Packet | None:
        try:
            return self._socket.assembler.take(text)
        except ProtocolError:  # it could be read when it came
            return None

    def clear(self) -> None:
        """The connection ended."""
        self._waiting.clear()
        self._size = self._count = 0
        self._socket.hub.timers.discard(self._deadline)

    def _expire(self) -> None:
        for endpoint in list(self._waiting):
            self._socket.start_own_job(self._socket.admission.give_up_early, endpoint)
