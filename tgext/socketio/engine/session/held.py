"""Packets that wait until a client is admitted to a namespace."""

from __future__ import annotations

from ...wire.socketio.encoded import Encoded, message_size

#: Bytes that a packet takes in memory in addition to its text.
OVERHEAD = 64


class Held:
    """What ``initialize`` and ``recv_connect`` of a namespace send to their client.

    They may also send by other namespaces, which the client is in already. Such packets
    wait as well, so that all of them arrive in order.

    :ivar size: the bytes of the packets that wait.
    """

    __slots__ = ("_aside", "_kept", "_packets", "size")

    def __init__(self) -> None:
        self._packets: list[Encoded] = []
        #: Those of them that are of other namespaces.
        self._aside: list[Encoded] = []
        self.size = 0
        #: How many packets and bytes a further attempt begins with.
        self._kept = (0, 0, 0)

    def add(self, encoded: Encoded, aside: bool = False) -> None:
        """Keep a packet.

        :param aside: whether it is of another namespace.
        """
        self._packets.append(encoded)
        if aside:
            self._aside.append(encoded)
        attachments = sum(map(len, encoded.attachments))
        self.size += message_size(encoded.text) + attachments + OVERHEAD

    def keep(self) -> None:
        """Keep what waits now for all further attempts."""
        self._kept = len(self._packets), len(self._aside), self.size

    def rewind(self) -> None:
        """Drop what an attempt sent, except what :meth:`keep` kept."""
        packets, aside, self.size = self._kept
        del self._packets[packets:]
        del self._aside[aside:]

    def take(self) -> list[Encoded]:
        """Remove all packets and return them."""
        packets = self._packets
        self.clear()
        return packets

    def take_aside(self) -> list[Encoded]:
        """Remove all packets, and return those of other namespaces."""
        aside = self._aside
        self.clear()
        return aside

    def clear(self) -> None:
        """Remove all packets."""
        self._packets, self._aside, self.size = [], [], 0
