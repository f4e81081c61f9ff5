"""Messages that were read a short while ago: many clients have missed the same ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from ..busmessage import BusCodec, BusMessage

#: How many messages are remembered, and the characters of the longest of these.
MOST: Final = 1000
LONGEST: Final = 1024


class RecentMessages:
    """Reads messages, and remembers the short ones.

    When a process has ended, its clients come back together, and each has missed what
    was sent to all.

    :param codec_of: returns what reads the messages of a topic.
    """

    def __init__(self, codec_of: Callable[[str], BusCodec]) -> None:
        self._codec_of = codec_of
        self._remembered = lru_cache(MOST)(self._read)

    def read(self, topic: str, text: str) -> BusMessage:
        """Read a message, and check it.

        :returns: it; others are given the same object, so nobody may change it.
        :raises BusMessageError: when it is invalid.
        """
        read = self._remembered if len(text) <= LONGEST else self._read
        return read(topic, text)

    def _read(self, topic: str, text: str) -> BusMessage:
        return self._codec_of(topic).read(text)
