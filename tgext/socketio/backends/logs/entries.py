"""What a log is: entries of topics, counted by one counter.

Consistency: appending is one step; what has a number is in the log, and is sent to the
listeners of its topic in the order of the numbers. A log that has lost entries begins a
new epoch, so that no number means two messages. Readers learn from
:attr:`Replay.complete` whether they have missed anything.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Protocol

from ...wire.escape import escape

#: Characters of an epoch. The first is a letter: no JSON begins like a position.
_LETTERS: Final = string.ascii_lowercase
_CHARACTERS: Final = _LETTERS + string.digits

_POSITION: Final = r"([a-z][a-z0-9]{11})-([0-9]{1,15})"
_TEXT: Final = re.compile(_POSITION)
_LOGGED: Final = re.compile(f"{_POSITION} ")
#: The characters of the longest position, and a space.
_LONGEST: Final = 12 + 1 + 15 + 1


def new_epoch() -> str:
    """The name of a new epoch: 12 lower-case letters and digits, a letter first."""
    rest = (secrets.choice(_CHARACTERS) for _ in range(11))
    return secrets.choice(_LETTERS) + "".join(rest)


class Position(NamedTuple):
    """A place in a log: an entry, or the latest one when it was made.

    :param epoch: changes when the log has lost entries.
    :param number: counts the entries of all topics, from 1.
    """

    epoch: str
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"

    @classmethod
    def read(cls, text: object) -> Position:
        """The position that a text is.

        :raises ValueError: when it is none.
        """
        match = _TEXT.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError("a position is a text such as abcdefghijkl-123")
        return cls(match[1], int(match[2]))


class Entry(NamedTuple):
    """A message of a topic, and its number."""

    number: int
    topic: str
    message: str


class Keep(NamedTuple):
    """How much of a topic is kept.

    :param most: the number of entries.
    :param seconds: the age of an entry at which it is dropped.
    """

    most: int
    seconds: float


class Replay(NamedTuple):
    """What was read.

    :param entries: in ascending order.
    :param position: the latest entry of the log, of any topic, when it was read.
    :param complete: whether nothing of what was asked for has been dropped.
    """

    entries: list[Entry]
    position: Position
    complete: bool


#: Called with each entry of a topic. Must neither block nor raise.
HeardEntry = Callable[[Entry], object]


class Log(Protocol):
    """Keeps the latest entries of topics. Every method may raise BackendError.

    :ivar epoch: the epoch of the entries that listeners are given.
    :ivar heard: up to here, every listener has been given its topic.
    """

    @property
    def epoch(self) -> str: ...

    @property
    def heard(self) -> Position: ...

    def append(
        self, topic: str, message: str, keep: Keep, key: str | None = None
    ) -> Position | None:
        """Append a message, drop old ones of the topic, and tell its listeners.

        :param key: a message whose key was used in this topic in the last
            ``keep.seconds`` is not appended.
        :returns: its position; None when its key was used before.
        """

    def read(self, topics: Iterable[str], after: Position) -> Replay:
        """The entries of topics after a position.

        If the position is of another epoch, all entries are given, and ``complete`` is
        false.
        """

    def latest(self, topic: str, count: int) -> Replay:
        """The latest entries of a topic, at most ``count``."""

    def now(self) -> Position:
        """The latest position of the log."""

    def declare(self, topic: str, keep: Keep) -> None:
        """Note how much of a topic is kept, for those who publish without knowing it.

        It is forgotten when nobody has used it for a week.
        """

    def publish(
        self, topic: str, message: str, key: str | None = None, like: str = ""
    ) -> None:
        """Append a message if the topic was declared, or else only publish it.

        :param like: another topic: this one is kept as it was declared.
        :raises ValueError: when there is a key, and the topic was not declared.
        """

    def listen(self, topic: str, heard: HeardEntry) -> int:
        """Call ``heard`` with each entry of a topic, once and in order.

        When it returns, the subscription is active. What was missed while the broker
        was lost is given when it is back.

        :returns: the number of the log's latest entry before: those up to it are not
            given.
        """

    def unlisten(self, topic: str, heard: HeardEntry) -> None:
        """No longer call ``heard``; does not block."""

    def when_lost(self, told: Callable[[], object]) -> None:
        """Call ``told`` when listeners may have missed entries for good.

        It must neither block nor raise. A second call has no effect.
        """


def undeclared(topic: str) -> ValueError:
    """The error of a message with a key, in a topic that was not declared."""
    return ValueError(
        f"key= needs a history, and nobody has asked for one of '{escape(topic)}': "
        "give the number of messages to keep, as history=100"
    )


def write_logged(position: Position, message: str) -> str:
    """A message of a log, as subscribers of its topic receive it."""
    return f"{position} {message}"


def read_logged(data: object) -> tuple[Position, str] | None:
    """The position and the message that a subscriber received.

    :param data: text, or bytes in UTF-8.
    :returns: None when it is not a message of a log, but one that was published alone.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        beginning = bytes(data[:_LONGEST]).decode("latin-1")
    elif isinstance(data, str):
        beginning = data[:_LONGEST]
    else:
        return None
    match = _LOGGED.match(beginning)
    if match is None:
        return None
    position = Position(match[1], int(match[2]))
    rest = data[match.end() :]
    if isinstance(rest, str):
        return position, rest
    try:
        return position, bytes(rest).decode()
    except UnicodeDecodeError:
        return None
