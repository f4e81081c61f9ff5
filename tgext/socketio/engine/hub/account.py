"""What one client makes the process keep.

All that a client can make grow is charged to the account of its connection, with its
real size: an empty message costs what an empty text in a queue costs. Where the client
can be made to wait, it is read no further while much of its input is not handled (TCP
pushes back, or its POST is not read); where it cannot, its connection ends. Things that
the application keeps for it, such as rooms, are bounded by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof

from ...wire.errors import MessageTooBig

#: Bytes that a message in a queue takes beside its own object: the tuple that says what
#: it is, its place in the queue.
SLOT = 64

#: Input that may be kept at least, however small `max_message_size` is.
LEAST = 64 * 1024


def cost(message: str | bytes) -> int:
    """The bytes that a message takes while it is kept."""
    return getsizeof(message) + SLOT


class LimitExceeded(RuntimeError):
    """A client has as many things as it may; the message names the option."""


class Bounds:
    """What the accounts of a server are held to.

    :param max_message_size: bytes of a message.
    :param numbers: how many things there may be, by the name of the option.

    :ivar unread: bytes of input not handled at which a client has to wait: three of
        the largest messages.
    :ivar most: bytes in all, past which a connection ends. Python's texts have up to
        four bytes per character, and a small packet of a POST may grow more.
    :ivar numbers: as given.
    """

    def __init__(self, max_message_size: int, numbers: Mapping[str, int]) -> None:
        self.unread = max(3 * max_message_size, LEAST)
        self.most = max(8 * max_message_size, 8 * LEAST)
        self.numbers = numbers


#: The bounds of a server that has none of its own: one that a test made.
USUAL = Bounds(
    1_000_000,
    dict.fromkeys(("max_rooms", "max_channels", "max_pending_acks", "max_jobs"), 1000),
)


class Account:
    """The account of one connection.

    :ivar size: bytes that are kept for it.
    :ivar closed: whether the connection has ended; nothing is charged any more.
    """

    __slots__ = ("_bounds", "closed", "size")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.size = 0
        self.closed = False

    def charge(self, size: int) -> None:
        """Something is about to be kept.

        :param size: its bytes.
        :raises MessageTooBig: when that is too much in all; it is not charged then.
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
        """Something that was charged is kept no longer."""
        if not self.closed:
            self.size -= size

    @property
    def full(self) -> bool:
        """Whether the client has to wait before more of its input is read."""
        return self.size > self._bounds.unread

    def check(self, option: str, number: int) -> None:
        """The client is about to get one more thing.

        :param option: the option that says how many there may be.
        :param number: how many it has.
        :raises LimitExceeded: when it has as many as it may.
        """
        most = self._bounds.numbers[option]
        if number >= most:
            raise LimitExceeded(f"{option}: a client has {most} already")

    def close(self) -> None:
        """The connection has ended: who kept something for it has let go of it."""
        self.closed = True
        self.size = 0
