"""Tables in Redis: what each process keeps of its own, for the others to read.

A table is valid for a time, which its process renews. It has a number, which changes
with each write: a process that finds another number than the one that it wrote has lost
its table, and writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from .redis_scripts import Script

#: Entries of one write.
AT_ONCE: Final = 500

_NUMBER: Final = b"#"

_WRITE: Final = Script.of("presence_write")
_READ: Final = Script.of("presence_read")
_LIST: Final = Script.of("presence_list")
_END: Final = Script.of("presence_end")


class Table(NamedTuple):
    """The table of a process.

    :ivar number: its number.
    :ivar entries: references and entries.
    :ivar seconds: the time for which it is valid.
    """

    number: int
    entries: list[tuple[str, str]]
    seconds: float


class Tables:
    """The tables of the processes of an application.

    :param run: runs a script; see :meth:`.redis.RedisPubSub.run`.
    :param prefix: what the keys begin with.
    :param seconds: the time for which a table is valid after each write.
    """

    def __init__(
        self, run: Callable[..., Any], prefix: str, seconds: float = 0.0
    ) -> None:
        self._run = run
        self._prefix = prefix
        self._milliseconds = int(seconds * 1000)

    def write(
        self,
        name: str,
        before: int,
        number: int,
        there: Mapping[str, str] | None = None,
        gone: Sequence[str] = (),
    ) -> bool:
        """Change a table, and renew its time.

        :param before: the number that it has.
        :param number: the number that it has afterwards.
        :param there: entries to set, by their references.
        :param gone: references of entries to remove.
        :returns: False if the table is gone or has another number.
        :raises BackendError: when Redis does not answer.
        """
        return self._write(name, str(before), str(number), there or {}, gone)

    def write_whole(
        self, name: str, number: int, entries: Iterator[tuple[str, str]]
    ) -> None:
        """Write a table anew, in parts. Nobody can read it before the last one.

        :raises BackendError: when Redis does not answer.
        """
        before, part = "", dict(islice(entries, AT_ONCE))
        for count in range(1, 1 << 30):
            rest = dict(islice(entries, AT_ONCE))
            after = f"part {count}" if rest else str(number)
            if not self._write(name, before, after, part, ()):
                return  # another process writes it, or Redis has lost it: see `write`
            if not rest:
                return
            before, part = after, rest

    def read(self, name: str) -> Table | None:
        """Read a table; None if it is gone, or is being written.

        :raises BackendError: when Redis does not answer.
        """
        milliseconds, fields = self._run(_READ, [self._key(name)])
        entries = dict(zip(fields[::2], fields[1::2], strict=True))
        number = entries.pop(_NUMBER, b"")
        if not number.isdigit() or len(number) > 18:
            return None
        there = [(_text(each), _text(entry)) for each, entry in entries.items()]
        return Table(int(number), there, milliseconds / 1000)

    def names(self) -> list[str]:
        """The names of all tables that are valid.

        :raises BackendError: when Redis does not answer.
        """
        return [_text(each) for each in self._run(_LIST, [self._prefix])]

    def remove(self, name: str) -> None:
        """Remove a table.

        :raises BackendError: when Redis does not answer.
        """
        self._run(_END, [self._key(name), self._prefix], [name])

    def _write(
        self,
        name: str,
        before: str,
        after: str,
        there: Mapping[str, str],
        gone: Sequence[str],
    ) -> bool:
        fields = list(chain.from_iterable(there.items()))
        arguments = [name, self._milliseconds, before, after, len(fields)]
        keys = [self._key(name), self._prefix]
        return bool(self._run(_WRITE, keys, [*arguments, *fields, *gone]))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}"


def _text(data: bytes) -> str:
    """Text of Redis. Bytes that are not UTF-8 become text that nobody has written."""
    return data.decode("utf-8", "replace")
