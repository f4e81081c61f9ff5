"""The memory that is used for one client.

The input that a client makes the server keep is charged to the account of its
connection, with its size in memory: even an empty message has a cost. While too much
input waits to be handled, no more is read; TCP's flow control then makes the client
wait. If the input still exceeds the account's limit, the connection ends. Other things
that are kept for a client, such as rooms, are limited in number.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof

from ...wire.errors import MessageTooBig

#: Bytes of a message in a queue in addition to its own object: a tuple with its kind,
#: and an entry of the queue.
SLOT = 64

#: The smallest limit in bytes; used when ``max_message_size`` is small.
LEAST = 64 * 1024


def cost(message: str | bytes) -> int:
    """The bytes that a message takes while it is kept."""
    return getsizeof(message) + SLOT


class LimitExceeded(RuntimeError):
    """A client has as many things as an option allows; the message names the option."""


class Bounds:
    """The limits of the accounts of a server.

    :param max_message_size: bytes of a message.
    :param attachments_size: bytes of the attachments of one packet together.
    :param numbers: how many things are allowed, by the name of the option.

    :ivar unread: bytes of unhandled input above which no more is read: three of the
        largest messages.
    :ivar most: bytes in all; when exceeded, the connection ends. It is larger than the
        input itself: a Python string takes up to four bytes for a character, and each
        small packet of a POST has a cost of its own.
    :ivar numbers: as given.
    """

    def __init__(
        self, max_message_size: int, attachments_size: int, numbers: Mapping[str, int]
    ) -> None:
        self.unread = max(3 * max_message_size, LEAST)
        self.most = max(8 * max_message_size, 8 * LEAST) + attachments_size
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
        :raises MessageTooBig: when the limit is exceeded; nothing is charged then.
        """
        if self.closed:
            return
        most = self._bounds.most
        if self.size + size > most:
            raise MessageTooBig(
                f"more than {most} bytes of input wait for one client; "
                "max_message_size sets this limit"
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

        :param option: the name of the option that limits the number.
        :param number: how many it has now.
        :raises LimitExceeded: when it has as many as the option allows.
        """
        most = self._bounds.numbers[option]
        if number >= most:
            raise LimitExceeded(f"{option}: a client has {most} already")

    def close(self) -> None:
        """Close the account, because the connection has ended."""
        self.closed = True
        self.size = 0
