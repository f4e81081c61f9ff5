"""Events that clients 0.9 send to a namespace before they connect to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...wire.errors import MessageTooBig, ProtocolError
from ...wire.socketio.packet import Packet
from ..concurrency.fairness import in_turns
from ..concurrency.heartbeat import Deadline
from ..hub.account import cost
from .connection import Connection

#: Seconds in which the connect packet has to follow.
PATIENCE = 5.0

#: The most packets that may wait. All together may be as large as one message.
MOST = 1000


class EarlyPackets:
    """The packets of a 0.9 client for namespaces that it has not asked for yet.

    The client gathers events while it has no connection. When it has one again, it
    sends them, and after them the connect packets of its namespaces.

    :param socket: the client's session.
    :param refuse: called with each packet whose namespace the client did not ask for in
        :data:`PATIENCE` seconds.

    :ivar count: how many packets wait.
    :ivar size: how many characters they have.
    """

    __slots__ = (
        "_asked",
        "_deadline",
        "_refuse",
        "_socket",
        "_waiting",
        "count",
        "size",
    )

    def __init__(self, socket: Connection, refuse: Callable[[Packet], None]) -> None:
        self._socket = socket
        self._refuse = refuse
        #: The namespaces that the client has asked for.
        self._asked: set[str] = set()
        self._waiting: dict[str, list[str]] = {}
        self.size = 0
        self.count = 0
        self._deadline: Deadline | None = None

    def has_asked(self, endpoint: str) -> None:
        """Note that the client asked for a namespace: later packets are not early."""
        self._asked.add(endpoint)

    def hold(self, packet: Packet) -> bool:
        """Keep a packet until the connect packet comes.

        :returns: False when it is not early, or when too many wait.
        """
        socket, endpoint = self._socket, packet["endpoint"]
        if endpoint in self._asked or endpoint not in (socket.namespaces or ()):
            return False
        # Kept as text, it needs less memory. It is decoded again later.
        text = socket.encode(packet).text
        most = socket.hub.limits.max_message_size
        if self.count >= MOST or self.size + len(text) > most:
            return False
        try:
            socket.account.charge(cost(text))
        except MessageTooBig:
            return False
        if self._deadline is None:
            self._deadline = Deadline(self._expire)
            socket.hub.timers.add(self._deadline, PATIENCE)
        self._waiting.setdefault(endpoint, []).append(text)
        self.size += len(text)
        self.count += 1
        return True

    def take(self, endpoint: str) -> Iterator[Packet]:
        """Remove and yield the packets for a namespace, until the connection ends."""
        texts = self._waiting.pop(endpoint, [])
        self.size -= sum(map(len, texts))
        self.count -= len(texts)
        if not self._waiting:
            self._stop_waiting()
        for text in in_turns(texts):
            self._socket.account.release(cost(text))
            if not self._socket.connected:
                return
            packet = self._decode(text)
            if packet is not None:
                yield packet

    def _decode(self, text: str) -> Packet | None:
        try:
            return self._socket.assembler.take(text)
        except ProtocolError:  # it was valid when it came
            return None

    def clear(self) -> None:
        """Drop all packets: the connection ended."""
        self._waiting.clear()
        self.size = self.count = 0
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._socket.hub.timers.discard(self._deadline)
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        for endpoint in list(self._waiting):
            self._socket.start_own_job(self._give_up, endpoint)

    def _give_up(self, endpoint: str) -> None:
        # If the client has asked meanwhile, its packets are taken when it is connected.
        if endpoint in self._socket.admission.asking:
            return
        self.has_asked(endpoint)
        for packet in self.take(endpoint):
            self._refuse(packet)
