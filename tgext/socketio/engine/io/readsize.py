"""How many bytes of a WebSocket are read at once."""

from __future__ import annotations

from typing import Final

#: Bytes of one read. They are handled before other connections are read.
READ_SIZE: Final = 8192

#: The most bytes of one read, for messages that are large.
MOST_READ: Final = 65536

#: Bytes of a large message: several of them are read at once. Reading 64 KiB instead of
#: 8 takes a third off an echo of 16 KiB, and more than half with eight in flight.
LARGE: Final = 4096

#: How many large messages are read at once, if they are not larger than all together.
MESSAGES: Final = 4


class ReadSize:
    """Follows the messages of a connection.

    A read brings a few large messages or some hundred small ones, which keep others
    waiting for equally long.

    :ivar size: bytes of the next read.
    """

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = READ_SIZE

    def follow(self, count: int, frame: int) -> None:
        """What was read has been decoded.

        :param count: how many bytes were read.
        :param frame: the bytes of the frame that has begun.
        """
        if frame >= LARGE:
            self.size = min(MESSAGES * frame, MOST_READ)
        elif self.size > READ_SIZE and (count < LARGE or count >= self.size):
            self.size = READ_SIZE  # its messages are small now
