"""Records in Redis that one process has at a time, and another one may take.

A record is valid for a time, which its process renews by writing it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from .redis_scripts import Script

_WRITE: Final = Script.of("record_write")
_READ: Final = Script.of("record_read")
_TAKE: Final = Script.of("record_take")
_END: Final = Script.of("record_end")

#: The answers of the script for each list of :class:`Written`.
_NOT_WRITTEN: Final = (0, -1, -2)


class Record(NamedTuple):
    """A record.

    :ivar owner: the id of the process that has it.
    :ivar text: what that process has written.
    """

    owner: str
    text: str


class Written(NamedTuple):
    """What has become of records that were to be written.

    :ivar taken: the names of those that another process has taken.
    :ivar missing: of those that were to be renewed, and are not there.
    :ivar refused: of those whose keys have another type of value in Redis.
    """

    taken: list[str]
    missing: list[str]
    refused: list[str]


class Records:
    """The records of one kind. Every method raises BackendError without Redis.

    :param run: runs a script; see :meth:`.redis.RedisPubSub.run`.
    :param prefix: what the keys begin with.
    :param owner: the id of this process.
    """

    def __init__(self, run: Callable[..., Any], prefix: str, owner: str) -> None:
        self._run = run
        self._prefix = prefix
        self._owner = owner

    def write(self, texts: Mapping[str, str], seconds: float) -> Written:
        """Write records, or renew them.

        :param texts: by their names; an empty one renews the record that is there.
        :param seconds: how long they are valid.
        :returns: those that are not written.
        """
        args = [self._owner, int(seconds * 1000), *texts.values()]
        answers = self._run(_WRITE, self._keys(list(texts)), args)
        with_answer: dict[int, list[str]] = {}
        for name, answer in zip(texts, answers, strict=True):
            with_answer.setdefault(answer, []).append(name)
        return Written(*(with_answer.get(each, []) for each in _NOT_WRITTEN))

    def read(self, name: str) -> Record | None:
        """A record; None if there is none."""
        owner, text = self._run(_READ, self._keys([name]))
        if owner is None or text is None:
            return None
        return Record(_text(owner), _text(text))

    def take(self, name: str, owner: str, seconds: float) -> str | None:
        """Take a record from the process that has it.

        :param owner: the id of that process.
        :param seconds: how long it is valid from now on.
        :returns: its text; None if that process does not have it any more.
        """
        args = [owner, self._owner, int(seconds * 1000)]
        text = self._run(_TAKE, self._keys([name]), args)
        return None if text is None else _text(text)

    def remove(self, names: Sequence[str]) -> None:
        """Remove records, if this process has them."""
        self._run(_END, self._keys(names), [self._owner])

    def _keys(self, names: Sequence[str]) -> list[str]:
        return [f"{self._prefix}/{each}" for each in names]


def _text(data: bytes) -> str:
    """Text of Redis. Bytes that are not UTF-8 become text that nobody has written."""
    return data.decode("utf-8", "replace")
