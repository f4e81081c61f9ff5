"""Memory that the process keeps for one client.

Whatever a client can make grow is charged to the account of its connection, with its
real size: an empty message costs what an empty text in a queue costs. While much input
is not handled yet, no more is read: TCP's flow control makes the client wait, or its
POST is not read. Input that cannot wait ends the connection. What the application keeps
for a client, such as rooms, is bounded by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof

from ...wire.errors import MessageTooBig

#: Bytes of a message in a queue, besides its own object: a tuple with its kind, and an
#: entry of the queue.
SLOT = 64

#: The least of a bound in bytes, however small ``max_message_size`` is.
LEAST = 64 * 1024


def cost(message: str | bytes) -> int:
    """The bytes that a message takes while it is kept."""
    return getsizeof(message) + SLOT


class LimitExceeded(RuntimeError):
    """A client has as many things as an option allows; the message names the option."""


class Bounds:
    """The bounds of the accounts of a server.

    :param max_message_size: bytes of a message.
    :param numbers: how many things are allowed, by the name of the option.

    :ivar unread: bytes of unhandled input above which no more is read: three of the
        largest messages.
    :ivar most: bytes in all; when exceeded, the connection ends. It is more than the
        input itself has: Python's texts take up to four bytes for a character, and
        small packets of a POST more.
    :ivar numbers: as given.
    """

    def __init__(self, max_message_size: int, numbers: Mapping[str, int]) -> None:
        self.unread = max(3 * max_message_size, LEAST)
        self.most = max(8 * max_message_size, 8 * LEAST)
        self.numbers = numbers


class Account:
    """The account of one connection.

    :ivar size: bytes that are charged.
    :ivar closed: whether the connection has ended; nothing is charged any more.
    """

    __slots__ = ("_bounds", "closed", "size")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.size = 0
        self.closed = False

    def charge(self, size: int) -> None:
        """Charge something before it is kept.

        :param size: its bytes.
        :raises MessageTooBig: when the bound is exceeded; nothing is charged then.
        """
        if self.closed:
            return
        most = self._bounds.most
        if self.size + size > most:
            raise MessageTooBig(
                f"more than {most} bytes are kept for a client, which is what "
                "max_message_size allows"
            )
        self.size += size

    def release(self, size: int) -> None:
        """Release something that was charged and is not kept any longer."""
        if not self.closed:
            self.size -= size

    @property
    def full(self) -> bool:
        """Whether no more input of the client is read for now."""
        return self.size > self._bounds.unread

    def check(self, option: str, number: int) -> None:
        """Check a number before the client gets one more thing.

        :param option: the name of the option that bounds it.
        :param number: how many it has now.
        :raises LimitExceeded: when it has as many as the option allows.
        """
        most = self._bounds.numbers[option]
        if number >= most:
            raise LimitExceeded(f"{option}: a client has {most} already")

    def close(self) -> None:
        """The connection has ended: nothing is kept for it any longer."""
        self.closed = True
        self.size = 0
